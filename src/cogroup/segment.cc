#include "cogroup/segment.h"

#include <arrow/buffer.h>
#include <arrow/util/bit_util.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "cogroup/narrow_values.h"
#include "spill/row_memory.h"

namespace sheaf {
namespace {

// The numbers stand for consecutive rows. They ascend.
bool IsRun(std::span<const uint32_t> rows) { return rows.back() - rows.front() == rows.size() - 1; }

template <typename Offset>
void OffsetsOf(const uint8_t* lengths, int64_t count, int stored, Offset* offsets) {
  WithStored(stored, [&](auto length) {
    offsets[0] = 0;
    for (int64_t i = 0; i < count; ++i) {
      std::memcpy(&length, lengths + i * static_cast<int64_t>(sizeof(length)), sizeof(length));
      offsets[i + 1] = static_cast<Offset>(offsets[i] + static_cast<Offset>(length));
    }
  });
}

}  // namespace

arrow::Result<std::unique_ptr<Segment>> Segment::Open(std::shared_ptr<const SegmentLayout> layout) {
  ARROW_ASSIGN_OR_RAISE(auto block, arrow::AllocateBuffer(layout->bytes(), RowMemory()));
  return std::unique_ptr<Segment>(new Segment(std::move(layout), std::move(block)));
}

Segment::Segment(std::shared_ptr<const SegmentLayout> layout, std::shared_ptr<arrow::Buffer> block)
    : layout_(std::move(layout)),
      block_(std::move(block)),
      data_(block_->mutable_data()),
      columns_(layout_->columns().size()) {
  std::memset(data_, 0, static_cast<size_t>(SegmentHead::Bytes(std::ssize(columns_))));
}

// The first rows tell what the values of all lie around.
void Segment::SetBases(const SegmentSource& source, std::span<const uint32_t> rows) {
  for (size_t c = 0; c < columns_.size(); ++c) {
    const SegmentLayout::Column& column = layout_->columns()[c];
    if (!column.is_narrow()) continue;
    const auto span = SpanOf(source.column(c).rows, column.width, rows);
    if (span) column_heads()[c].base = BaseOf(*span, column.stored);
  }
}

// How many of the rows, from the first on, every column has room for. Narrow values are written already: to write them
// tells whether they fit, and each look at them is a look at memory in no order.
int64_t Segment::Room(const SegmentSource& source, std::span<const uint32_t> rows) {
  rows = rows.first(
      static_cast<size_t>(std::min<int64_t>(std::ssize(rows), layout_->rows() - num_rows_)));
  too_narrow_.reset();
  for (size_t c = 0; c < columns_.size(); ++c) {
    const int64_t fitting = Fitting(c, source, rows);
    if (fitting < std::ssize(rows)) {
      rows = rows.first(static_cast<size_t>(fitting));
      too_narrow_ = c;
    }
  }
  for (size_t c = 0; c < columns_.size() && !rows.empty(); ++c) {
    if (!IsBinary(layout_->columns()[c].kind)) continue;
    const int64_t room = HeapRoom(c, source, rows);
    if (room < std::ssize(rows)) too_narrow_.reset();  // it is full before that
    rows = rows.first(static_cast<size_t>(room));
  }
  return std::ssize(rows);
}

// How many of the rows have values, or lengths, that the bytes stored of a column are enough for.
int64_t Segment::Fitting(size_t c, const SegmentSource& source, std::span<const uint32_t> rows) {
  const SegmentLayout::Column& column = layout_->columns()[c];
  const ColumnRows& values = source.column(c).rows;
  if (column.is_narrow()) {
    return Narrow(values, column.width, rows, column_heads()[c].base, column.stored,
                  data_ + column.values + num_rows_ * column.stored);
  }
  if (!IsBinary(column.kind) || source.column(c).longest <= MaxLength(column.stored)) {
    return std::ssize(rows);
  }
  const auto longer = std::ranges::find_if(rows, [&](uint32_t row) {
    return values.Length(column.kind, row) > MaxLength(column.stored);
  });
  return longer - rows.begin();
}

// How many of the rows, of which there are some, have texts that there is room for.
int64_t Segment::HeapRoom(size_t c, const SegmentSource& source,
                          std::span<const uint32_t> rows) const {
  const SegmentLayout::Column& column = layout_->columns()[c];
  const ColumnRows& values = source.column(c).rows;
  int64_t left = column.heap_bytes - column_heads()[c].heap_used;
  // Seldom is it close: then it takes no look at each row.
  if (std::ssize(rows) * source.column(c).longest <= left) return std::ssize(rows);
  if (values.is_contiguous() && IsRun(rows) &&
      TextBytes(values, column.kind, rows.front(), int64_t{rows.back()} + 1) <= left) {
    return std::ssize(rows);
  }
  const auto beyond = std::ranges::find_if(rows, [&](uint32_t row) {
    left -= values.Length(column.kind, row);
    return left < 0;
  });
  return beyond - rows.begin();
}

int64_t Segment::Append(const SegmentSource& source, std::span<const uint32_t> rows) {
  if (num_rows_ == 0) SetBases(source, rows);
  const int64_t count = Room(source, rows);
  if (count == 0) return 0;
  rows = rows.first(static_cast<size_t>(count));
  for (size_t c = 0; c < columns_.size(); ++c) AppendColumn(c, source.column(c).rows, rows);
  num_rows_ += count;
  return count;
}

void Segment::AppendColumn(size_t c, const ColumnRows& source, std::span<const uint32_t> rows) {
  const SegmentLayout::Column& column = layout_->columns()[c];
  if (source.has_nulls() || columns_[c].has_validity) AppendValidity(c, source, rows);
  switch (column.kind) {
    case ColumnKind::kFixed: {
      if (column.is_narrow()) return;  // they are written
      uint8_t* out = data_ + column.values + num_rows_ * column.stored;
      if (IsRun(rows)) {
        std::memcpy(out, source.Fixed(rows[0], column.width),
                    rows.size() * static_cast<size_t>(column.width));
        return;
      }
      WithWidth(column.width, [&](auto constant) {
        const int width = constant > 0 ? constant : column.width;
        for (const uint32_t row : rows) {
          std::memcpy(out, source.Fixed(row, width), static_cast<size_t>(width));
          out += width;
        }
      });
      return;
    }
    case ColumnKind::kBool: {
      int64_t to = num_rows_;
      for (const uint32_t row : rows) {
        arrow::bit_util::SetBitTo(data_ + column.values, to++, source.Bool(row));
      }
      return;
    }
    case ColumnKind::kBinary:
      AppendBinary<int32_t>(c, source, rows);
      return;
    case ColumnKind::kLargeBinary:
      AppendBinary<int64_t>(c, source, rows);
      return;
    case ColumnKind::kOther:
      return;
  }
}

void Segment::AppendValidity(size_t c, const ColumnRows& source, std::span<const uint32_t> rows) {
  uint8_t* const validity = data_ + layout_->columns()[c].validity;
  bool& has_validity = columns_[c].has_validity;
  if (!has_validity) arrow::bit_util::SetBitsTo(validity, 0, num_rows_, true);
  has_validity = true;
  int64_t to = num_rows_;
  int64_t nulls = 0;
  for (const uint32_t row : rows) {
    const bool valid = source.IsValid(row);
    arrow::bit_util::SetBitTo(validity, to++, valid);
    nulls += valid ? 0 : 1;
  }
  column_heads()[c].nulls += nulls;
}

template <typename Offset>
void Segment::AppendBinary(size_t c, const ColumnRows& source, std::span<const uint32_t> rows) {
  const SegmentLayout::Column& column = layout_->columns()[c];
  uint8_t* const lengths = data_ + column.values + num_rows_ * column.stored;
  WithStored(column.stored, [&](auto length) {
    for (size_t i = 0; i < rows.size(); ++i) {
      length = static_cast<decltype(length)>(source.Length<Offset>(rows[i]));
      std::memcpy(lengths + i * sizeof(length), &length, sizeof(length));
    }
  });
  uint8_t* const heap = data_ + column.heap;
  uint8_t* to = heap + column_heads()[c].heap_used;
  if (source.is_contiguous() && IsRun(rows)) {
    const auto first = source.Begin<Offset>(rows.front());
    const auto bytes = source.Begin<Offset>(int64_t{rows.back()} + 1) - first;
    if (bytes > 0) std::memcpy(to, source.values() + first, static_cast<size_t>(bytes));
    to += bytes;
  } else {
    for (const uint32_t row : rows) {
      const Text text = source.TextAt<Offset>(row);
      CopyText(to, heap + column.heap_bytes, text);
      to += text.size;
    }
  }
  column_heads()[c].heap_used = to - heap;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> Segment::RowsOf(
    const SegmentLayout& layout, const std::shared_ptr<arrow::Buffer>& block) {
  const auto* const head = reinterpret_cast<const SegmentHead*>(block->data());
  const SegmentHead::Column* const heads = head->columns();
  int64_t wide_bytes = 0;
  for (const SegmentLayout::Column& column : layout.columns()) {
    wide_bytes += SegmentAligned(column.WideBytes(head->rows));
  }
  ARROW_ASSIGN_OR_RAISE(const std::shared_ptr<arrow::Buffer> wide,
                        arrow::AllocateBuffer(wide_bytes, RowMemory()));
  wide_bytes = 0;
  std::vector<std::shared_ptr<arrow::ArrayData>> arrays;
  for (size_t c = 0; c < layout.columns().size(); ++c) {
    const SegmentLayout::Column& column = layout.columns()[c];
    const uint8_t* const stored = block->data() + column.values;
    const int64_t bits = arrow::bit_util::BytesForBits(head->rows);
    auto values = arrow::SliceMutableBuffer(wide, wide_bytes, column.WideBytes(head->rows));
    wide_bytes += SegmentAligned(values->size());
    std::vector<std::shared_ptr<arrow::Buffer>> buffers;
    buffers.push_back(heads[c].nulls > 0 ? arrow::SliceBuffer(block, column.validity, bits)
                                         : nullptr);
    if (column.is_narrow()) {
      Widen(stored, head->rows, heads[c].base, column.stored, column.width, values->mutable_data());
    } else if (column.kind == ColumnKind::kBinary) {
      OffsetsOf(stored, head->rows, column.stored, values->mutable_data_as<int32_t>());
    } else if (column.kind == ColumnKind::kLargeBinary) {
      OffsetsOf(stored, head->rows, column.stored, values->mutable_data_as<int64_t>());
    } else {
      values =
          arrow::SliceBuffer(block, column.values,
                             column.kind == ColumnKind::kBool ? bits : head->rows * column.width);
    }
    buffers.push_back(std::move(values));
    if (IsBinary(column.kind)) {
      buffers.push_back(arrow::SliceBuffer(block, column.heap, heads[c].heap_used));
    }
    arrays.push_back(arrow::ArrayData::Make(layout.schema()->field(static_cast<int>(c))->type(),
                                            head->rows, std::move(buffers), heads[c].nulls));
  }
  return arrow::RecordBatch::Make(layout.schema(), head->rows, std::move(arrays));
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> Segment::Rows() {
  return RowsOf(*layout_, ToBlock());
}

bool Segment::IsHalfEmpty() const {
  int64_t heaps = 0;
  int64_t used = 0;
  for (size_t c = 0; c < columns_.size(); ++c) {
    heaps += layout_->columns()[c].heap_bytes;
    used += column_heads()[c].heap_used;
  }
  used += (layout_->bytes() - heaps) * num_rows_ / layout_->rows();
  return used < layout_->bytes() / 2;
}

std::shared_ptr<arrow::Buffer> Segment::ToBlock() {
  head()->rows = num_rows_;
  return block_;
}

arrow::Result<std::vector<std::shared_ptr<arrow::RecordBatch>>> Segment::FromBlocks(
    const SegmentLayout& layout, const std::shared_ptr<arrow::Buffer>& bytes) {
  std::vector<std::shared_ptr<arrow::RecordBatch>> segments;
  for (int64_t offset = 0; offset < bytes->size(); offset += layout.bytes()) {
    ARROW_ASSIGN_OR_RAISE(segments.emplace_back(),
                          RowsOf(layout, arrow::SliceBuffer(bytes, offset, layout.bytes())));
  }
  return segments;
}

}  // namespace sheaf
