// Cuts rows into blocks by their number and their bytes alone, however they come: so a file that is written block by
// block has the same bytes whether its batch came as a whole or in parts.
#pragma once

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/status.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace sheaf {

/// Used by one thread at a time.
class RowBlocks {
 public:
  using WriteBlock = std::function<arrow::Status(const std::shared_ptr<arrow::RecordBatch>&)>;

  /// A block has at most so many rows, and at most so many bytes (see RowSizes) or a single row.
  RowBlocks(int64_t max_rows, int64_t max_bytes, WriteBlock write);

  /// Adds rows, all of one schema, and writes the blocks that are full; where these are the last rows, what is left too.
  /// A block within these rows is a slice of them. Else what is left is a copy: it does not hold on to `rows`.
  /// Errors: those of the writing, and of memory.
  arrow::Status Add(const std::shared_ptr<arrow::RecordBatch>& rows, bool last);

 private:
  arrow::Status Hold(const arrow::RecordBatch& rows, int64_t bytes);
  arrow::Status EndBlock(const std::shared_ptr<arrow::RecordBatch>& end);

  const int64_t max_rows_;
  const int64_t max_bytes_;
  const WriteBlock write_;
  // Of the block being formed, what came before:
  std::vector<arrow::ArrayVector> held_;  // of each column
  int64_t held_rows_ = 0;
  int64_t held_bytes_ = 0;
};

}  // namespace sheaf
