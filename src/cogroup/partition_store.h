// One table's rows on the way of strategy `partition`: scattered to their batch as they arrive, and put
// in order there.
//
//   rows of a chunk     rank of each key          partition = rank / max_keys, place = rank % max_keys
//   7 3 9 7 1      ->   2 1 3 2 0   (max_keys 2)  ->   partition 0: 3(1) 1(0)   partition 1: 7(0) 9(1) 7(0)
//
// Within a partition a counting sort by place brings the rows in key order: no row is compared with
// another. What exceeds the memory budget goes to disk, each partition's rows in blocks of their own.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "cogroup/chunk.h"
#include "cogroup/counters.h"
#include "cogroup/table_input.h"
#include "key/key_set.h"
#include "sheaf/batch.h"
#include "spill/memory_budget.h"
#include "spill/spill_file.h"

namespace sheaf {

/// Used by one thread at a time.
class PartitionStore {
 public:
  /// Partition p holds the keys of rank p * max_keys and up, max_keys of them but for the last.
  /// All references outlive the store.
  PartitionStore(const TableInput& input, const KeySet& keys, int32_t max_keys,
                 MemoryBudget* budget, TableCounters* counters);
  ~PartitionStore();
  PartitionStore(const PartitionStore&) = delete;
  PartitionStore& operator=(const PartitionStore&) = delete;

  /// Scatters a chunk; rows of keys that the set lacks are counted and dropped.
  arrow::Status Add(const Chunk& chunk);

  /// All chunks are in. Called once, before the first Take().
  arrow::Status Seal();

  /// The rows of a partition's keys, group after group, in order. Each partition is taken once.
  arrow::Result<BatchTable> Take(int64_t partition);

  [[nodiscard]] int64_t num_partitions() const { return static_cast<int64_t>(partitions_.size()); }

 private:
  struct Partition {
    std::vector<std::shared_ptr<arrow::RecordBatch>> rows;  // with a column of places behind
    std::vector<SpillFile::Block> spilled;                  // earlier rows
  };

  // Rows [begin, end) of the chunk being added, of one partition or all orphans.
  struct Run {
    int64_t partition;
    int64_t begin;
    int64_t end;
  };

  [[nodiscard]] std::vector<Run> RunsOfPartitions() const;
  void KeepRun(const arrow::RecordBatch& rows, const Run& run);
  arrow::Status Scatter(const std::shared_ptr<arrow::RecordBatch>& rows, int64_t kept);
  void Hold(int64_t bytes);
  arrow::Status Spill();

  const TableInput& input_;
  const KeySet& keys_;
  const int64_t max_keys_;
  MemoryBudget* const budget_;
  TableCounters* const counters_;
  const std::shared_ptr<arrow::Schema> schema_;  // the table's, and the place
  std::vector<Partition> partitions_;
  std::vector<int64_t> ranks_;  // of the chunk being added
  int64_t bytes_ = 0;           // in memory
  std::unique_ptr<SpillFile> spill_;
};

}  // namespace sheaf
