// Chunks of a table in key order that wait for their window. Those that hold the rows of one key alone, as most of a
// large key do, wait on disk where they are too many: a window may need rows far beyond them.
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <deque>
#include <memory>

#include "cogroup/chunk.h"
#include "cogroup/table_input.h"
#include "spill/spill_file.h"

namespace sheaf {

/// Used by one thread at a time.
class PendingChunks {
 public:
  /// `input` outlives the chunks. `held`: bytes in memory from which on chunks of one key go to disk.
  PendingChunks(const TableInput& input, int64_t held);

  [[nodiscard]] bool empty() const { return chunks_.empty(); }

  /// Errors: as SpillFile::Write().
  arrow::Status Push(Chunk chunk);

  /// The first chunk, in memory. Errors: as SpillFile::Read().
  arrow::Result<const Chunk*> Front();

  [[nodiscard]] int64_t FrontRows() const { return chunks_.front().num_rows; }

  void PopFront();

 private:
  struct Pending {
    Chunk chunk;  // without rows where they are on disk
    int64_t num_rows = 0;
    SpillFile::Block block = 0;
  };

  arrow::Status Spill(Pending* pending);
  void CountRead();

  const TableInput& input_;
  const int64_t held_;
  std::deque<Pending> chunks_;
  int64_t bytes_ = 0;                // in memory
  size_t spilled_ = 0;               // chunks on disk
  std::unique_ptr<SpillFile> file_;  // null where no chunk is on disk
};

}  // namespace sheaf
