#include "cogroup/chunk_store.h"

#include <arrow/util/byte_size.h>

#include <utility>

namespace sheaf {

ChunkStore::ChunkStore(const TableInput& input, MemoryBudget* budget)
    : input_(input), budget_(budget) {}

ChunkStore::~ChunkStore() {
  for (const Chunk& chunk : chunks_) budget_->Release(chunk.bytes);
}

arrow::Status ChunkStore::Add(Chunk chunk) {
  if (!budget_->Exceeded()) {
    budget_->Add(chunk.bytes);
    chunks_.push_back(std::move(chunk));
    return arrow::Status::OK();
  }
  if (spill_ == nullptr) {
    ARROW_ASSIGN_OR_RAISE(spill_, SpillFile::Create(SpillDirectory(), input_.schema));
  }
  ARROW_ASSIGN_OR_RAISE(const SpillFile::Block block, spill_->Write(*chunk.rows));
  spilled_.push_back(block);
  return arrow::Status::OK();
}

arrow::Result<std::optional<Chunk>> ChunkStore::Pop() {
  if (!chunks_.empty()) {  // memory first: the scattered rows need it
    Chunk chunk = std::move(chunks_.front());
    chunks_.pop_front();
    budget_->Release(chunk.bytes);
    return chunk;
  }
  if (spilled_.empty()) return std::nullopt;
  Chunk chunk;
  ARROW_ASSIGN_OR_RAISE(chunk.rows, spill_->Read(spilled_.front()));
  spilled_.pop_front();
  ARROW_ASSIGN_OR_RAISE(chunk.keys, input_.key_encoder->Encode(KeyColumns(input_, *chunk.rows)));
  ARROW_ASSIGN_OR_RAISE(chunk.bytes, arrow::util::ReferencedBufferSize(*chunk.rows));
  return chunk;
}

}  // namespace sheaf
