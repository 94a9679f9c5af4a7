#include "cogroup/column_builder.h"

#include <arrow/array/concatenate.h>
#include <arrow/compute/api.h>
#include <arrow/util/bit_util.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "key/empty_rows.h"
#include "spill/row_memory.h"

namespace sheaf {
namespace {

// Room that is made for parts to come, which may be smaller than the first.
constexpr int64_t kMaxRoom = int64_t{64} << 20;

// Where no more than one row in so many is named, pieces of nested columns are not put together as a whole.
constexpr int64_t kFewRows = 4;

// A little more, and a size that others have too: their memory then serves again.
int64_t RoundUp(int64_t bytes) {
  const auto step = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(bytes)) / 16);
  return step == 0 ? bytes : (bytes / step + 1) * step;
}

}  // namespace

ColumnBuilder::ColumnBuilder(int column, std::shared_ptr<arrow::DataType> type)
    : column_(column), type_(std::move(type)), kind_(KindOf(*type_)) {}

arrow::Status ColumnBuilder::Append(Pieces pieces, RowList rows) {
  if (is_other()) return AppendOther(pieces, rows);
  const RowRange all{0, rows.count};
  ColumnAppend append = Begin(pieces, rows, /*chunks=*/1);
  append.Measure(0, all);
  ARROW_RETURN_NOT_OK(Reserve(&append, [] {}));
  append.FillBits(0, all);
  append.Fill(0, all);
  End(append);
  return arrow::Status::OK();
}

ColumnAppend ColumnBuilder::Begin(Pieces pieces, RowList rows, size_t chunks) const {
  return {column_, *type_, pieces, rows, chunks};
}

arrow::Status ColumnBuilder::Reserve(ColumnAppend* append, const std::function<void()>& settle) {
  const int64_t rows = append->num_rows();
  const int64_t heap_size = heap_.size;
  if (validity_.buffer != nullptr || append->has_nulls()) {
    ARROW_RETURN_NOT_OK(ReserveValidity(rows, settle));
  }
  switch (kind_) {
    case ColumnKind::kFixed:
      ARROW_RETURN_NOT_OK(Grow(&values_, rows * type_->byte_width(), settle));
      break;
    case ColumnKind::kBool:
      ARROW_RETURN_NOT_OK(
          Grow(&values_, arrow::bit_util::BytesForBits(length_ + rows) - values_.size, settle));
      break;
    case ColumnKind::kBinary:
      ARROW_RETURN_NOT_OK(ReserveBinary<int32_t>(*append, settle));
      break;
    case ColumnKind::kLargeBinary:
      ARROW_RETURN_NOT_OK(ReserveBinary<int64_t>(*append, settle));
      break;
    case ColumnKind::kOther:
      break;
  }
  append->PutAt({validity_.data(), values_.data(), heap_.data(), length_, heap_size});
  length_ += rows;
  return arrow::Status::OK();
}

arrow::Status ColumnBuilder::ReserveValidity(int64_t rows, const std::function<void()>& settle) {
  const bool first = validity_.buffer == nullptr;
  ARROW_RETURN_NOT_OK(
      Grow(&validity_, arrow::bit_util::BytesForBits(length_ + rows) - validity_.size, settle));
  if (first) {  // all rows before are valid
    std::memset(validity_.data(), 0xff,
                static_cast<size_t>(arrow::bit_util::BytesForBits(length_)));
  }
  return arrow::Status::OK();
}

template <typename Offset>
arrow::Status ColumnBuilder::ReserveBinary(const ColumnAppend& append,
                                           const std::function<void()>& settle) {
  const int64_t added = append.heap_bytes();
  if (heap_.size + added > std::numeric_limits<Offset>::max()) {
    return arrow::Status::CapacityError("a column of ", heap_.size + added, " bytes");
  }
  const bool first = values_.size == 0;
  ARROW_RETURN_NOT_OK(
      Grow(&values_, (append.num_rows() + (first ? 1 : 0)) * int64_t{sizeof(Offset)}, settle));
  if (first) reinterpret_cast<Offset*>(values_.data())[0] = 0;
  return Grow(&heap_, added, settle);
}

arrow::Status ColumnBuilder::Grow(Bytes* bytes, int64_t added,
                                  const std::function<void()>& settle) const {
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
  settle();
  return bytes->buffer->Reserve(std::max(bytes->size, wanted));
}

// The named rows of each piece, piece by piece; `numbers`: where among all of these each of them is.
arrow::Result<arrow::ArrayVector> ColumnBuilder::TakeFew(Pieces pieces,
                                                         std::span<const RowRef> refs,
                                                         std::vector<int64_t>* numbers) const {
  std::vector<std::vector<int64_t>> rows_of(pieces.size());
  for (const RowRef ref : refs) rows_of[ref.piece].push_back(ref.row);
  std::vector<int64_t> next;
  int64_t start = 0;
  for (const auto& rows : rows_of) {
    next.push_back(start);
    start += std::ssize(rows);
  }
  for (const RowRef ref : refs) numbers->push_back(next[ref.piece]++);
  arrow::ArrayVector taken;
  for (size_t p = 0; p < pieces.size(); ++p) {
    if (rows_of[p].empty()) continue;
    const arrow::Int64Array rows(std::ssize(rows_of[p]), arrow::Buffer::Wrap(rows_of[p]));
    ARROW_ASSIGN_OR_RAISE(taken.emplace_back(),
                          arrow::compute::Take(*pieces[p]->column(column_), rows));
  }
  return taken;
}

// By Arrow's own kernel, which wants the rows' numbers over all pieces.
arrow::Status ColumnBuilder::AppendOther(Pieces pieces, RowList rows) {
  length_ += rows.count;
  if (rows.refs.empty()) {
    for (const RowRun& run : rows.runs) {
      others_.push_back(pieces[run.piece]->column(column_)->Slice(run.begin, run.num_rows()));
    }
    return arrow::Status::OK();
  }
  int64_t total = 0;
  for (const auto& piece : pieces) total += piece->num_rows();
  arrow::ArrayVector arrays;
  std::vector<int64_t> numbers;
  if (kFewRows * rows.count < total) {
    ARROW_ASSIGN_OR_RAISE(arrays, TakeFew(pieces, rows.refs, &numbers));
  } else {
    std::vector<int64_t> starts;
    int64_t start = 0;
    for (const auto& piece : pieces) {
      arrays.push_back(piece->column(column_));
      starts.push_back(start);
      start += piece->num_rows();
    }
    for (const RowRef ref : rows.refs) numbers.push_back(starts[ref.piece] + ref.row);
  }
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
  if (length == 0) return EmptyArray(type_);
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
