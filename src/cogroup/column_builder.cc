#include "cogroup/column_builder.h"

#include <arrow/array/concatenate.h>
#include <arrow/compute/api.h>
#include <arrow/util/bit_util.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>

#include "spill/row_memory.h"

namespace sheaf {
namespace {

// Room that is made for parts to come, which may be smaller than the first.
constexpr int64_t kMaxRoom = int64_t{64} << 20;

// A little more, and a size that others have too: their memory then serves again.
int64_t RoundUp(int64_t bytes) {
  const auto step = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(bytes)) / 16);
  return step == 0 ? bytes : (bytes / step + 1) * step;
}

struct NamedRows {
  std::span<const RowRef> refs;
  RowRef operator[](int64_t i) const { return refs[static_cast<size_t>(i)]; }
};

struct StandingRows {
  RowRef operator[](int64_t i) const { return {0, static_cast<uint32_t>(i)}; }
};

// Asks for the texts on the way: they are copied next.
template <typename Offset, typename Rows>
int64_t TextBytes(const std::vector<ColumnRows>& sources, const Rows& rows, RowRange range) {
  int64_t bytes = 0;
  for (int64_t i = range.begin; i < range.end; ++i) {
    const RowRef ref = rows[i];
    const Text text = sources[ref.piece].TextAt<Offset>(ref.row);
    bytes += static_cast<int64_t>(text.size);
    __builtin_prefetch(text.begin, /*rw=*/0, /*locality=*/2);
  }
  return bytes;
}

}  // namespace

ColumnBuilder::ColumnBuilder(int column, std::shared_ptr<arrow::DataType> type)
    : column_(column), type_(std::move(type)), kind_(KindOf(*type_)) {}

arrow::Status ColumnBuilder::Append(Pieces pieces, RowList rows) {
  if (is_other()) return AppendOther(pieces, rows);
  const RowRange all{0, rows.count};
  Begin(pieces, rows, /*chunks=*/1);
  Measure(0, all);
  ARROW_RETURN_NOT_OK(Reserve());
  Fill(0, all);
  End();
  return arrow::Status::OK();
}

// Calls `visit` with what names the rows of this append.
template <typename Visit>
void ColumnBuilder::WithRows(const Visit& visit) const {
  if (rows_.refs.empty()) {
    visit(StandingRows());
  } else {
    visit(NamedRows{rows_.refs});
  }
}

void ColumnBuilder::Begin(Pieces pieces, RowList rows, size_t chunks) {
  rows_ = rows;
  sources_.clear();
  sources_.reserve(pieces.size());
  for (const auto& piece : pieces) sources_.emplace_back(*piece->column_data(column_), kind_);
  nulls_.assign(chunks, 0);
  bytes_.assign(chunks, 0);
}

void ColumnBuilder::Measure(size_t chunk, RowRange rows) {
  if (kind_ != ColumnKind::kBinary && kind_ != ColumnKind::kLargeBinary) return;
  WithRows([&](const auto& names) { MeasureRows(names, chunk, rows); });
}

template <typename Rows>
void ColumnBuilder::MeasureRows(const Rows& rows, size_t chunk, RowRange range) {
  bytes_[chunk] = kind_ == ColumnKind::kBinary ? TextBytes<int32_t>(sources_, rows, range)
                                               : TextBytes<int64_t>(sources_, rows, range);
}

arrow::Status ColumnBuilder::Reserve() {
  const int64_t end = length_ + rows_.count;
  const bool nulls =
      std::ranges::any_of(sources_, [](const auto& source) { return source.has_nulls(); });
  if (nulls || validity_.buffer != nullptr) ARROW_RETURN_NOT_OK(ReserveValidity());
  switch (kind_) {
    case ColumnKind::kFixed:
      return Grow(&values_, rows_.count * type_->byte_width());
    case ColumnKind::kBool:
      return Grow(&values_, arrow::bit_util::BytesForBits(end) - values_.size);
    case ColumnKind::kBinary:
      return ReserveBinary<int32_t>();
    case ColumnKind::kLargeBinary:
      return ReserveBinary<int64_t>();
    case ColumnKind::kOther:
      break;
  }
  return arrow::Status::OK();
}

arrow::Status ColumnBuilder::ReserveValidity() {
  const bool first = validity_.buffer == nullptr;
  ARROW_RETURN_NOT_OK(
      Grow(&validity_, arrow::bit_util::BytesForBits(length_ + rows_.count) - validity_.size));
  if (first) {  // all rows before are valid
    std::memset(validity_.data(), 0xff,
                static_cast<size_t>(arrow::bit_util::BytesForBits(length_)));
  }
  return arrow::Status::OK();
}

// From here on bytes_ says where the bytes of each chunk begin.
template <typename Offset>
arrow::Status ColumnBuilder::ReserveBinary() {
  const int64_t begin = heap_.size;
  int64_t end = begin;
  for (int64_t& bytes : bytes_) end += std::exchange(bytes, end);
  if (end > std::numeric_limits<Offset>::max()) {
    return arrow::Status::CapacityError("a column of ", end, " bytes");
  }
  const bool first = values_.size == 0;
  ARROW_RETURN_NOT_OK(Grow(&values_, (rows_.count + (first ? 1 : 0)) * int64_t{sizeof(Offset)}));
  if (first) reinterpret_cast<Offset*>(values_.data())[0] = 0;
  return Grow(&heap_, end - begin);
}

arrow::Status ColumnBuilder::Grow(Bytes* bytes, int64_t added) const {
  bytes->size += added;
  if (bytes->buffer == nullptr) {
    ARROW_ASSIGN_OR_RAISE(bytes->buffer, arrow::AllocateResizableBuffer(0, RowMemory()));
  }
  const int64_t room = bytes->buffer->capacity();
  if (bytes->size <= room) return arrow::Status::OK();
  int64_t wanted = 2 * room;
  if (room == 0 && bytes->last_size > 0) {
    wanted = RoundUp(bytes->last_size);
  } else if (room == 0 && parts_ > 1) {
    wanted = std::min(RoundUp(parts_ * bytes->size), bytes->size + kMaxRoom);
  }
  return bytes->buffer->Reserve(std::max(bytes->size, wanted));
}

void ColumnBuilder::Fill(size_t chunk, RowRange rows) {
  WithRows([&](const auto& names) { FillRows(names, chunk, rows); });
}

template <typename Rows>
void ColumnBuilder::FillRows(const Rows& rows, size_t chunk, RowRange range) {
  if (validity_.buffer != nullptr) nulls_[chunk] = FillValidity(rows, range);
  switch (kind_) {
    case ColumnKind::kFixed:
      FillFixed(rows, range);
      break;
    case ColumnKind::kBool:
      FillBool(rows, range);
      break;
    case ColumnKind::kBinary:
      FillBinary<int32_t>(rows, chunk, range);
      break;
    case ColumnKind::kLargeBinary:
      FillBinary<int64_t>(rows, chunk, range);
      break;
    case ColumnKind::kOther:
      break;
  }
}

template <typename Rows>
int64_t ColumnBuilder::FillValidity(const Rows& rows, RowRange range) const {
  int64_t nulls = 0;
  for (int64_t i = range.begin; i < range.end; ++i) {
    const RowRef ref = rows[i];
    const bool valid = sources_[ref.piece].IsValid(ref.row);
    arrow::bit_util::SetBitTo(validity_.data(), length_ + i, valid);
    nulls += valid ? 0 : 1;
  }
  return nulls;
}

template <typename Rows>
void ColumnBuilder::FillFixed(const Rows& rows, RowRange range) const {
  const int type_width = type_->byte_width();
  uint8_t* to = values_.data() + (length_ + range.begin) * type_width;
  if constexpr (std::is_same_v<Rows, StandingRows>) {
    if (range.begin == range.end) return;
    std::memcpy(to, sources_[0].Fixed(range.begin, type_width),
                static_cast<size_t>((range.end - range.begin) * type_width));
  } else {
    WithWidth(type_width, [&](auto constant) {
      const int width = constant > 0 ? constant : type_width;
      for (int64_t i = range.begin; i < range.end; ++i) {
        const RowRef ref = rows[i];
        std::memcpy(to, sources_[ref.piece].Fixed(ref.row, width), static_cast<size_t>(width));
        to += width;
      }
    });
  }
}

template <typename Rows>
void ColumnBuilder::FillBool(const Rows& rows, RowRange range) const {
  for (int64_t i = range.begin; i < range.end; ++i) {
    const RowRef ref = rows[i];
    arrow::bit_util::SetBitTo(values_.data(), length_ + i, sources_[ref.piece].Bool(ref.row));
  }
}

template <typename Offset, typename Rows>
void ColumnBuilder::FillBinary(const Rows& rows, size_t chunk, RowRange range) const {
  auto* const offsets = reinterpret_cast<Offset*>(values_.data()) + length_ + 1;
  uint8_t* const heap = heap_.data();
  const uint8_t* const end = heap + (chunk + 1 < bytes_.size() ? bytes_[chunk + 1] : heap_.size);
  uint8_t* to = heap + bytes_[chunk];
  for (int64_t i = range.begin; i < range.end; ++i) {
    const RowRef ref = rows[i];
    const Text text = sources_[ref.piece].TextAt<Offset>(ref.row);
    CopyText(to, end, text);
    to += text.size;
    offsets[i] = static_cast<Offset>(to - heap);
  }
}

void ColumnBuilder::End() {
  length_ += rows_.count;
  null_count_ = std::accumulate(nulls_.begin(), nulls_.end(), null_count_);
  sources_.clear();
}

// By Arrow's own kernel, which wants the rows' numbers over all pieces.
arrow::Status ColumnBuilder::AppendOther(Pieces pieces, RowList rows) {
  length_ += rows.count;
  if (rows.refs.empty()) {
    others_.push_back(pieces[0]->column(column_));
    return arrow::Status::OK();
  }
  arrow::ArrayVector arrays;
  std::vector<int64_t> starts;
  int64_t start = 0;
  for (const auto& piece : pieces) {
    arrays.push_back(piece->column(column_));
    starts.push_back(start);
    start += piece->num_rows();
  }
  std::vector<int64_t> numbers;
  numbers.reserve(rows.refs.size());
  for (const RowRef ref : rows.refs) numbers.push_back(starts[ref.piece] + ref.row);
  const arrow::Int64Array indices(rows.count, arrow::Buffer::FromVector(std::move(numbers)));
  ARROW_ASSIGN_OR_RAISE(const auto whole, arrow::Concatenate(arrays));
  ARROW_ASSIGN_OR_RAISE(others_.emplace_back(), arrow::compute::Take(*whole, indices));
  return arrow::Status::OK();
}

arrow::Result<std::shared_ptr<arrow::Buffer>> ColumnBuilder::Take(Bytes* bytes) {
  if (bytes->buffer == nullptr) {
    bytes->last_size = 0;
    return nullptr;
  }
  ARROW_RETURN_NOT_OK(bytes->buffer->Resize(bytes->size, /*shrink_to_fit=*/false));
  bytes->last_size = std::exchange(bytes->size, 0);
  return std::move(bytes->buffer);
}

arrow::Result<std::shared_ptr<arrow::Array>> ColumnBuilder::Finish() {
  const int64_t length = std::exchange(length_, 0);
  const int64_t nulls = std::exchange(null_count_, 0);
  if (is_other()) {
    const arrow::ArrayVector others = std::exchange(others_, {});
    if (others.size() == 1) return others[0];
    if (!others.empty()) return arrow::Concatenate(others, RowMemory());
  }
  if (length == 0) return arrow::MakeEmptyArray(type_);
  std::vector<std::shared_ptr<arrow::Buffer>> buffers(2);
  ARROW_ASSIGN_OR_RAISE(buffers[0], Take(&validity_));
  if (nulls == 0) buffers[0].reset();
  ARROW_ASSIGN_OR_RAISE(buffers[1], Take(&values_));
  if (kind_ == ColumnKind::kBinary || kind_ == ColumnKind::kLargeBinary) {
    ARROW_ASSIGN_OR_RAISE(buffers.emplace_back(), Take(&heap_));
  }
  return arrow::MakeArray(arrow::ArrayData::Make(type_, length, std::move(buffers), nulls));
}

}  // namespace sheaf
