#include "cogroup/pending_chunks.h"

#include <utility>

#include "key/plain_types.h"

namespace sheaf {

PendingChunks::PendingChunks(const TableInput& input, int64_t held) : input_(input), held_(held) {}

arrow::Status PendingChunks::Push(Chunk chunk) {
  Pending& pending = chunks_.emplace_back();
  pending.num_rows = chunk.rows->num_rows();
  pending.chunk = std::move(chunk);
  bytes_ += pending.chunk.bytes;
  const bool exceeds = bytes_ > held_ && chunks_.size() > 1;
  if (!exceeds || pending.chunk.keys.RunStarts().size() > 1) return arrow::Status::OK();
  return Spill(&pending);
}

arrow::Status PendingChunks::Spill(Pending* pending) {
  if (file_ == nullptr) {
    ARROW_ASSIGN_OR_RAISE(file_, SpillFile::Create(SpillDirectory(), input_.schema));
  }
  ARROW_ASSIGN_OR_RAISE(auto plain, ToPlain(pending->chunk.rows, input_.schema));
  ARROW_ASSIGN_OR_RAISE(pending->block, file_->Write(std::move(plain)));
  pending->chunk.rows = nullptr;
  pending->chunk.keys = {};
  bytes_ -= pending->chunk.bytes;
  ++spilled_;
  return arrow::Status::OK();
}

arrow::Result<const Chunk*> PendingChunks::Front() {
  auto& [chunk, num_rows, block] = chunks_.front();
  if (chunk.rows == nullptr) {
    ARROW_ASSIGN_OR_RAISE(chunk.rows, file_->Read(block));
    ARROW_ASSIGN_OR_RAISE(const auto keys, ColumnsAt(input_.key_columns, *chunk.rows));
    ARROW_ASSIGN_OR_RAISE(chunk.keys, input_.key_encoder->Encode(keys));
    bytes_ += chunk.bytes;
    CountRead();
  }
  return &chunk;
}

void PendingChunks::PopFront() {
  if (chunks_.front().chunk.rows == nullptr) {
    CountRead();
  } else {
    bytes_ -= chunks_.front().chunk.bytes;
  }
  chunks_.pop_front();
}

// The file goes with its last chunk.
void PendingChunks::CountRead() {
  if (--spilled_ == 0) file_ = nullptr;
}

}  // namespace sheaf
