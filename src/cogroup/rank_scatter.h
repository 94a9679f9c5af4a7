// Scatters a table's rows to partitions by the rank of their keys, as they arrive.
//
//   rows of a chunk     rank of each key          partition = rank / keys
//   7 3 9 7 1      ->   2 1 3 2 0   (keys = 2)    ->   partition 0: 3(1) 1(0)   partition 1: 7(2) 9(3) 7(2)
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "cogroup/chunk.h"
#include "cogroup/counters.h"
#include "cogroup/row_packing.h"
#include "cogroup/scattered_rows.h"
#include "cogroup/table_input.h"
#include "key/key_set.h"

namespace sheaf {

class RankScatter {
 public:
  /// `at_once`: how many tables are scattered at the same time. All references outlive the rows.
  RankScatter(const TableInput& input, const KeySet& keys, size_t at_once, MemoryBudget* budget,
              TableCounters* counters);

  /// Puts the ranks of the keys, which Add() wants, in their place: a chunk that waits weighs what it did. Any
  /// thread may prepare and add chunks.
  arrow::Status Prepare(Chunk* chunk) const;

  /// Rows of keys that the set lacks are counted and dropped.
  arrow::Status Add(const Chunk& chunk);

  /// The last call.
  arrow::Result<ScatteredRows> Finish();

 private:
  const KeySet& keys_;
  const RowPacking packing_;
  const int partition_bits_;  // a partition holds 2^bits keys: a division a row would be slow
  const std::shared_ptr<arrow::Schema> schema_;  // of packed rows, and the rank
  TableCounters* const counters_;
  std::mutex mutex_;
  ScatteredRows scattered_;  // its bytes are guarded by mutex_
};

}  // namespace sheaf
