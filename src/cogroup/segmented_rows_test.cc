#include "cogroup/segmented_rows.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <numeric>

namespace sheaf {
namespace {

constexpr int64_t kSegmentBytes = 64 << 10;
constexpr uint32_t kRows = 10'000;

/// Texts of so many bytes; nulls where that is 0.
std::shared_ptr<arrow::RecordBatch> Texts(const std::shared_ptr<arrow::Schema>& schema,
                                          size_t length) {
  arrow::StringBuilder builder;
  for (uint32_t i = 0; i < kRows; ++i) {
    EXPECT_TRUE(
        (length == 0 ? builder.AppendNull() : builder.Append(std::string(length, 'x'))).ok());
  }
  return arrow::RecordBatch::Make(schema, kRows, {builder.Finish().ValueOrDie()});
}

TEST(SegmentedRowsTest, SegmentsSuitTheRowsThatComeWhateverTheFirstWereLike) {
  const auto schema = arrow::schema({arrow::field("t", arrow::utf8())});
  std::vector<uint32_t> numbers(kRows);
  std::iota(numbers.begin(), numbers.end(), 0);
  for (const std::vector<size_t>& lengths :
       {std::vector<size_t>{0, 100}, {1, 100}, {0, 100, 0, 100}}) {
    MemoryBudget budget(int64_t{1} << 30);
    SegmentedRows rows(schema, 1, kSegmentBytes, &budget);
    int64_t bytes = 0;
    for (const size_t length : lengths) {
      ASSERT_TRUE(rows.Append(0, SegmentSource(Texts(schema, length)), numbers).ok());
      bytes += static_cast<int64_t>(length + 5) * kRows;
    }
    auto all = rows.Take(0);
    int64_t taken = 0;
    int64_t count = 0;
    while (true) {
      const auto pieces = all.LoadSome().ValueOrDie();
      if (pieces.empty()) break;
      for (const auto& piece : pieces) taken += piece->num_rows();
      count += std::ssize(pieces);
    }
    EXPECT_EQ(taken, std::ssize(lengths) * kRows);
    EXPECT_LT(count, 3 * bytes / kSegmentBytes);
  }
}

}  // namespace
}  // namespace sheaf
