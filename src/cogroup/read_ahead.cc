#include "cogroup/read_ahead.h"

#include <utility>

namespace sheaf {

ReadAhead::ReadAhead(ChunkReader* chunks, int64_t capacity, Prepare prepare)
    : chunks_(chunks), prepare_(std::move(prepare)), queue_(capacity), thread_([this] {
        status_ = Read();
        if (status_.ok()) {
          queue_.End();
        } else {
          queue_.Close();  // what waits is of no use any more
        }
      }) {}

ReadAhead::~ReadAhead() {
  if (!thread_.joinable()) return;
  chunks_->Cancel();
  queue_.Close();
  thread_.join();
}

arrow::Result<std::optional<Chunk>> ReadAhead::Next() {
  std::optional<Chunk> chunk = queue_.Pop();
  if (chunk) return chunk;
  if (thread_.joinable()) thread_.join();
  ARROW_RETURN_NOT_OK(status_);
  return std::nullopt;
}

arrow::Status ReadAhead::Read() {
  while (true) {
    ARROW_ASSIGN_OR_RAISE(std::optional<Chunk> chunk, chunks_->Next());
    if (!chunk) return arrow::Status::OK();
    if (prepare_) ARROW_RETURN_NOT_OK(prepare_(&*chunk));
    const int64_t bytes = chunk->bytes;
    // Refused once cancelled, as the next chunk is.
    static_cast<void>(queue_.Push(*std::move(chunk), bytes));
  }
}

}  // namespace sheaf
