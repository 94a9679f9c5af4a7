// Makes chunks of the batches of a stream: rows become plain, but for text that comes as views, rows with a null key are
// counted and left out, and an order of keys is verified.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <functional>
#include <memory>
#include <vector>

#include "cogroup/chunk.h"
#include "cogroup/counters.h"
#include "cogroup/table_input.h"

namespace sheaf {

/// What a stream promises of its keys.
enum class KeyOrder { kAny, kAscending };

/// Of one stream. Used by one thread at a time; its references outlive it.
class ChunkMaker {
 public:
  ChunkMaker(const TableInput& input, const Policy& policy, KeyOrder order,
             TableCounters* counters);

  /// Calls `take` with the rows of the stream's next batch: with some at a time, where they are many, and not at all
  /// where none are left. Errors: those of `take`, of the policy on null keys, of the order.
  arrow::Status Make(const std::shared_ptr<arrow::RecordBatch>& batch,
                     const std::function<arrow::Status(Chunk)>& take);

 private:
  arrow::Result<Chunk> MakeChunk(const std::shared_ptr<arrow::RecordBatch>& batch);
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> DropNullKeys(
      std::shared_ptr<arrow::RecordBatch> rows);
  arrow::Status CheckOrder(const Chunk& chunk);

  const TableInput& input_;
  const Policy& policy_;
  const KeyOrder order_;
  TableCounters* const counters_;
  const std::vector<int> keeps_views_;  // columns
  KeyVector last_key_;  // the last row of the chunk before, to verify the order across chunks
  std::shared_ptr<arrow::RecordBatch> last_row_;
};

}  // namespace sheaf
