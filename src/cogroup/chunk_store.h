// The rows of a selecting table, kept until all its keys are known and they can be scattered.
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "cogroup/chunk.h"
#include "cogroup/table_input.h"
#include "spill/memory_budget.h"
#include "spill/spill_file.h"

namespace sheaf {

/// Used by one thread at a time. What exceeds the memory budget goes to disk.
class ChunkStore {
 public:
  /// All references outlive the store.
  ChunkStore(const TableInput& input, MemoryBudget* budget);
  ~ChunkStore();
  ChunkStore(const ChunkStore&) = delete;
  ChunkStore& operator=(const ChunkStore&) = delete;

  arrow::Status Add(Chunk chunk);

  /// The chunks, each once, in any order; nullopt when none is left. No Add() follows.
  arrow::Result<std::optional<Chunk>> Pop();

 private:
  const TableInput& input_;
  MemoryBudget* const budget_;
  std::deque<Chunk> chunks_;
  std::unique_ptr<SpillFile> spill_;
  std::deque<SpillFile::Block> spilled_;
};

}  // namespace sheaf
