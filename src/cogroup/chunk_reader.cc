#include "cogroup/chunk_reader.h"

#include <utility>

#include "sheaf/error.h"

namespace sheaf {
namespace {

// One query may deliver a batch of any size; pieces of this many rows keep what bounds their bytes true.
constexpr int64_t kMaxChunkRows = 65536;

}  // namespace

ChunkReader::ChunkReader(const TableInput& input, const Policy& policy, KeyOrder order,
                         TableCounters* counters)
    : input_(input), chunks_(input, policy, order, counters) {}

void ChunkReader::Cancel() {
  cancelled_ = true;
  if (input_.connection != nullptr) input_.connection->Cancel();
}

arrow::Result<std::optional<Chunk>> ChunkReader::Next() {
  while (!cancelled_) {
    if (batch_ == nullptr) {
      ARROW_ASSIGN_OR_RAISE(batch_, NextBatch());
      if (cancelled_) break;  // what is cut short may end as if it were whole
      if (batch_ == nullptr) return std::nullopt;
    }
    const auto rows = batch_->Slice(0, kMaxChunkRows);
    batch_ = rows->num_rows() < batch_->num_rows() ? batch_->Slice(kMaxChunkRows) : nullptr;
    ARROW_ASSIGN_OR_RAISE(Chunk chunk, chunks_.Make(rows));
    if (chunk.rows->num_rows() > 0) return chunk;
  }
  return MakeError(ErrorKind::kStopped, "cancelled");
}

// Null at the end.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> ChunkReader::NextBatch() {
  if (open_ != nullptr) {
    ARROW_ASSIGN_OR_RAISE(stream_, std::exchange(open_, nullptr)());
  }
  std::shared_ptr<arrow::RecordBatch> batch;
  if (stream_ == nullptr) return batch;
  ARROW_RETURN_NOT_OK(stream_->ReadNext(&batch));
  if (batch == nullptr) stream_ = nullptr;
  return batch;
}

}  // namespace sheaf
