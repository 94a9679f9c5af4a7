// Puts rows of many record batches together in one, portion by portion.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cogroup/column_builder.h"

namespace sheaf {

/// Used by one thread at a time.
class RowBuilder {
 public:
  using Pieces = std::vector<std::shared_ptr<arrow::RecordBatch>>;

  /// `schema` has plain types.
  explicit RowBuilder(std::shared_ptr<arrow::Schema> schema);

  /// What is appended first is about one of so many parts of the batch; room is made for all of them.
  void Expect(int64_t parts);

  /// Appends the rows that `refs` names, in that order, by all cores. A column of text may be views in a piece.
  /// Errors, here and below: CapacityError where the bytes of a column exceed what its offsets hold.
  arrow::Status Append(const Pieces& pieces, std::span<const RowRef> refs);

  /// Appends all rows of `piece` as they stand.
  arrow::Status Append(const std::shared_ptr<arrow::RecordBatch>& piece);

  /// The rows so far. What is appended next begins a new batch, which is taken to be as large.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Finish();

 private:
  [[nodiscard]] std::vector<RowRange> ChunksOf(int64_t rows) const;

  const std::shared_ptr<arrow::Schema> schema_;
  std::vector<ColumnBuilder> columns_;
  int64_t num_rows_ = 0;
};

}  // namespace sheaf
