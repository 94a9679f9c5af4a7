// Makes chunks of the batches of a stream: rows become plain, but for text that comes as views, rows with a null key are
// counted and left out, and an order of keys is verified.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

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

  /// The chunk of the stream's next rows, all but those with a null key. Errors: those of the policy on null keys, and
  /// of the order.
  arrow::Result<Chunk> Make(const std::shared_ptr<arrow::RecordBatch>& rows);

 private:
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
