// One table's rows on the way of strategy `partition`: scattered to their partition as they arrive, and
// put in order there.
//
//   rows of a chunk     rank of each key          partition = rank / keys, place = rank % keys
//   7 3 9 7 1      ->   2 1 3 2 0   (keys = 2)    ->   partition 0: 3(1) 1(0)   partition 1: 7(0) 9(1) 7(0)
//
// Within a partition a counting sort by place brings the rows in key order: no row is compared with
// another. A partition holds the rows of one window, or of several where windows are small. One that turns
// out too large for memory is scattered once more, into parts.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cogroup/chunk.h"
#include "cogroup/chunk_store.h"
#include "cogroup/counters.h"
#include "cogroup/gather.h"
#include "cogroup/segmented_rows.h"
#include "cogroup/table_input.h"
#include "key/key_set.h"
#include "sheaf/batch.h"
#include "spill/memory_budget.h"

namespace sheaf {

/// Used by one thread at a time.
class PartitionStore {
 public:
  /// Keys of consecutive ranks.
  struct Window {
    int64_t first_rank;
    int64_t keys;
  };

  /// How many keys a partition holds, where a window holds at most `window_keys`.
  static int64_t PartitionKeys(int64_t window_keys);

  /// Partition p holds the keys of rank p * partition_keys and up. `tables`: how many share the budget.
  /// All references outlive the store.
  PartitionStore(const TableInput& input, const KeySet& keys, int64_t partition_keys, size_t tables,
                 MemoryBudget* budget, TableCounters* counters);

  /// Scatters a chunk; rows of keys that the set lacks are counted and dropped.
  arrow::Status Add(const Chunk& chunk);

  /// Scatters all that is left in `chunks`.
  arrow::Status AddAll(ChunkStore* chunks);

  /// All chunks are in. Called once, before the first Take().
  arrow::Status Seal() { return rows_.MakeRoom(); }

  /// About how many bytes the rows of each partition have.
  [[nodiscard]] const std::vector<int64_t>& partition_bytes() const { return bytes_; }

  /// The rows of a window's keys, group after group, in order. Windows ascend. `part_keys`: how many keys
  /// of its partition are loaded at once, the same for all windows of a partition; no window reaches from
  /// one part into the next.
  arrow::Result<BatchTable> Take(const Window& window, int64_t part_keys);

 private:
  // What windows are taken from: a partition, or a part of one.
  struct Loaded {
    int64_t first_rank = -1;
    std::vector<std::shared_ptr<arrow::RecordBatch>> pieces;  // without the places
    std::vector<int64_t> starts;  // of each place among the rows in order, and the end
    std::vector<RowRef> order;    // the rows by place; empty where they stand so
  };

  void Divide();
  arrow::Status Load(int64_t first_rank, int64_t part_keys);
  arrow::Status ScatterParts(size_t partition, int64_t part_keys);
  void CountingSort(const std::vector<std::span<const uint32_t>>& places, uint32_t first_place,
                    int64_t keys);
  [[nodiscard]] std::vector<std::shared_ptr<arrow::RecordBatch>> Standing(int64_t begin,
                                                                          int64_t end) const;

  const TableInput& input_;
  const KeySet& keys_;
  const int64_t partition_keys_;
  const int64_t segment_bytes_;
  MemoryBudget* const budget_;
  const std::shared_ptr<arrow::Schema> schema_;  // the table's, and the place
  SegmentedRows rows_;
  TableCounters* const counters_;
  std::vector<int64_t> bytes_;            // of each partition
  std::unique_ptr<SegmentedRows> parts_;  // of partition scattered_
  int64_t scattered_ = -1;
  Loaded loaded_;

  // Of the chunk being added.
  std::vector<int64_t> ranks_;
  std::vector<uint32_t> partitions_;  // of each row; the number of partitions where it is an orphan
  std::vector<uint32_t> places_;      // of each row
  std::vector<uint32_t> starts_;      // of each partition in order_, and the ends
  std::vector<uint32_t> order_;       // the rows' numbers by partition
};

}  // namespace sheaf
