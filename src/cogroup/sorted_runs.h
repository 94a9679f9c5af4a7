// Merges runs of rows, each in order and on disk, into one: rows that a run leaves equal keep the order of the
// runs. In memory stands a block of each run, and what is handed out.
//
//   run 0   | block | block | block |  --+
//   run 1   | block | block |          --+--> the least row of all, again and again --> Next()
//   run 2   | block | ...              --+
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "cogroup/gather.h"
#include "cogroup/group_order.h"
#include "cogroup/row_sizes.h"
#include "key/key_vector.h"
#include "spill/spill_file.h"

namespace sheaf {

/// Rows in order, in blocks of a spill file.
using SortedRun = std::deque<SpillFile::Block>;

/// Used by one thread at a time.
class SortedRuns {
 public:
  /// `order`, which outlives the runs, is that of the rows; null where they have none, and runs follow each other.
  SortedRuns(std::shared_ptr<arrow::Schema> schema, const GroupOrder* order,
             std::shared_ptr<const SpillFile> file, std::vector<SortedRun> runs);

  /// Reads the first block of each run. Errors: as SpillFile::Read().
  arrow::Status Open();

  /// The next rows that have at most `bytes` (see RowSizes) together, and at least `min_rows` of them, 0 or 1;
  /// fewer rows at the end, at last none.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Next(int64_t bytes, int64_t min_rows);

 private:
  // Where a run stands.
  struct Cursor {
    SortedRun blocks;  // not yet read
    std::shared_ptr<arrow::RecordBatch> rows;
    std::unique_ptr<const RowSizes> sizes;
    KeyVector order;
    int64_t row = 0;
    size_t piece = 0;  // of the rows handed out; kNoPiece where none of the block is
  };
  // The rows that are being handed out.
  struct Taken;

  [[nodiscard]] bool Above(size_t a, size_t b) const;
  arrow::Result<bool> ReadBlock(Cursor* cursor);
  arrow::Status Advance(int64_t rows);
  arrow::Status Flush(Taken* taken);
  arrow::Status TakeStanding(Taken* taken);
  arrow::Status TakeLeast(Taken* taken);

  const std::shared_ptr<arrow::Schema> schema_;
  const GroupOrder* const order_;
  const std::shared_ptr<const SpillFile> file_;
  std::vector<Cursor> cursors_;
  std::vector<size_t> heap_;  // of the cursors that have rows, the least in front
};

}  // namespace sheaf
