#include "sink/row_blocks.h"

#include <arrow/array/concatenate.h>

#include <algorithm>
#include <utility>

#include "cogroup/row_sizes.h"
#include "spill/row_memory.h"

namespace sheaf {

RowBlocks::RowBlocks(int64_t max_rows, int64_t max_bytes, WriteBlock write)
    : max_rows_(max_rows), max_bytes_(max_bytes), write_(std::move(write)) {}

arrow::Status RowBlocks::Add(const std::shared_ptr<arrow::RecordBatch>& rows, bool last) {
  const RowSizes sizes(rows);
  for (int64_t begin = 0; begin < rows->num_rows();) {
    const int64_t room = std::max<int64_t>(0, max_bytes_ - held_bytes_);
    const int64_t count = std::clamp<int64_t>(sizes.Fitting(begin, room), held_rows_ == 0 ? 1 : 0,
                                              max_rows_ - held_rows_);
    const auto some = rows->Slice(begin, count);
    const int64_t bytes = sizes.Of(begin, begin + count);
    begin += count;
    const bool full = begin < rows->num_rows() || held_rows_ + count == max_rows_;
    if (full || last) {
      ARROW_RETURN_NOT_OK(EndBlock(some));
    } else {
      ARROW_RETURN_NOT_OK(Hold(*some, bytes));
    }
  }
  return last && held_rows_ > 0 ? EndBlock(rows->Slice(rows->num_rows())) : arrow::Status::OK();
}

arrow::Status RowBlocks::Hold(const arrow::RecordBatch& rows, int64_t bytes) {
  held_rows_ += rows.num_rows();
  held_bytes_ += bytes;
  held_.resize(static_cast<size_t>(rows.num_columns()));
  for (int c = 0; c < rows.num_columns(); ++c) {
    ARROW_ASSIGN_OR_RAISE(held_[static_cast<size_t>(c)].emplace_back(),
                          arrow::Concatenate({rows.column(c)}, RowMemory()));
  }
  return arrow::Status::OK();
}

// A column is let go once it is put together: no more than one is there twice.
arrow::Status RowBlocks::EndBlock(const std::shared_ptr<arrow::RecordBatch>& end) {
  if (held_rows_ == 0) return write_(end);
  arrow::ArrayVector columns;
  for (int c = 0; c < end->num_columns(); ++c) {
    arrow::ArrayVector& pieces = held_[static_cast<size_t>(c)];
    pieces.push_back(end->column(c));
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), arrow::Concatenate(pieces, RowMemory()));
    pieces.clear();
  }
  const int64_t count = std::exchange(held_rows_, 0) + end->num_rows();
  held_bytes_ = 0;
  return write_(arrow::RecordBatch::Make(end->schema(), count, std::move(columns)));
}

}  // namespace sheaf
