#include "cogroup/row_builder.h"

#include <arrow/compute/api.h>
#include <arrow/table.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "cogroup/random_rows_test_support.h"

namespace sheaf {
namespace {

using sheaf::testing::AllLayouts;
using sheaf::testing::RandomRows;
using sheaf::testing::WithViews;

// Portions of rows that stand and of rows that are named, with nulls in later ones only.
TEST(RowBuilderTest, PortionsFollowEachOtherWhateverTheirTypesAndLengths) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  RowBuilder builder(AllLayouts());
  builder.Expect(8);
  for (int batch = 0; batch < 3; ++batch) {
    RowBuilder::Pieces expected;
    for (int portion = 0; portion < 20; ++portion) {
      const auto length = static_cast<int>(1 + random() % 300);
      const int nulls = portion < 5 ? 0 : static_cast<int>(random() % 5);
      const auto rows = RandomRows(&random, length + 1, nulls)->Slice(1);
      const auto piece = random() % 2 == 0 ? rows : WithViews(rows);
      if (random() % 2 == 0) {
        // Some rows of it, as they stand, and some more.
        const auto middle = static_cast<int64_t>(random() % static_cast<unsigned>(length));
        const auto begin = static_cast<int64_t>(random() % static_cast<unsigned>(middle + 1));
        const std::vector<RowRun> runs = {{0, begin, middle}, {1, middle, length}};
        ASSERT_TRUE(builder.Append({piece, piece}, {{}, runs}).ok());
        expected.push_back(rows->Slice(begin));
        continue;
      }
      std::vector<RowRef> refs;
      std::vector<int64_t> numbers;
      for (int i = 0; i < length; ++i) {
        const auto row = static_cast<uint32_t>(random() % static_cast<unsigned>(length));
        refs.push_back({0, row});
        numbers.push_back(row);
      }
      ASSERT_TRUE(builder.Append({piece}, {refs, {}}).ok());
      const arrow::Int64Array indices(length, arrow::Buffer::Wrap(numbers));
      expected.push_back(arrow::compute::Take(rows, indices).ValueOrDie().record_batch());
    }
    const auto built = builder.Finish().ValueOrDie();
    ASSERT_TRUE(built->ValidateFull().ok()) << built->ValidateFull();
    EXPECT_TRUE(built->Equals(*arrow::ConcatenateRecordBatches(expected).ValueOrDie()));
  }
}

// Rows that nobody but the append holds, all of them or some, in random order; memory moves as they grow in number.
TEST(RowBuilderTest, AppendsThatEndLaterLeaveRowsInTheirOrder) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  // Without those that are left to Arrow.
  const std::vector<int> columns = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  const auto schema = RandomRows(&random, 1, 0)->SelectColumns(columns).ValueOrDie()->schema();
  RowBuilder builder(schema);
  for (int batch = 0; batch < 3; ++batch) {
    RowBuilder::Pieces expected;
    for (int portion = 0; portion < 40; ++portion) {
      const int nulls = portion < 20 ? 0 : static_cast<int>(random() % 5);
      RowBuilder::Pieces plain;
      auto pieces = std::make_shared<RowBuilder::Pieces>();
      std::vector<RowRef> refs;
      std::vector<int64_t> numbers;
      for (uint32_t p = 0; p < 3; ++p) {
        const auto rows = RandomRows(&random, static_cast<int>(random() % 300), nulls)
                              ->SelectColumns(columns)
                              .ValueOrDie();
        for (uint32_t row = 0; row < rows->num_rows(); ++row) refs.push_back({p, row});
        plain.push_back(rows);
        pieces->push_back(random() % 2 == 0 ? rows : WithViews(rows));
      }
      std::ranges::shuffle(refs, random);
      if (random() % 2 == 0) refs.resize(refs.size() / 2);
      std::vector<int64_t> starts = {0, plain[0]->num_rows(),
                                     plain[0]->num_rows() + plain[1]->num_rows()};
      for (const RowRef ref : refs) numbers.push_back(starts[ref.piece] + ref.row);
      const arrow::Int64Array indices(std::ssize(numbers), arrow::Buffer::Wrap(numbers));
      const auto all = arrow::ConcatenateRecordBatches(plain).ValueOrDie();
      expected.push_back(arrow::compute::Take(all, indices).ValueOrDie().record_batch());
      plain.clear();
      struct Held {
        std::shared_ptr<RowBuilder::Pieces> pieces;
        std::vector<RowRef> refs;
      };
      auto held = std::make_shared<const Held>(Held{std::move(pieces), std::move(refs)});
      const Held& append = *held;
      auto runs = RunsOf(*append.pieces);
      if (NumRows(runs) != std::ssize(append.refs)) runs.clear();
      const RowList rows(append.refs, runs);
      ASSERT_TRUE(builder.AppendOnce(*append.pieces, rows, std::move(held)).ok());
      if (random() % 8 == 0) {
        expected.push_back(RandomRows(&random, 100, nulls)->SelectColumns(columns).ValueOrDie());
        ASSERT_TRUE(
            builder.Append({expected.back()}, {{}, RunsOf(std::span(&expected.back(), 1))}).ok());
      }
    }
    const auto built = builder.Finish().ValueOrDie();
    ASSERT_TRUE(built->ValidateFull().ok()) << built->ValidateFull();
    EXPECT_TRUE(built->Equals(*arrow::ConcatenateRecordBatches(expected).ValueOrDie()));
  }
}

TEST(RowBuilderTest, WhatHoldsRowsIsGivenBackOnceTheyAreThere) {
  const auto schema = arrow::schema({arrow::field("id", arrow::int64())});
  const auto ids = std::make_shared<arrow::Int64Array>(
      3, arrow::Buffer::FromVector(std::vector<int64_t>{1, 2, 3}));
  const RowBuilder::Pieces pieces = {arrow::RecordBatch::Make(schema, 3, {ids})};
  const std::vector<RowRef> refs = {{0, 2}, {0, 0}, {0, 1}};
  RowBuilder builder(schema);
  std::vector<std::weak_ptr<int>> held;
  for (int i = 0; i < 20; ++i) {
    const auto holds = std::make_shared<int>(i);
    held.emplace_back(holds);
    ASSERT_TRUE(builder.AppendOnce(pieces, {refs, {}}, holds).ok());
  }
  ASSERT_EQ(builder.Finish().ValueOrDie()->num_rows(), 60);
  EXPECT_TRUE(std::ranges::all_of(held, &std::weak_ptr<int>::expired));
}

TEST(RowBuilderTest, NoRowsAreABatchOfTheSchema) {
  const auto built = RowBuilder(AllLayouts()).Finish().ValueOrDie();
  EXPECT_EQ(built->num_rows(), 0);
  EXPECT_TRUE(built->schema()->Equals(*AllLayouts()));
}

}  // namespace
}  // namespace sheaf
