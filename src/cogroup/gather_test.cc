#include "cogroup/gather.h"

#include <arrow/compute/api.h>
#include <arrow/table.h>
#include <gtest/gtest.h>

#include <random>
#include <utility>

#include "cogroup/random_rows_test_support.h"

namespace sheaf {
namespace {

using sheaf::testing::AllLayouts;
using sheaf::testing::RandomRows;

TEST(GatherTest, RowsComeFromAnyPieceInAnyOrderWhateverTheirTypes) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (const auto& [nulls, rows] : {std::pair(0, 1000), {3, 1000}, {3, 30}}) {
    const std::vector<std::shared_ptr<arrow::RecordBatch>> pieces = {
        RandomRows(&random, 100, 0), RandomRows(&random, 120, nulls)->Slice(7, 100),
        RandomRows(&random, 1, nulls)};
    std::vector<RowRef> refs;
    std::vector<int64_t> numbers;  // the same rows, counted over all pieces
    for (int i = 0; i < rows; ++i) {
      const auto number = static_cast<uint32_t>(random() % 201);
      refs.push_back({number / 100, number % 100});
      numbers.push_back(number);
    }
    const auto gathered = Gather(AllLayouts(), pieces, refs).ValueOrDie();
    ASSERT_TRUE(gathered->ValidateFull().ok()) << gathered->ValidateFull();
    const arrow::Int64Array indices(rows, arrow::Buffer::Wrap(numbers));
    const auto whole = arrow::ConcatenateRecordBatches(pieces).ValueOrDie();
    EXPECT_TRUE(
        gathered->Equals(*arrow::compute::Take(whole, indices).ValueOrDie().record_batch()));
  }
}

TEST(GatherTest, TextThatComesAsViewsBecomesPlain) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto plain = RandomRows(&random, 200, 4);
  const auto views = sheaf::testing::WithViews(plain);
  std::vector<RowRef> refs;
  std::vector<int64_t> numbers;
  for (int i = 0; i < 500; ++i) {
    const auto number = static_cast<uint32_t>(random() % 200);
    refs.push_back({static_cast<uint32_t>(random() % 2), number});
    numbers.push_back(number);
  }
  const auto gathered = Gather(AllLayouts(), {views, plain}, refs).ValueOrDie();
  ASSERT_TRUE(gathered->ValidateFull().ok()) << gathered->ValidateFull();
  const arrow::Int64Array indices(std::ssize(numbers), arrow::Buffer::Wrap(numbers));
  EXPECT_TRUE(gathered->Equals(*arrow::compute::Take(plain, indices).ValueOrDie().record_batch()));
}

TEST(GatherTest, ChunksOfManyRowsFitTogether) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto piece = RandomRows(&random, 1000, 5);
  std::vector<RowRef> refs;
  std::vector<int64_t> numbers;
  for (int i = 0; i < 100'001; ++i) {
    const auto number = static_cast<uint32_t>(random() % 1000);
    refs.push_back({0, number});
    numbers.push_back(number);
  }
  const auto gathered = Gather(AllLayouts(), {piece}, refs).ValueOrDie();
  ASSERT_TRUE(gathered->ValidateFull().ok()) << gathered->ValidateFull();
  const arrow::Int64Array indices(std::ssize(numbers), arrow::Buffer::Wrap(numbers));
  EXPECT_TRUE(gathered->Equals(*arrow::compute::Take(piece, indices).ValueOrDie().record_batch()));
}

TEST(GatherTest, NoRowsAreABatchOfTheSchema) {
  const auto gathered = Gather(AllLayouts(), {}, {}).ValueOrDie();
  EXPECT_EQ(gathered->num_rows(), 0);
  EXPECT_TRUE(gathered->schema()->Equals(*AllLayouts()));
}

}  // namespace
}  // namespace sheaf
