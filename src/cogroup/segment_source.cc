#include "cogroup/segment_source.h"

#include <algorithm>
#include <utility>

namespace sheaf {
namespace {

// The longest text. The bytes of all are asked for on the way: they stand in the order of the rows here, and in that of
// places they are looked at one by one, just after another core has written them.
template <typename Offset>
int64_t LongestOf(const ColumnRows& column, int64_t rows) {
  size_t longest = 0;
  for (int64_t row = 0; row < rows; ++row) {
    const Text text = column.TextAt<Offset>(row);
    longest = std::max(longest, text.size);
    __builtin_prefetch(text.begin, /*rw=*/0, /*locality=*/2);
    __builtin_prefetch(text.begin + text.size, /*rw=*/0, /*locality=*/2);
  }
  return static_cast<int64_t>(longest);
}

int64_t LongestOf(const ColumnRows& column, ColumnKind kind, int64_t rows) {
  return kind == ColumnKind::kBinary ? LongestOf<int32_t>(column, rows)
                                     : LongestOf<int64_t>(column, rows);
}

}  // namespace

SegmentSource::SegmentSource(std::shared_ptr<arrow::RecordBatch> rows) : rows_(std::move(rows)) {
  const int64_t count = rows_->num_rows();
  for (int c = 0; c < rows_->num_columns(); ++c) {
    const auto& data = *rows_->column_data(c);
    const ColumnKind kind = PlainKindOf(*data.type);
    Column& column = columns_.emplace_back(kind, ColumnRows(data, kind));
    if (IsBinary(kind)) column.longest = LongestOf(column.rows, kind, count);
  }
}

StoredWidths SegmentSource::WidthsOf(std::span<const uint32_t> rows) const {
  // Fewer rows don't tell how others spread: then all do.
  constexpr int64_t kTellingRows = 8;
  StoredWidths widths;
  for (size_t c = 0; c < columns_.size(); ++c) {
    const Column& column = columns_[c];
    const int width = PlainWidth(column.kind, *rows_->column_data(static_cast<int>(c))->type);
    if (IsBinary(column.kind)) {
      widths.push_back(LengthWidth(column.longest, width));
    } else if (column.kind == ColumnKind::kFixed && CanNarrow(width)) {
      std::optional<ValueSpan> span;
      if (std::ssize(rows) < kTellingRows) span = SpanOf(column.rows, width, rows_->num_rows());
      if (!span) span = SpanOf(column.rows, width, rows);
      widths.push_back(span ? NarrowWidth(*span, width) : 1);
    } else {
      widths.push_back(width);
    }
  }
  return widths;
}

}  // namespace sheaf
