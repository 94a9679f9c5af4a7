#include "cogroup/segment.h"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/buffer.h>
#include <arrow/compute/api.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/dictionary.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "spill/row_memory.h"

namespace sheaf {
namespace {

constexpr int64_t kAlignment = 64;
// Texts of later rows may be this much longer than those of the first before they fill a segment early.
constexpr double kHeapReserve = 1.1;

int64_t Aligned(int64_t bytes) { return arrow::bit_util::RoundUp(bytes, kAlignment); }

int OffsetWidth(ColumnKind kind) {
  return kind == ColumnKind::kBinary ? sizeof(int32_t) : sizeof(int64_t);
}

bool IsBinary(ColumnKind kind) {
  return kind == ColumnKind::kBinary || kind == ColumnKind::kLargeBinary;
}

// Bytes of the texts of rows [begin, end).
template <typename Offset>
int64_t Bytes(const ColumnRows& rows, int64_t begin, int64_t end) {
  if (rows.is_contiguous()) return int64_t{rows.Begin<Offset>(end)} - rows.Begin<Offset>(begin);
  int64_t bytes = 0;
  for (int64_t row = begin; row < end; ++row) bytes += rows.Length<Offset>(row);
  return bytes;
}

int64_t Bytes(const ColumnRows& rows, ColumnKind kind, int64_t begin, int64_t end) {
  return kind == ColumnKind::kBinary ? Bytes<int32_t>(rows, begin, end)
                                     : Bytes<int64_t>(rows, begin, end);
}

int64_t LengthAt(const ColumnRows& rows, ColumnKind kind, int64_t row) {
  return kind == ColumnKind::kBinary ? rows.Length<int32_t>(row) : rows.Length<int64_t>(row);
}

template <typename Offset>
int64_t LongestOf(const ColumnRows& column, int64_t rows) {
  int64_t longest = 0;
  for (int64_t row = 0; row < rows; ++row) {
    longest = std::max<int64_t>(longest, column.Length<Offset>(row));
  }
  return longest;
}

int64_t LongestOf(const ColumnRows& column, ColumnKind kind, int64_t rows) {
  return kind == ColumnKind::kBinary ? LongestOf<int32_t>(column, rows)
                                     : LongestOf<int64_t>(column, rows);
}

// The numbers stand for consecutive rows. They ascend.
bool IsRun(std::span<const uint32_t> rows) { return rows.back() - rows.front() == rows.size() - 1; }

}  // namespace

// ---- SegmentLayout

int64_t SegmentLayout::HeadBytes(int64_t columns) {
  return Aligned(static_cast<int64_t>(sizeof(Segment::Head)) +
                 columns * static_cast<int64_t>(sizeof(Segment::ColumnHead)));
}

std::shared_ptr<const SegmentLayout> SegmentLayout::ForRowsLike(
    const std::shared_ptr<arrow::Schema>& schema, const arrow::RecordBatch& sample, int64_t bytes) {
  double row_bytes = 0;
  std::vector<double> heap(static_cast<size_t>(sample.num_columns()));
  for (int c = 0; c < sample.num_columns(); ++c) {
    const auto& data = *sample.column_data(c);
    const arrow::DataType& type = *schema->field(c)->type();
    const ColumnKind kind = KindOf(type);
    constexpr double kBit = 1.0 / 8;
    row_bytes += kBit;
    if (kind == ColumnKind::kFixed) row_bytes += type.byte_width();
    if (kind == ColumnKind::kBool) row_bytes += kBit;
    if (!IsBinary(kind)) continue;
    const auto total = Bytes(ColumnRows(data, kind), kind, 0, sample.num_rows());
    heap[static_cast<size_t>(c)] =
        kHeapReserve * static_cast<double>(total) / static_cast<double>(sample.num_rows());
    row_bytes += OffsetWidth(kind) + heap[static_cast<size_t>(c)];
  }
  const int64_t padding = 3 * kAlignment * sample.num_columns() + HeadBytes(sample.num_columns());
  const auto rows =
      std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(bytes - padding) / row_bytes));
  std::vector<int64_t> heap_bytes;
  heap_bytes.reserve(heap.size());
  for (const double length : heap) {
    heap_bytes.push_back(static_cast<int64_t>(length * static_cast<double>(rows)));
  }
  return std::shared_ptr<const SegmentLayout>(new SegmentLayout(schema, rows, heap_bytes));
}

std::shared_ptr<const SegmentLayout> SegmentLayout::ForRow(
    const std::shared_ptr<arrow::Schema>& schema, const arrow::RecordBatch& rows, uint32_t row) {
  std::vector<int64_t> heap_bytes;
  for (int c = 0; c < rows.num_columns(); ++c) {
    const auto& data = *rows.column_data(c);
    const ColumnKind kind = KindOf(*schema->field(c)->type());
    heap_bytes.push_back(IsBinary(kind) ? Bytes(ColumnRows(data, kind), kind, row, int64_t{row} + 1)
                                        : 0);
  }
  return std::shared_ptr<const SegmentLayout>(new SegmentLayout(schema, 1, heap_bytes));
}

SegmentLayout::SegmentLayout(std::shared_ptr<arrow::Schema> schema, int64_t num_rows,
                             const std::vector<int64_t>& heap_bytes)
    : schema_(std::move(schema)), rows_(num_rows), bytes_(HeadBytes(schema_->num_fields())) {
  arrow::FieldVector others;
  for (int c = 0; c < schema_->num_fields(); ++c) {
    const arrow::DataType& type = *schema_->field(c)->type();
    Column column;
    column.kind = KindOf(type);
    column.validity = bytes_;
    if (column.kind == ColumnKind::kOther) {
      others.push_back(schema_->field(c));
      columns_.push_back(column);
      continue;
    }
    const int64_t bits = arrow::bit_util::BytesForBits(rows_);
    bytes_ += Aligned(bits);
    column.values = bytes_;
    if (column.kind == ColumnKind::kBool) {
      bytes_ += Aligned(bits);
    } else if (column.kind == ColumnKind::kFixed) {
      column.width = type.byte_width();
      bytes_ += Aligned(rows_ * column.width);
    } else {
      column.width = OffsetWidth(column.kind);
      bytes_ += Aligned((rows_ + 1) * column.width);
      column.heap = bytes_;
      column.heap_bytes = heap_bytes[static_cast<size_t>(c)];
      bytes_ += Aligned(column.heap_bytes);
    }
    columns_.push_back(column);
  }
  others_ = arrow::schema(std::move(others));
}

// ---- SegmentSource

SegmentSource::SegmentSource(std::shared_ptr<arrow::RecordBatch> rows) : rows_(std::move(rows)) {
  for (int c = 0; c < rows_->num_columns(); ++c) {
    const auto& data = *rows_->column_data(c);
    const ColumnKind kind = PlainKindOf(*data.type);
    columns_.emplace_back(data, kind);
    longest_.push_back(IsBinary(kind) ? LongestOf(columns_.back(), kind, rows_->num_rows()) : 0);
  }
}

// ---- Segment

arrow::Result<std::unique_ptr<Segment>> Segment::Open(std::shared_ptr<const SegmentLayout> layout) {
  ARROW_ASSIGN_OR_RAISE(auto block, arrow::AllocateBuffer(layout->bytes(), RowMemory()));
  return std::unique_ptr<Segment>(new Segment(std::move(layout), std::move(block)));
}

Segment::Segment(std::shared_ptr<const SegmentLayout> layout, std::shared_ptr<arrow::Buffer> block)
    : layout_(std::move(layout)),
      block_(std::move(block)),
      data_(block_->mutable_data()),
      columns_(layout_->columns_.size()) {
  std::memset(data_, 0, static_cast<size_t>(SegmentLayout::HeadBytes(std::ssize(columns_))));
  for (const SegmentLayout::Column& column : layout_->columns_) {
    if (IsBinary(column.kind)) {
      std::memset(data_ + column.values, 0, static_cast<size_t>(column.width));
    }
  }
}

// How many of the rows, from the first on, every column has room for.
int64_t Segment::Room(const SegmentSource& source, std::span<const uint32_t> rows) const {
  auto room = std::min<int64_t>(std::ssize(rows), layout_->rows_ - num_rows_);
  if (room == 0) return 0;
  for (size_t c = 0; c < columns_.size(); ++c) {
    const SegmentLayout::Column& column = layout_->columns_[c];
    if (!IsBinary(column.kind)) continue;
    const ColumnRows& values = source.columns_[c];
    int64_t left = column.heap_bytes - column_heads()[c].heap_used;
    const int64_t last = rows[static_cast<size_t>(room) - 1];
    // Seldom is it close: then it takes no look at each row.
    if (room * source.longest_[c] <= left) continue;
    if (values.is_contiguous() && IsRun(rows) &&
        Bytes(values, column.kind, rows[0], last + 1) <= left) {
      continue;
    }
    for (int64_t i = 0; i < room; ++i) {
      const int64_t row = rows[static_cast<size_t>(i)];
      left -= LengthAt(values, column.kind, row);
      if (left < 0) room = i;
    }
    if (room == 0) return 0;
  }
  return room;
}

arrow::Result<int64_t> Segment::Append(const SegmentSource& source,
                                       std::span<const uint32_t> rows) {
  const int64_t count = Room(source, rows);
  if (count == 0) return 0;
  rows = rows.first(static_cast<size_t>(count));
  for (size_t c = 0; c < columns_.size(); ++c) {
    if (layout_->columns_[c].kind == ColumnKind::kOther) {
      ARROW_RETURN_NOT_OK(AppendOther(c, *source.rows_->column(static_cast<int>(c)), rows));
    } else {
      AppendColumn(c, source.columns_[c], rows);
    }
  }
  num_rows_ += count;
  return count;
}

void Segment::AppendColumn(size_t c, const ColumnRows& source, std::span<const uint32_t> rows) {
  const SegmentLayout::Column& column = layout_->columns_[c];
  if (source.has_nulls() || columns_[c].has_validity) AppendValidity(c, source, rows);
  switch (column.kind) {
    case ColumnKind::kFixed: {
      uint8_t* out = data_ + column.values + num_rows_ * column.width;
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
  uint8_t* const validity = data_ + layout_->columns_[c].validity;
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
  const SegmentLayout::Column& column = layout_->columns_[c];
  auto* const offsets = reinterpret_cast<Offset*>(data_ + column.values) + num_rows_;
  uint8_t* const heap = data_ + column.heap;
  const uint8_t* const heap_end = heap + column.heap_bytes;
  Offset used = offsets[0];
  if (source.is_contiguous() && IsRun(rows)) {
    const auto first = source.Begin<Offset>(rows.front());
    const auto last = source.Begin<Offset>(int64_t{rows.back()} + 1);
    if (last > first) {
      std::memcpy(heap + used, source.values() + first, static_cast<size_t>(last - first));
    }
    for (size_t i = 0; i < rows.size(); ++i) {
      offsets[i + 1] =
          static_cast<Offset>(used + source.Begin<Offset>(int64_t{rows[i]} + 1) - first);
    }
    used = offsets[rows.size()];
  } else {
    for (size_t i = 0; i < rows.size(); ++i) {
      const Text text = source.TextAt<Offset>(rows[i]);
      CopyText(heap + used, heap_end, text);
      used = static_cast<Offset>(used + static_cast<Offset>(text.size));
      offsets[i + 1] = used;
    }
  }
  column_heads()[c].heap_used = used;
}

arrow::Status Segment::AppendOther(size_t c, const arrow::Array& source,
                                   std::span<const uint32_t> rows) {
  const arrow::UInt32Array indices(
      std::ssize(rows), std::make_shared<arrow::Buffer>(
                            reinterpret_cast<const uint8_t*>(rows.data()), std::ssize(rows) * 4));
  ARROW_ASSIGN_OR_RAISE(auto taken, arrow::compute::Take(source, indices));
  ARROW_ASSIGN_OR_RAISE(const int64_t bytes, arrow::util::ReferencedBufferSize(*taken));
  other_bytes_ += bytes;
  columns_[c].pieces.push_back(std::move(taken));
  return arrow::Status::OK();
}

// The columns of kOther.
arrow::Result<arrow::ArrayVector> Segment::Others() const {
  arrow::ArrayVector others;
  for (size_t c = 0; c < columns_.size(); ++c) {
    if (layout_->columns_[c].kind != ColumnKind::kOther) continue;
    ARROW_ASSIGN_OR_RAISE(auto joined, arrow::Concatenate(columns_[c].pieces));
    others.push_back(std::move(joined));
  }
  return others;
}

std::shared_ptr<arrow::RecordBatch> Segment::RowsOf(const SegmentLayout& layout,
                                                    const std::shared_ptr<arrow::Buffer>& block,
                                                    const arrow::ArrayVector& others) {
  const auto* const head = reinterpret_cast<const Head*>(block->data());
  const auto* const heads = reinterpret_cast<const ColumnHead*>(block->data() + sizeof(Head));
  std::vector<std::shared_ptr<arrow::ArrayData>> arrays;
  auto next_other = others.begin();
  for (size_t c = 0; c < layout.columns_.size(); ++c) {
    const SegmentLayout::Column& column = layout.columns_[c];
    if (column.kind == ColumnKind::kOther) {
      arrays.push_back((*next_other++)->data());
      continue;
    }
    const int64_t bits = arrow::bit_util::BytesForBits(head->rows);
    std::vector<std::shared_ptr<arrow::Buffer>> buffers;
    buffers.push_back(heads[c].nulls > 0 ? arrow::SliceBuffer(block, column.validity, bits)
                                         : nullptr);
    if (column.kind == ColumnKind::kBool) {
      buffers.push_back(arrow::SliceBuffer(block, column.values, bits));
    } else {
      const int64_t values = head->rows + (IsBinary(column.kind) ? 1 : 0);
      buffers.push_back(arrow::SliceBuffer(block, column.values, values * column.width));
    }
    if (IsBinary(column.kind)) {
      buffers.push_back(arrow::SliceBuffer(block, column.heap, heads[c].heap_used));
    }
    arrays.push_back(arrow::ArrayData::Make(layout.schema_->field(static_cast<int>(c))->type(),
                                            head->rows, std::move(buffers), heads[c].nulls));
  }
  return arrow::RecordBatch::Make(layout.schema_, head->rows, std::move(arrays));
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> Segment::Rows() {
  head()->rows = num_rows_;
  ARROW_ASSIGN_OR_RAISE(const arrow::ArrayVector others, Others());
  return RowsOf(*layout_, block_, others);
}

arrow::Result<BlockFile::Blocks> Segment::ToBlocks() {
  head()->rows = num_rows_;
  if (layout_->others_->num_fields() == 0) return BlockFile::Blocks{block_};
  ARROW_ASSIGN_OR_RAISE(arrow::ArrayVector others, Others());
  ARROW_ASSIGN_OR_RAISE(
      const std::shared_ptr<arrow::Buffer> message,
      arrow::ipc::SerializeRecordBatch(
          *arrow::RecordBatch::Make(layout_->others_, num_rows_, std::move(others)),
          arrow::ipc::IpcWriteOptions::Defaults()));
  head()->others = message->size();
  return BlockFile::Blocks{block_, message};
}

arrow::Result<std::vector<std::shared_ptr<arrow::RecordBatch>>> Segment::FromBlocks(
    const SegmentLayout& layout, const std::shared_ptr<arrow::Buffer>& bytes) {
  std::vector<std::shared_ptr<arrow::RecordBatch>> segments;
  for (int64_t offset = 0; offset < bytes->size();) {
    const auto block = arrow::SliceBuffer(bytes, offset, layout.bytes_);
    offset += layout.bytes_;
    const int64_t length = reinterpret_cast<const Head*>(block->data())->others;
    arrow::ArrayVector others;
    if (length > 0) {
      arrow::io::BufferReader reader(arrow::SliceBuffer(bytes, offset, length));
      const arrow::ipc::DictionaryMemo no_dictionaries;
      ARROW_ASSIGN_OR_RAISE(const auto batch, arrow::ipc::ReadRecordBatch(
                                                  layout.others_, &no_dictionaries,
                                                  arrow::ipc::IpcReadOptions::Defaults(), &reader));
      others = batch->columns();
      offset += length;
    }
    segments.push_back(RowsOf(layout, block, others));
  }
  return segments;
}

}  // namespace sheaf
