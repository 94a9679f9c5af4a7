#include "cogroup/segment.h"

#include <arrow/compute/api.h>
#include <arrow/table.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "cogroup/random_rows_test_support.h"

namespace sheaf {
namespace {

using sheaf::testing::RandomRows;
using Rows = std::shared_ptr<arrow::RecordBatch>;

std::vector<uint32_t> Numbers(uint32_t begin, uint32_t end) {
  std::vector<uint32_t> numbers(end - begin);
  std::iota(numbers.begin(), numbers.end(), begin);
  return numbers;
}

Rows TakeRows(const Rows& rows, const std::vector<uint32_t>& numbers) {
  const arrow::UInt32Array indices(std::ssize(numbers), arrow::Buffer::Wrap(numbers));
  return arrow::compute::Take(rows, indices).ValueOrDie().record_batch();
}

TEST(SegmentTest, HoldsTheRowsThatWereAppendedWhateverTheirTypes) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (const int nulls : {0, 3, 1}) {
    // Some columns have their first null late: the rows before it are valid.
    const std::vector<Rows> sources = {RandomRows(&random, 300, 0),
                                       RandomRows(&random, 300, nulls)->Slice(5, 290)};
    const auto layout = SegmentLayout::ForRowsLike(sources[0]->schema(), *sources[0], 64 << 10);
    const auto segment = Segment::Open(layout).ValueOrDie();
    std::vector<Rows> expected;
    for (const Rows& source : sources) {
      std::vector<uint32_t> some;
      for (const uint32_t row : Numbers(0, 200)) {
        if (random() % 3 == 0) some.push_back(row);
      }
      for (const auto& numbers : {some, Numbers(10, 40)}) {
        ASSERT_EQ(segment->Append(SegmentSource(source), numbers).ValueOrDie(),
                  std::ssize(numbers));
        expected.push_back(TakeRows(source, numbers));
      }
    }
    const Rows sealed = segment->Rows().ValueOrDie();
    ASSERT_TRUE(sealed->ValidateFull().ok()) << sealed->ValidateFull();
    EXPECT_TRUE(sealed->Equals(*arrow::ConcatenateRecordBatches(expected).ValueOrDie()));
  }
}

TEST(SegmentTest, TakesTextThatComesAsViews) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const Rows rows = RandomRows(&random, 300, 3);
  const Rows views = sheaf::testing::WithViews(rows)->Slice(20, 250);
  const auto layout = SegmentLayout::ForRowsLike(rows->schema(), *views, 64 << 10);
  const auto segment = Segment::Open(layout).ValueOrDie();
  for (const auto& numbers : {Numbers(0, 100), std::vector<uint32_t>{101, 103, 249}}) {
    ASSERT_EQ(segment->Append(SegmentSource(views), numbers).ValueOrDie(), std::ssize(numbers));
  }
  std::vector<uint32_t> all = Numbers(0, 100);
  all.insert(all.end(), {101, 103, 249});
  EXPECT_TRUE(segment->Rows().ValueOrDie()->Equals(*TakeRows(rows->Slice(20, 250), all)));
}

TEST(SegmentTest, ComesBackFromItsBlocksWithThoseThatFollow) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (const int nulls : {0, 3}) {
    const Rows source = RandomRows(&random, 300, nulls);
    const auto layout = SegmentLayout::ForRowsLike(source->schema(), *source, 64 << 10);
    std::string bytes;
    for (uint32_t s = 0; s < 3; ++s) {
      const auto segment = Segment::Open(layout).ValueOrDie();
      ASSERT_TRUE(segment->Append(SegmentSource(source), Numbers(s * 100, s * 100 + 100)).ok());
      for (const auto& block : segment->ToBlocks().ValueOrDie()) bytes += block->ToString();
    }
    const auto read = Segment::FromBlocks(*layout, arrow::Buffer::FromString(bytes)).ValueOrDie();
    ASSERT_EQ(read.size(), 3U);
    EXPECT_TRUE(arrow::ConcatenateRecordBatches(read).ValueOrDie()->Equals(*source));
  }
}

TEST(SegmentTest, IsFullOnceAnyColumnIs) {
  std::mt19937 random(1);
  const Rows rows = RandomRows(&random, 5000, 4);
  const auto layout = SegmentLayout::ForRowsLike(rows->schema(), *rows, 32 << 10);
  EXPECT_LE(layout->bytes(), 32 << 10);
  const auto segment = Segment::Open(layout).ValueOrDie();
  const auto numbers = Numbers(0, 5000);
  const int64_t fit = segment->Append(SegmentSource(rows), numbers).ValueOrDie();
  EXPECT_GT(fit, layout->rows() / 2);
  EXPECT_LE(fit, layout->rows());
  EXPECT_LE(segment->Append(SegmentSource(rows), Numbers(0, 5000)).ValueOrDie(),
            layout->rows() - fit);
  EXPECT_TRUE(segment->Rows().ValueOrDie()->Slice(0, fit)->Equals(*rows->Slice(0, fit)));
}

TEST(SegmentTest, ARowThatNoSegmentHoldsGetsOneOfItsOwn) {
  const auto schema = arrow::schema({arrow::field("t", arrow::utf8())});
  arrow::StringBuilder texts;
  ASSERT_TRUE(texts.Append("short").ok());
  ASSERT_TRUE(texts.Append(std::string(1 << 20, 'x')).ok());
  const Rows rows = arrow::RecordBatch::Make(schema, 2, {texts.Finish().ValueOrDie()});
  const auto usual =
      Segment::Open(SegmentLayout::ForRowsLike(rows->schema(), *rows->Slice(0, 1), 4096))
          .ValueOrDie();
  EXPECT_EQ(usual->Append(SegmentSource(rows), std::vector<uint32_t>{1}).ValueOrDie(), 0);
  const auto own = Segment::Open(SegmentLayout::ForRow(rows->schema(), *rows, 1)).ValueOrDie();
  EXPECT_EQ(own->Append(SegmentSource(rows), std::vector<uint32_t>{1}).ValueOrDie(), 1);
  EXPECT_TRUE(own->Rows().ValueOrDie()->Equals(*rows->Slice(1, 1)));
}

}  // namespace
}  // namespace sheaf
