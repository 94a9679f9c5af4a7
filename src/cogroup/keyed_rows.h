// A whole table, to be looked up by key as often as one likes: its rows by ascending key, in partitions
// that wait in memory or, beyond the budget, on disk.
//
//   rank of a key -> partition = rank / keys a partition, place = rank % keys a partition -> its rows
#pragma once

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "cogroup/gather.h"
#include "cogroup/table_input.h"
#include "sheaf/batch.h"
#include "spill/memory_budget.h"
#include "spill/spill_file.h"

namespace sheaf {

/// Used by one thread at a time.
class KeyedRows {
 public:
  /// All references outlive the rows.
  KeyedRows(const TableInput& input, int64_t keys_per_partition, MemoryBudget* budget);
  ~KeyedRows();
  KeyedRows(const KeyedRows&) = delete;
  KeyedRows& operator=(const KeyedRows&) = delete;

  /// Appends the next partition: a group a key.
  arrow::Status Add(BatchTable partition);

  /// The rows of the keys of these ranks, a group each, in this order; rank -1 has no rows.
  arrow::Result<BatchTable> Take(const std::vector<int64_t>& ranks);

  [[nodiscard]] int64_t num_rows(int64_t rank) const;

 private:
  struct Partition {
    std::shared_ptr<arrow::Int32Array> offsets;
    std::shared_ptr<arrow::RecordBatch> rows;  // null where they are on disk
    SpillFile::Block block;
  };
  struct Recent {
    size_t partition;
    std::shared_ptr<arrow::RecordBatch> rows;
    int64_t bytes;
  };

  // Rows of the table, in pieces, and where in them each group begins.
  struct Pieces {
    std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
    std::vector<RowRef> groups;
  };

  [[nodiscard]] const Partition& PartitionOf(int64_t rank) const;
  [[nodiscard]] int32_t FirstRow(int64_t rank) const;
  arrow::Result<Pieces> Collect(const std::vector<int64_t>& ranks);
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> ReadBack(size_t partition);

  const TableInput& input_;
  const int64_t keys_per_partition_;
  MemoryBudget* const budget_;
  std::vector<Partition> partitions_;
  int64_t bytes_ = 0;  // in partitions_
  std::unique_ptr<SpillFile> spill_;
  std::deque<Recent> recent_;  // partitions read back, the latest last
  int64_t recent_bytes_ = 0;
};

}  // namespace sheaf
