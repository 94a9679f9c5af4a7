// Reads one stream in a thread of its own, so that engine and consumer overlap.
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <thread>

#include "cogroup/bounded_queue.h"
#include "cogroup/chunk.h"
#include "cogroup/chunk_reader.h"

namespace sheaf {

/// Used by one thread.
class ReadAhead {
 public:
  /// What the reading thread does with a chunk before it is put in the queue.
  using Prepare = std::function<arrow::Status(Chunk*)>;

  /// Reads what `chunks` has been given, which outlives this and is used by no other meanwhile but to cancel it. Holds
  /// at most `capacity` bytes of rows, and one chunk more.
  ReadAhead(ChunkReader* chunks, int64_t capacity, Prepare prepare = nullptr);
  /// Waits for the thread. Before the end is told this cancels `chunks`.
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  /// Blocks for the next chunk; nullopt at the end. Errors: those of ChunkReader and `prepare`, after which nothing else
  /// comes.
  arrow::Result<std::optional<Chunk>> Next();

 private:
  arrow::Status Read();

  ChunkReader* const chunks_;
  const Prepare prepare_;
  BoundedQueue<Chunk> queue_;
  arrow::Status status_;  // how reading has ended; the thread's until it is joined
  std::thread thread_;    // last, for it uses all above
};

}  // namespace sheaf
