// Reads one table's stream, in any order, in a thread of its own, so that engine and consumer overlap.
#pragma once

#include <arrow/status.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <thread>

#include "cogroup/bounded_queue.h"
#include "cogroup/chunk.h"
#include "cogroup/chunk_reader.h"
#include "cogroup/counters.h"
#include "cogroup/table_input.h"

namespace sheaf {

class ReadAhead {
 public:
  using OpenStream = ChunkReader::OpenStream;
  /// What the reading thread does with a chunk before it is put in the queue.
  using Prepare = std::function<arrow::Status(Chunk*)>;
  using OnError = std::function<void(const arrow::Status&)>;

  /// Holds at most `capacity` bytes of rows, and one chunk more. `on_error` is called once, from the
  /// reading thread, with the table's name in the message. All references outlive this object.
  ReadAhead(const TableInput& input, const Policy& policy, int64_t capacity,
            TableCounters* counters, OnError on_error);
  ~ReadAhead();  ///< Cancel(), then Join().
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  /// Starts the thread, which opens the stream and reads it. Called for another stream once Pop() has
  /// told the end of the one before.
  void Start(OpenStream open, Prepare prepare = nullptr);

  /// Blocks for the next chunk; nullopt at the end, and after an error or Cancel().
  std::optional<Chunk> Pop() { return queue_.Pop(); }

  /// Ends the thread soon; may be called from any thread.
  void Cancel();

  /// Waits for the thread: `on_error` is not called any more.
  void Join();

 private:
  arrow::Status Run(const Prepare& prepare);

  const TableInput& input_;
  ChunkReader chunks_;
  const OnError on_error_;
  BoundedQueue<Chunk> queue_;
  std::thread thread_;
};

}  // namespace sheaf
