#include "cli/progress.h"

#include <gtest/gtest.h>

namespace sheaf {
namespace {

Metrics HalfWay() {
  Metrics metrics;
  metrics.batches = 3;
  metrics.keys = 196608;
  metrics.tables.resize(2);
  metrics.tables[0].rows_read = 4'000'000;
  metrics.tables[1].rows_read = 1'000'000;
  return metrics;
}

TEST(ProgressTextTest, ShowsRowsASecondAndKeys) {
  EXPECT_EQ(ProgressText(HalfWay(), 4, 100), "batch 3  197k keys  1.2M rows/s  0:04");
}

TEST(ProgressTextTest, ShowsShareAndTimeLeftOnceTheTotalIsKnown) {
  Metrics metrics = HalfWay();
  metrics.total_keys = 393216;
  EXPECT_EQ(ProgressText(metrics, 130, 100),
            "[##########..........]  50%  batch 3  197k keys  38.5k rows/s  2:10  ETA 2:10");
}

TEST(ProgressTextTest, HasNoTimeLeftBeforeTheFirstKey) {
  Metrics metrics;
  metrics.total_keys = 10;
  EXPECT_EQ(ProgressText(metrics, 0, 100),
            "[....................]   0%  batch 0  0 keys  0 rows/s  0:00");
}

TEST(ProgressTextTest, NeverClaimsMoreThanAll) {
  Metrics metrics = HalfWay();
  metrics.total_keys = 1;
  EXPECT_EQ(ProgressText(metrics, 4, 29), "[####################] 100%  ");
}

}  // namespace
}  // namespace sheaf
