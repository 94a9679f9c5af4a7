#include "cogroup/segment_layout.h"

#include <arrow/type.h>
#include <arrow/util/bit_util.h>

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>

namespace sheaf {
namespace {

constexpr int64_t kAlignment = 64;
// Texts of later rows may be this much longer than those of the first before they fill a segment early.
constexpr double kHeapReserve = 1.03;
// The block of a row of its own may have room for texts so many times as long.
constexpr int64_t kMaxSpareHeap = 2;

// A little more: one of few lengths.
int64_t HeapStep(int64_t bytes) {
  constexpr uint64_t kSteps = 8;
  const auto step = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(bytes)) / kSteps);
  return step == 0 ? bytes : arrow::bit_util::RoundUp(bytes, step);
}

}  // namespace

int64_t SegmentAligned(int64_t bytes) { return arrow::bit_util::RoundUp(bytes, kAlignment); }

int64_t SegmentHead::Bytes(int64_t columns) {
  return SegmentAligned(static_cast<int64_t>(sizeof(SegmentHead)) +
                        columns * static_cast<int64_t>(sizeof(Column)));
}

int64_t SegmentPadding(int64_t columns) {
  return 3 * kAlignment * columns + SegmentHead::Bytes(columns);
}

std::shared_ptr<const SegmentLayout> SegmentLayout::ForRowsLike(
    const std::shared_ptr<arrow::Schema>& schema, const SegmentSource& sample,
    const StoredWidths& widths, int64_t bytes) {
  const auto sample_rows = static_cast<double>(sample.rows()->num_rows());
  double row_bytes = 0;
  std::vector<double> heap(widths.size());
  for (size_t c = 0; c < widths.size(); ++c) {
    const ColumnKind kind = sample.column(c).kind;
    constexpr double kBit = 1.0 / 8;
    row_bytes += kBit + widths[c];
    if (kind == ColumnKind::kBool) row_bytes += kBit;
    if (!IsBinary(kind)) continue;
    const auto total = TextBytes(sample.column(c).rows, kind, 0, sample.rows()->num_rows());
    heap[c] = kHeapReserve * static_cast<double>(total) / sample_rows;
    row_bytes += heap[c];
  }
  const auto room = static_cast<double>(bytes - SegmentPadding(std::ssize(widths)));
  const auto rows = std::max<int64_t>(1, static_cast<int64_t>(room / row_bytes));
  if (row_bytes > room) {
    for (double& length : heap) length *= std::max(room, 0.0) / row_bytes;
  }
  std::vector<int64_t> heap_bytes;
  heap_bytes.reserve(heap.size());
  for (const double length : heap) {
    heap_bytes.push_back(static_cast<int64_t>(length * static_cast<double>(rows)));
  }
  const std::shared_ptr<SegmentLayout> layout(new SegmentLayout(schema, rows, widths, heap_bytes));
  layout->bytes_ = std::max(layout->bytes_, bytes);
  return layout;
}

std::shared_ptr<const SegmentLayout> SegmentLayout::ForRow(
    const std::shared_ptr<arrow::Schema>& schema, const arrow::RecordBatch& rows, uint32_t row,
    const std::shared_ptr<const SegmentLayout>& last) {
  std::vector<int64_t> needed;
  std::vector<int64_t> heap_bytes;  // as many, or as `last` has
  StoredWidths widths;
  for (int c = 0; c < rows.num_columns(); ++c) {
    const auto& data = *rows.column_data(c);
    const arrow::DataType& type = *schema->field(c)->type();
    const ColumnKind kind = KindOf(type);
    const int64_t bytes =
        IsBinary(kind) ? TextBytes(ColumnRows(data, kind), kind, row, int64_t{row} + 1) : 0;
    const int64_t before = last == nullptr ? 0 : last->columns_[static_cast<size_t>(c)].heap_bytes;
    needed.push_back(HeapStep(bytes));
    heap_bytes.push_back(std::max(needed.back(), before));
    widths.push_back(PlainWidth(kind, type));
  }
  const int64_t all = std::reduce(heap_bytes.begin(), heap_bytes.end());
  const int64_t most = kMaxSpareHeap * std::reduce(needed.begin(), needed.end());
  if (all > most) heap_bytes = std::move(needed);
  if (last != nullptr &&
      std::ranges::equal(heap_bytes, last->columns_, {}, {}, &Column::heap_bytes)) {
    return last;
  }
  return std::shared_ptr<const SegmentLayout>(new SegmentLayout(schema, 1, widths, heap_bytes));
}

SegmentLayout::SegmentLayout(std::shared_ptr<arrow::Schema> schema, int64_t num_rows,
                             const StoredWidths& widths, const std::vector<int64_t>& heap_bytes)
    : schema_(std::move(schema)),
      rows_(num_rows),
      bytes_(SegmentHead::Bytes(schema_->num_fields())) {
  for (int c = 0; c < schema_->num_fields(); ++c) {
    const arrow::DataType& type = *schema_->field(c)->type();
    Column column;
    column.kind = KindOf(type);
    column.validity = bytes_;
    const int64_t bits = arrow::bit_util::BytesForBits(rows_);
    bytes_ += SegmentAligned(bits);
    column.values = bytes_;
    if (column.kind == ColumnKind::kBool) {
      bytes_ += SegmentAligned(bits);
      plain_bytes_ += bits;
    } else {
      column.width = PlainWidth(column.kind, type);
      column.stored = widths[static_cast<size_t>(c)];
      bytes_ += SegmentAligned(rows_ * column.stored);
      plain_bytes_ += rows_ * column.width;
    }
    if (IsBinary(column.kind)) {
      column.heap = bytes_;
      column.heap_bytes = heap_bytes[static_cast<size_t>(c)];
      bytes_ += SegmentAligned(column.heap_bytes);
      plain_bytes_ += column.heap_bytes;
    }
    columns_.push_back(column);
  }
}

int64_t SegmentLayout::Column::WideBytes(int64_t rows) const {
  if (IsBinary(kind)) return (rows + 1) * width;
  return is_narrow() ? rows * width : 0;
}

StoredWidths SegmentLayout::widths() const {
  StoredWidths widths;
  for (const Column& column : columns_) widths.push_back(column.stored);
  return widths;
}

}  // namespace sheaf
