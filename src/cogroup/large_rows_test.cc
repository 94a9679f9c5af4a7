#include "cogroup/large_rows.h"

#include <arrow/api.h>
#include <arrow/compute/initialize.h>
#include <gtest/gtest.h>

#include <random>

#include "cogroup/random_rows_test_support.h"
#include "cogroup/take_rows.h"

namespace sheaf {
namespace {

using sheaf::testing::AllLayouts;
using sheaf::testing::RandomRows;

struct Case {
  std::string name;
  std::vector<std::string> order_by;
  Ties ties;
};

class LargeRowsTest : public ::testing::TestWithParam<std::tuple<Case, int64_t>> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(arrow::compute::Initialize().ok());
    const auto& [ordered, run_bytes] = GetParam();
    order_ = std::make_shared<const GroupOrder>(
        GroupOrder::Make(*AllLayouts(), ordered.order_by, ordered.ties).ValueOrDie());
    large_ = std::make_unique<LargeRows>(
        AllLayouts(), order_, SpillFile::Create(SpillDirectory(), AllLayouts()).ValueOrDie(),
        run_bytes);
    std::mt19937 random(9);
    for (int i = 0; i < 40; ++i) {
      pieces_.push_back(RandomRows(&random, 100, /*nulls=*/i % 2 == 0 ? 0 : 5));
      ASSERT_TRUE(large_->Add(pieces_.back()).ok());
    }
    ASSERT_TRUE(large_->Finish().ok());
    const auto joined = arrow::ConcatenateRecordBatches(pieces_).ValueOrDie();
    wanted_ = order_->Apply(joined, {0, static_cast<int32_t>(joined->num_rows())}).ValueOrDie();
  }

  std::vector<std::shared_ptr<arrow::RecordBatch>> pieces_;
  std::shared_ptr<const GroupOrder> order_;
  std::unique_ptr<LargeRows> large_;
  std::shared_ptr<arrow::RecordBatch> wanted_;
};

TEST_P(LargeRowsTest, ComeOutInOrderInPiecesThatFit) {
  EXPECT_EQ(large_->num_rows(), wanted_->num_rows());
  EXPECT_EQ(large_->bytes(), RowSizes(wanted_).OfAll());
  constexpr int64_t kPieceBytes = 5000;
  const RowSizes sizes(wanted_);
  int64_t row = 0;
  while (row < wanted_->num_rows()) {
    const auto piece = large_->Next(kPieceBytes, /*min_rows=*/1).ValueOrDie();
    ASSERT_EQ(piece->num_rows(), sizes.Fitting(row, kPieceBytes));
    ASSERT_TRUE(piece->Equals(*wanted_->Slice(row, piece->num_rows()))) << row;
    row += piece->num_rows();
  }
  EXPECT_EQ(large_->Next(kPieceBytes, 1).ValueOrDie()->num_rows(), 0);
}

TEST_P(LargeRowsTest, ARowComesHoweverLongIfOneMust) {
  EXPECT_EQ(large_->Next(1, /*min_rows=*/0).ValueOrDie()->num_rows(), 0);
  EXPECT_EQ(large_->Next(-1, /*min_rows=*/0).ValueOrDie()->num_rows(), 0);
  EXPECT_TRUE(large_->Next(1, /*min_rows=*/1).ValueOrDie()->Equals(*wanted_->Slice(0, 1)));
  EXPECT_TRUE(large_->Next(1, /*min_rows=*/1).ValueOrDie()->Equals(*wanted_->Slice(1, 1)));
}

TEST_P(LargeRowsTest, TheFirstCanBeSeenAndKeptAlone) {
  const auto first = wanted_->Slice(0, 1);
  EXPECT_TRUE(large_->First().ValueOrDie()->Equals(*first));
  ASSERT_TRUE(large_->KeepFirst().ok());
  EXPECT_EQ(large_->num_rows(), 1);
  EXPECT_EQ(large_->bytes(), RowSizes(first).OfAll());
  EXPECT_EQ(large_->Next(1, /*min_rows=*/0).ValueOrDie()->num_rows(), 0);
  EXPECT_TRUE(large_->Next(1, /*min_rows=*/1).ValueOrDie()->Equals(*first));
  EXPECT_EQ(large_->Next(1, /*min_rows=*/1).ValueOrDie()->num_rows(), 0);
}

INSTANTIATE_TEST_SUITE_P(
    All, LargeRowsTest,
    ::testing::Combine(::testing::Values(Case{"arrival", {}, Ties::kAny},
                                         Case{"order_by", {"i8 DESC", "text"}, Ties::kAny},
                                         Case{"equal", {"null"}, Ties::kAny},
                                         Case{"fixed", {"bool"}, Ties::kFixed},
                                         Case{"ties_alone", {}, Ties::kFixed}),
                       // More runs than are merged at once, a few, and one.
                       ::testing::Values(int64_t{1} << 10, int64_t{1} << 16, int64_t{1} << 30)),
    [](const auto& info) {
      return std::get<Case>(info.param).name + "_" +
             std::to_string(std::get<int64_t>(info.param) >> 10);
    });

}  // namespace
}  // namespace sheaf
