// The rows of one key of one table where they are too many for memory: they wait on disk, are put in order
// there, and come out piece by piece.
//
//   Add() --> rows of a run in memory --> in order --> on disk --+
//   Add() --> the next run            --> in order --> on disk --+--> Finish() --> merged by Next()
//
// Memory   A run, and what ordering it takes; later a block of each run, and a piece.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cogroup/group_order.h"
#include "cogroup/sorted_runs.h"
#include "spill/spill_file.h"

namespace sheaf {

/// Used by one thread at a time.
class LargeRows {
 public:
  /// `file` takes rows of `schema`, and may be shared with other groups that the same thread adds to.
  LargeRows(std::shared_ptr<arrow::Schema> schema, std::shared_ptr<const GroupOrder> order,
            std::shared_ptr<SpillFile> file, int64_t run_bytes);

  /// Errors: as SpillFile::Write().
  arrow::Status Add(const std::shared_ptr<arrow::RecordBatch>& rows);

  /// All rows are added. Nothing that follows but KeepFirst() changes how many there are.
  arrow::Status Finish();

  /// Drops all rows but the first in order, before any is taken.
  arrow::Status KeepFirst();

  [[nodiscard]] int64_t num_rows() const { return num_rows_; }
  /// See RowSizes.
  [[nodiscard]] int64_t bytes() const { return bytes_; }

  /// The first row in order; it stays.
  [[nodiscard]] arrow::Result<std::shared_ptr<arrow::RecordBatch>> First() const;

  /// Takes the next rows in order that have at most `bytes` bytes together, and at least `min_rows` of them, 0
  /// or 1; fewer rows at the end, at last none.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Next(int64_t bytes, int64_t min_rows);

 private:
  arrow::Status EndRun();
  arrow::Result<SortedRun> WriteRun(const std::shared_ptr<arrow::RecordBatch>& rows);
  arrow::Result<SortedRun> WriteRun(const std::shared_ptr<arrow::RecordBatch>& rows,
                                    std::span<const int32_t> order);
  arrow::Status MergeSomeRuns();
  [[nodiscard]] std::unique_ptr<SortedRuns> Runs(std::vector<SortedRun> runs) const;

  const std::shared_ptr<arrow::Schema> schema_;
  const std::shared_ptr<const GroupOrder> order_;
  const std::shared_ptr<SpillFile> file_;
  const int64_t run_bytes_;
  int64_t num_rows_ = 0;
  int64_t bytes_ = 0;
  std::vector<std::shared_ptr<arrow::RecordBatch>> run_;  // added, not yet on disk
  int64_t run_size_ = 0;                                  // bytes in run_
  std::vector<SortedRun> runs_;
  std::unique_ptr<SortedRuns> taken_;         // once rows are taken
  std::shared_ptr<arrow::RecordBatch> kept_;  // all rows, once KeepFirst() is called
};

}  // namespace sheaf
