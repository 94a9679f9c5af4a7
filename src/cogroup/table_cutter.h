// Cuts one table's rows, which come in key order, by the windows of the run: rows of a window's keys
// become that table's share of a batch, rows of other keys are counted and dropped.
//
// The rows of a key that is too large for memory go to disk as they come.
//
// Keys are compared three ways. Taking any other key as the end of a group is the mistake by which
// stitchers lose the children of untouched parents (dotnet/efcore#33826).
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "cogroup/chunk.h"
#include "cogroup/chunk_reader.h"
#include "cogroup/counters.h"
#include "cogroup/large_groups.h"
#include "cogroup/pending_chunks.h"
#include "cogroup/share_builder.h"
#include "cogroup/table_input.h"
#include "cogroup/table_share.h"

namespace sheaf {

class TableCutter {
 public:
  /// Told of every chunk as it is read, and of the end, once, by null.
  using OnRead = std::function<arrow::Status(const Chunk*)>;

  /// `groups`: what is held of one key. All references outlive the cutter.
  TableCutter(const TableInput& input, ChunkReader* rows, TableCounters* counters,
              GroupMemory groups, OnRead on_read);

  /// Reads one chunk more; false at the end of the table. For selecting tables, whose rows must be known before their
  /// window is, and for those whose engine shall begin. Errors: those of the reader, with the table's name.
  arrow::Result<bool> Read();

  /// Whether a read is done: false while the first chunk is told of.
  [[nodiscard]] bool has_read() const { return has_read_; }

  /// Adds the rows of the window's keys to `share`. Windows ascend. Reads on until it has seen a row beyond the
  /// window: a chunk may end within the last group.
  arrow::Status Cut(const Window& window, ShareBuilder* share);

  /// About how many bytes the rows have that the last Cut() has found.
  [[nodiscard]] int64_t cut_bytes() const { return cut_bytes_; }

  /// Reads what is left: rows of keys beyond the last window.
  arrow::Status Drain();

 private:
  arrow::Result<bool> HasRows();
  arrow::Status CutChunk(const Window& window, size_t* key);
  arrow::Status CopyRuns(size_t first_run);
  arrow::Status MoveLarge(size_t key);
  arrow::Status MoveRows(size_t key, size_t first_run, int64_t skip);

  const TableInput& input_;
  ChunkReader* const rows_;
  TableCounters* const counters_;
  const OnRead on_read_;
  PendingChunks pending_;
  size_t row_ = 0;  // the first row of pending_.front() that no window has taken
  bool has_read_ = false;
  bool ended_ = false;

  // Of the window that is being cut:
  std::vector<int64_t> counts_;  // rows a key
  ShareBuilder::Pieces pieces_;
  std::vector<RowRun> runs_;  // the rows, in order
  LargeGroups large_;
  int64_t row_bytes_ = 0;  // of the chunk that was cut last
  int64_t cut_bytes_ = 0;
};

}  // namespace sheaf
