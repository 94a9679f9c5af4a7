#include "cogroup/segment.h"

#include <arrow/compute/api.h>
#include <arrow/table.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "cogroup/random_rows_test_support.h"

namespace sheaf {
namespace {

using sheaf::testing::FlatLayouts;
using sheaf::testing::RandomFlatRows;
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

// Of plain rows, or of views of them.
std::shared_ptr<const SegmentLayout> LayoutFor(const std::shared_ptr<arrow::Schema>& plain,
                                               const Rows& rows, int64_t bytes) {
  const SegmentSource sample(rows);
  const auto all = Numbers(0, static_cast<uint32_t>(rows->num_rows()));
  return SegmentLayout::ForRowsLike(plain, sample, sample.WidthsOf(all), bytes);
}

Rows Int64s(const std::vector<int64_t>& values) {
  arrow::Int64Builder builder;
  EXPECT_TRUE(builder.AppendValues(values).ok());
  const auto schema = arrow::schema({arrow::field("n", arrow::int64())});
  return arrow::RecordBatch::Make(schema, std::ssize(values), {builder.Finish().ValueOrDie()});
}

TEST(SegmentTest, HoldsTheRowsThatWereAppendedWhateverTheirTypes) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (const int nulls : {0, 3, 1}) {
    // Some columns have their first null late: the rows before it are valid.
    const std::vector<Rows> sources = {RandomFlatRows(&random, 300, 0),
                                       RandomFlatRows(&random, 300, nulls)->Slice(5, 290)};
    const auto layout = LayoutFor(FlatLayouts(), sources[0], 64 << 10);
    const auto segment = Segment::Open(layout).ValueOrDie();
    std::vector<Rows> expected;
    for (const Rows& source : sources) {
      std::vector<uint32_t> some;
      for (const uint32_t row : Numbers(0, 200)) {
        if (random() % 3 == 0) some.push_back(row);
      }
      for (const auto& numbers : {some, Numbers(10, 40)}) {
        ASSERT_EQ(segment->Append(SegmentSource(source), numbers), std::ssize(numbers));
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
  const Rows rows = RandomFlatRows(&random, 300, 3);
  const Rows views = sheaf::testing::WithViews(rows)->Slice(20, 250);
  const auto layout = LayoutFor(FlatLayouts(), views, 64 << 10);
  const auto segment = Segment::Open(layout).ValueOrDie();
  for (const auto& numbers : {Numbers(0, 100), std::vector<uint32_t>{101, 103, 249}}) {
    ASSERT_EQ(segment->Append(SegmentSource(views), numbers), std::ssize(numbers));
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
    const Rows source = RandomFlatRows(&random, 300, nulls);
    const auto layout = LayoutFor(FlatLayouts(), source, 64 << 10);
    std::string bytes;
    for (uint32_t s = 0; s < 3; ++s) {
      const auto segment = Segment::Open(layout).ValueOrDie();
      ASSERT_EQ(segment->Append(SegmentSource(source), Numbers(s * 100, s * 100 + 100)), 100);
      bytes += segment->ToBlock()->ToString();
    }
    const auto read = Segment::FromBlocks(*layout, arrow::Buffer::FromString(bytes)).ValueOrDie();
    ASSERT_EQ(read.size(), 3U);
    EXPECT_TRUE(arrow::ConcatenateRecordBatches(read).ValueOrDie()->Equals(*source));
  }
}

TEST(SegmentTest, IsFullOnceAnyColumnIs) {
  std::mt19937 random(1);
  const Rows rows = RandomFlatRows(&random, 5000, 4);
  const auto layout = LayoutFor(FlatLayouts(), rows, 32 << 10);
  EXPECT_LE(layout->bytes(), 32 << 10);
  const auto segment = Segment::Open(layout).ValueOrDie();
  const auto numbers = Numbers(0, 5000);
  const int64_t fit = segment->Append(SegmentSource(rows), numbers);
  EXPECT_GT(fit, layout->rows() / 2);
  EXPECT_LE(fit, layout->rows());
  EXPECT_LE(segment->Append(SegmentSource(rows), Numbers(0, 5000)), layout->rows() - fit);
  EXPECT_TRUE(segment->Rows().ValueOrDie()->Slice(0, fit)->Equals(*rows->Slice(0, fit)));
}

TEST(SegmentTest, ValuesThatLieCloseTogetherTakeFewBytes) {
  constexpr int64_t kFar = int64_t{1} << 60;
  std::vector<int64_t> close;
  for (int64_t i = 0; i < 1000; ++i) close.push_back(kFar + i * 7919 % 1000);
  const auto layout = LayoutFor(Int64s(close)->schema(), Int64s(close), 64 << 10);
  EXPECT_EQ(layout->widths(), StoredWidths{2});
  EXPECT_GT(layout->rows(), 30'000);
  EXPECT_EQ(layout->plain_row_bytes(), 8);
}

TEST(SegmentTest, AValueThatIsTooFarFromTheOthersEndsTheSegment) {
  const Rows close = Int64s({5, 6, 7, 8, 9, 10, 11, 12});
  const auto layout = LayoutFor(close->schema(), close, 4096);
  for (const int64_t far : {int64_t{300}, std::numeric_limits<int64_t>::max(),
                            std::numeric_limits<int64_t>::min(), int64_t{-200}}) {
    const auto segment = Segment::Open(layout).ValueOrDie();
    ASSERT_EQ(segment->Append(SegmentSource(close), Numbers(0, 8)), 8);
    EXPECT_EQ(segment->too_narrow(), std::nullopt);
    const SegmentSource mixed(Int64s({13, far, 14}));
    EXPECT_EQ(segment->Append(mixed, Numbers(0, 3)), 1);
    EXPECT_EQ(segment->too_narrow(), size_t{0});
    EXPECT_TRUE(segment->Rows().ValueOrDie()->Equals(*Int64s({5, 6, 7, 8, 9, 10, 11, 12, 13})));
  }
}

TEST(SegmentTest, ATextThatIsTooLongForItsLengthEndsTheSegment) {
  const auto schema = arrow::schema({arrow::field("t", arrow::utf8())});
  const auto texts = [&](const std::vector<std::string>& values) {
    arrow::StringBuilder builder;
    EXPECT_TRUE(builder.AppendValues(values).ok());
    return arrow::RecordBatch::Make(schema, std::ssize(values), {builder.Finish().ValueOrDie()});
  };
  const Rows rows = texts({"short", std::string(256, 'x')});
  const auto segment = Segment::Open(LayoutFor(schema, rows->Slice(0, 1), 4096)).ValueOrDie();
  EXPECT_EQ(segment->Append(SegmentSource(rows), Numbers(0, 2)), 1);
  EXPECT_EQ(segment->too_narrow(), size_t{0});
  EXPECT_TRUE(segment->Rows().ValueOrDie()->Equals(*rows->Slice(0, 1)));
}

TEST(SegmentTest, ARowThatNoSegmentHoldsGetsOneOfItsOwn) {
  const auto schema = arrow::schema({arrow::field("t", arrow::utf8())});
  arrow::StringBuilder texts;
  ASSERT_TRUE(texts.Append("short").ok());
  ASSERT_TRUE(texts.Append(std::string(1 << 20, 'x')).ok());
  const Rows rows = arrow::RecordBatch::Make(schema, 2, {texts.Finish().ValueOrDie()});
  const auto usual = Segment::Open(LayoutFor(schema, rows->Slice(0, 1), 4096)).ValueOrDie();
  EXPECT_EQ(usual->Append(SegmentSource(rows), std::vector<uint32_t>{1}), 0);
  const auto own =
      Segment::Open(SegmentLayout::ForRow(rows->schema(), *rows, 1, nullptr)).ValueOrDie();
  EXPECT_EQ(own->Append(SegmentSource(rows), std::vector<uint32_t>{1}), 1);
  EXPECT_TRUE(own->Rows().ValueOrDie()->Equals(*rows->Slice(1, 1)));
}

TEST(SegmentTest, LongRowsShareFewLayouts) {
  const auto schema =
      arrow::schema({arrow::field("t", arrow::utf8()), arrow::field("u", arrow::utf8())});
  std::mt19937 random(1);
  std::set<std::shared_ptr<const SegmentLayout>> layouts;
  std::shared_ptr<const SegmentLayout> last;
  for (int i = 0; i < 1000; ++i) {
    arrow::ArrayVector columns;
    int64_t bytes = 0;
    for (int c = 0; c < 2; ++c) {
      arrow::StringBuilder text;
      ASSERT_TRUE(text.Append(std::string(40000 + random() % 40000, 'x')).ok());
      bytes += text.value_data_length();
      columns.push_back(text.Finish().ValueOrDie());
    }
    const Rows row = arrow::RecordBatch::Make(schema, 1, columns);
    last = SegmentLayout::ForRow(schema, *row, 0, last);
    EXPECT_LE(last->bytes(), 3 * bytes);
    const auto segment = Segment::Open(last).ValueOrDie();
    EXPECT_EQ(segment->Append(SegmentSource(row), std::vector<uint32_t>{0}), 1);
    layouts.insert(last);
  }
  EXPECT_LE(layouts.size(), 20);
}

}  // namespace
}  // namespace sheaf
