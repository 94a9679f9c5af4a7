// Reads one table's stream in chunks, in the thread that asks for them.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include "cogroup/chunk.h"
#include "cogroup/chunk_maker.h"
#include "cogroup/counters.h"
#include "cogroup/table_input.h"

namespace sheaf {

/// One thread at a time, but for Cancel().
class ChunkReader {
 public:
  using OpenStream = std::function<arrow::Result<std::shared_ptr<arrow::RecordBatchReader>>()>;

  /// All references outlive this object.
  ChunkReader(const TableInput& input, const Policy& policy, KeyOrder order,
              TableCounters* counters);

  /// Sets the stream, which the next Next() opens. Called for another one once Next() has told the end of the one
  /// before.
  void Start(OpenStream open) { open_ = std::move(open); }

  /// The next chunk, which has rows; nullopt at the end. Errors: those of the stream and of ChunkMaker; kStopped once
  /// cancelled.
  arrow::Result<std::optional<Chunk>> Next();

  /// Next() fails soon, and from now on. Any thread may call it.
  void Cancel();

 private:
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> NextBatch();

  const TableInput& input_;
  ChunkMaker chunks_;
  OpenStream open_;                                   // until it is called
  std::shared_ptr<arrow::RecordBatchReader> stream_;  // until its end
  std::shared_ptr<arrow::RecordBatch> batch_;         // what is left of the last one
  std::atomic<bool> cancelled_ = false;
};

}  // namespace sheaf
