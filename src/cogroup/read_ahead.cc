#include "cogroup/read_ahead.h"

#include <string>
#include <utility>

#include "sheaf/error.h"

namespace sheaf {

ReadAhead::ReadAhead(const TableInput& input, const Policy& policy, int64_t capacity,
                     TableCounters* counters, OnError on_error)
    : input_(input),
      chunks_(input, policy, KeyOrder::kAny, counters),
      on_error_(std::move(on_error)),
      queue_(capacity) {}

ReadAhead::~ReadAhead() {
  Cancel();
  Join();
}

void ReadAhead::Start(OpenStream open, Prepare prepare) {
  Join();
  queue_.Restart();
  chunks_.Start(std::move(open));
  thread_ = std::thread([this, prepare = std::move(prepare)] {
    const arrow::Status status = Run(prepare);
    if (status.ok()) {
      queue_.End();
    } else {
      if (!chunks_.cancelled()) {
        on_error_(WithContext(status, "table \"" + input_.table.name + "\""));
      }
      queue_.Close();
    }
  });
}

void ReadAhead::Join() {
  if (thread_.joinable()) thread_.join();
}

void ReadAhead::Cancel() {
  chunks_.Cancel();
  queue_.Close();
}

arrow::Status ReadAhead::Run(const Prepare& prepare) {
  while (true) {
    ARROW_ASSIGN_OR_RAISE(std::optional<Chunk> chunk, chunks_.Next());
    if (!chunk) return arrow::Status::OK();
    if (prepare) ARROW_RETURN_NOT_OK(prepare(&*chunk));
    const int64_t bytes = chunk->bytes;
    // Refused once cancelled, as the next chunk is.
    static_cast<void>(queue_.Push(*std::move(chunk), bytes));
  }
}

}  // namespace sheaf
