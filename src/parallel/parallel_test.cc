#include "parallel/parallel.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <future>

namespace sheaf {
namespace {

TEST(RunInParallelTest, EachTaskRunsOnce) {
  std::array<std::atomic<int>, 100> runs{};
  ASSERT_TRUE(RunInParallel(runs.size(), [&](size_t i) {
                ++runs[i];
                return arrow::Status::OK();
              }).ok());
  for (size_t i = 0; i < runs.size(); ++i) EXPECT_EQ(runs[i], 1) << i;
}

TEST(RunInParallelTest, NoTasksIsFine) {
  EXPECT_TRUE(RunInParallel(0, [](size_t) { return arrow::Status::Invalid("never"); }).ok());
}

TEST(RunInParallelTest, AnErrorIsReturnedAndEndsTheRest) {
  std::atomic<size_t> started = 0;
  const arrow::Status status = RunInParallel(1'000'000, [&](size_t) {
    ++started;
    return arrow::Status::Invalid("first");
  });
  EXPECT_EQ(status.message(), "first");
  EXPECT_LT(started, 1'000'000U);
}

}  // namespace
}  // namespace sheaf
