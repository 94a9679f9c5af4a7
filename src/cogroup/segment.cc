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
#include <limits>
#include <utility>

#include "spill/row_memory.h"

namespace sheaf {
namespace {

constexpr int64_t kAlignment = 64;
// Texts of later rows may be this much longer than those of the first before they fill a segment early.
constexpr double kHeapReserve = 1.03;

int64_t Aligned(int64_t bytes) { return arrow::bit_util::RoundUp(bytes, kAlignment); }

int OffsetWidth(ColumnKind kind) {
  return kind == ColumnKind::kBinary ? sizeof(int32_t) : sizeof(int64_t);
}

bool IsBinary(ColumnKind kind) {
  return kind == ColumnKind::kBinary || kind == ColumnKind::kLargeBinary;
}

// Bytes a value, or an offset; 0 of columns that have neither.
int PlainWidth(ColumnKind kind, const arrow::DataType& type) {
  if (kind == ColumnKind::kFixed) return type.byte_width();
  return IsBinary(kind) ? OffsetWidth(kind) : 0;
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

// The longest text whose length has so many bytes.
int64_t MaxLength(int stored) {
  return stored < 8 ? (int64_t{1} << (8 * stored)) - 1 : std::numeric_limits<int64_t>::max();
}

// Bytes for lengths like `longest`.
int LengthWidth(int64_t longest, int width) {
  constexpr int64_t kReserve = 2;  // later texts may be so many times as long
  for (const int stored : {1, 2, 4}) {
    if (stored < width && longest <= MaxLength(stored) / kReserve) return stored;
  }
  return width;
}

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

// ---- SegmentLayout

int64_t SegmentLayout::HeadBytes(int64_t columns) {
  return Aligned(static_cast<int64_t>(sizeof(Segment::Head)) +
                 columns * static_cast<int64_t>(sizeof(Segment::ColumnHead)));
}

std::shared_ptr<const SegmentLayout> SegmentLayout::ForRowsLike(
    const std::shared_ptr<arrow::Schema>& schema, const SegmentSource& sample,
    const StoredWidths& widths, int64_t bytes) {
  const auto sample_rows = static_cast<double>(sample.rows()->num_rows());
  double row_bytes = 0;
  std::vector<double> heap(widths.size());
  for (size_t c = 0; c < widths.size(); ++c) {
    const ColumnKind kind = sample.kinds_[c];
    constexpr double kBit = 1.0 / 8;
    row_bytes += kBit + widths[c];
    if (kind == ColumnKind::kBool) row_bytes += kBit;
    if (!IsBinary(kind)) continue;
    const auto total = Bytes(sample.columns_[c], kind, 0, sample.rows()->num_rows());
    heap[c] = kHeapReserve * static_cast<double>(total) / sample_rows;
    row_bytes += heap[c];
  }
  const auto columns = static_cast<int64_t>(widths.size());
  const int64_t padding = 3 * kAlignment * columns + HeadBytes(columns);
  const auto rows =
      std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(bytes - padding) / row_bytes));
  std::vector<int64_t> heap_bytes;
  heap_bytes.reserve(heap.size());
  for (const double length : heap) {
    heap_bytes.push_back(static_cast<int64_t>(length * static_cast<double>(rows)));
  }
  const std::shared_ptr<SegmentLayout> layout(new SegmentLayout(schema, rows, widths, heap_bytes));
  layout->bytes_ = std::max(layout->bytes_, bytes);  // on disk, blocks of whole pages
  return layout;
}

std::shared_ptr<const SegmentLayout> SegmentLayout::ForRow(
    const std::shared_ptr<arrow::Schema>& schema, const arrow::RecordBatch& rows, uint32_t row) {
  std::vector<int64_t> heap_bytes;
  StoredWidths widths;
  for (int c = 0; c < rows.num_columns(); ++c) {
    const auto& data = *rows.column_data(c);
    const arrow::DataType& type = *schema->field(c)->type();
    const ColumnKind kind = KindOf(type);
    heap_bytes.push_back(IsBinary(kind) ? Bytes(ColumnRows(data, kind), kind, row, int64_t{row} + 1)
                                        : 0);
    widths.push_back(PlainWidth(kind, type));
  }
  return std::shared_ptr<const SegmentLayout>(new SegmentLayout(schema, 1, widths, heap_bytes));
}

SegmentLayout::SegmentLayout(std::shared_ptr<arrow::Schema> schema, int64_t num_rows,
                             const StoredWidths& widths, const std::vector<int64_t>& heap_bytes)
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
      plain_bytes_ += bits;
    } else {
      column.width = PlainWidth(column.kind, type);
      column.stored = widths[static_cast<size_t>(c)];
      bytes_ += Aligned(rows_ * column.stored);
      plain_bytes_ += rows_ * column.width;
    }
    if (IsBinary(column.kind)) {
      column.heap = bytes_;
      column.heap_bytes = heap_bytes[static_cast<size_t>(c)];
      bytes_ += Aligned(column.heap_bytes);
      plain_bytes_ += column.heap_bytes;
    }
    columns_.push_back(column);
  }
  others_ = arrow::schema(std::move(others));
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

// ---- SegmentSource

SegmentSource::SegmentSource(std::shared_ptr<arrow::RecordBatch> rows) : rows_(std::move(rows)) {
  const int64_t count = rows_->num_rows();
  for (int c = 0; c < rows_->num_columns(); ++c) {
    const auto& data = *rows_->column_data(c);
    const ColumnKind kind = PlainKindOf(*data.type);
    const ColumnRows& column = columns_.emplace_back(data, kind);
    kinds_.push_back(kind);
    const int width = PlainWidth(kind, *data.type);
    spans_.push_back(kind == ColumnKind::kFixed && CanNarrow(width) ? SpanOf(column, width, count)
                                                                    : std::nullopt);
    longest_.push_back(IsBinary(kind) ? LongestOf(column, kind, count) : 0);
  }
}

StoredWidths SegmentSource::WidthsOf(std::span<const uint32_t> rows) const {
  // Fewer rows don't tell how others spread: then all do.
  constexpr int64_t kTellingRows = 8;
  StoredWidths widths;
  for (size_t c = 0; c < columns_.size(); ++c) {
    const int width = PlainWidth(kinds_[c], *rows_->column_data(static_cast<int>(c))->type);
    if (IsBinary(kinds_[c])) {
      widths.push_back(LengthWidth(longest_[c], width));
    } else if (kinds_[c] == ColumnKind::kFixed && CanNarrow(width)) {
      const bool few = std::ssize(rows) < kTellingRows && spans_[c];
      const auto span = few ? spans_[c] : SpanOf(columns_[c], width, rows);
      widths.push_back(span ? NarrowWidth(*span, width) : 1);
    } else {
      widths.push_back(width);
    }
  }
  return widths;
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
}

// The first rows tell what the values of all lie around.
void Segment::SetBases(const SegmentSource& source, std::span<const uint32_t> rows) {
  for (size_t c = 0; c < columns_.size(); ++c) {
    const SegmentLayout::Column& column = layout_->columns_[c];
    if (!column.is_narrow()) continue;
    const auto span = SpanOf(source.columns_[c], column.width, rows);
    if (span) column_heads()[c].base = BaseOf(*span, column.stored);
  }
}

// How many of the rows, from the first on, every column has room for.
int64_t Segment::Room(const SegmentSource& source, std::span<const uint32_t> rows) {
  rows = rows.first(
      static_cast<size_t>(std::min<int64_t>(std::ssize(rows), layout_->rows_ - num_rows_)));
  too_narrow_.reset();
  for (size_t c = 0; c < columns_.size(); ++c) {
    const int64_t fitting = Fitting(c, source, rows);
    if (fitting < std::ssize(rows)) {
      rows = rows.first(static_cast<size_t>(fitting));
      too_narrow_ = c;
    }
  }
  for (size_t c = 0; c < columns_.size() && !rows.empty(); ++c) {
    if (!IsBinary(layout_->columns_[c].kind)) continue;
    const int64_t room = HeapRoom(c, source, rows);
    if (room < std::ssize(rows)) too_narrow_.reset();  // it is full before that
    rows = rows.first(static_cast<size_t>(room));
  }
  return std::ssize(rows);
}

// How many of the rows have values, or lengths, that the bytes stored of a column are enough for.
int64_t Segment::Fitting(size_t c, const SegmentSource& source,
                         std::span<const uint32_t> rows) const {
  const SegmentLayout::Column& column = layout_->columns_[c];
  const ColumnRows& values = source.columns_[c];
  if (column.is_narrow()) {
    const int64_t base = column_heads()[c].base;
    const std::optional<ValueSpan>& span = source.spans_[c];
    if (span && Fits(*span, base, column.stored)) return std::ssize(rows);
    return CountFitting(values, column.width, rows, base, column.stored);
  }
  if (!IsBinary(column.kind) || source.longest_[c] <= MaxLength(column.stored)) {
    return std::ssize(rows);
  }
  const auto longer = std::ranges::find_if(rows, [&](uint32_t row) {
    return LengthAt(values, column.kind, row) > MaxLength(column.stored);
  });
  return longer - rows.begin();
}

// How many of the rows, of which there are some, have texts that there is room for.
int64_t Segment::HeapRoom(size_t c, const SegmentSource& source,
                          std::span<const uint32_t> rows) const {
  const SegmentLayout::Column& column = layout_->columns_[c];
  const ColumnRows& values = source.columns_[c];
  int64_t left = column.heap_bytes - column_heads()[c].heap_used;
  // Seldom is it close: then it takes no look at each row.
  if (std::ssize(rows) * source.longest_[c] <= left) return std::ssize(rows);
  if (values.is_contiguous() && IsRun(rows) &&
      Bytes(values, column.kind, rows.front(), int64_t{rows.back()} + 1) <= left) {
    return std::ssize(rows);
  }
  const auto beyond = std::ranges::find_if(rows, [&](uint32_t row) {
    left -= LengthAt(values, column.kind, row);
    return left < 0;
  });
  return beyond - rows.begin();
}

arrow::Result<int64_t> Segment::Append(const SegmentSource& source,
                                       std::span<const uint32_t> rows) {
  if (num_rows_ == 0) SetBases(source, rows);
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
      uint8_t* out = data_ + column.values + num_rows_ * column.stored;
      if (column.is_narrow()) {
        Narrow(source, column.width, rows, column_heads()[c].base, column.stored, out);
        return;
      }
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

arrow::Result<std::shared_ptr<arrow::RecordBatch>> Segment::RowsOf(
    const SegmentLayout& layout, const std::shared_ptr<arrow::Buffer>& block,
    const arrow::ArrayVector& others) {
  const auto* const head = reinterpret_cast<const Head*>(block->data());
  const auto* const heads = reinterpret_cast<const ColumnHead*>(block->data() + sizeof(Head));
  int64_t wide_bytes = 0;
  for (const SegmentLayout::Column& column : layout.columns_) {
    wide_bytes += Aligned(column.WideBytes(head->rows));
  }
  ARROW_ASSIGN_OR_RAISE(const std::shared_ptr<arrow::Buffer> wide,
                        arrow::AllocateBuffer(wide_bytes, RowMemory()));
  wide_bytes = 0;
  std::vector<std::shared_ptr<arrow::ArrayData>> arrays;
  auto next_other = others.begin();
  for (size_t c = 0; c < layout.columns_.size(); ++c) {
    const SegmentLayout::Column& column = layout.columns_[c];
    if (column.kind == ColumnKind::kOther) {
      arrays.push_back((*next_other++)->data());
      continue;
    }
    const uint8_t* const stored = block->data() + column.values;
    const int64_t bits = arrow::bit_util::BytesForBits(head->rows);
    auto values = arrow::SliceMutableBuffer(wide, wide_bytes, column.WideBytes(head->rows));
    wide_bytes += Aligned(values->size());
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

arrow::Result<BlockStore::Blocks> Segment::ToBlocks() {
  head()->rows = num_rows_;
  if (layout_->others_->num_fields() == 0) return BlockStore::Blocks{block_};
  ARROW_ASSIGN_OR_RAISE(arrow::ArrayVector others, Others());
  ARROW_ASSIGN_OR_RAISE(
      const std::shared_ptr<arrow::Buffer> message,
      arrow::ipc::SerializeRecordBatch(
          *arrow::RecordBatch::Make(layout_->others_, num_rows_, std::move(others)),
          arrow::ipc::IpcWriteOptions::Defaults()));
  head()->others = message->size();
  return BlockStore::Blocks{block_, message};
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
    ARROW_ASSIGN_OR_RAISE(segments.emplace_back(), RowsOf(layout, block, others));
  }
  return segments;
}

}  // namespace sheaf
