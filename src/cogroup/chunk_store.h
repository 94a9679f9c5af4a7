// The rows of a selecting table, kept until all its keys are known and they can be scattered.
#pragma once

#include <arrow/result.h>

#include <memory>
#include <optional>
#include <vector>

#include "cogroup/chunk.h"
#include "cogroup/segmented_rows.h"
#include "cogroup/table_input.h"
#include "spill/memory_budget.h"

namespace sheaf {

/// Used by one thread at a time. What exceeds the memory budget goes to disk.
class ChunkStore {
 public:
  /// All references outlive the store.
  ChunkStore(const TableInput& input, MemoryBudget* budget);

  arrow::Status Add(const Chunk& chunk);

  /// The rows, each once, in chunks of any size; nullopt when none is left. No Add() follows.
  arrow::Result<std::optional<Chunk>> Pop();

 private:
  const TableInput& input_;
  SegmentedRows rows_;
  std::vector<uint32_t> numbers_;  // 0, 1, 2 ...
};

}  // namespace sheaf
