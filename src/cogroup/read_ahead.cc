#include "cogroup/read_ahead.h"

#include <string>
#include <utility>

#include "sheaf/error.h"

namespace sheaf {
namespace {

arrow::Status Cancelled() { return MakeError(ErrorKind::kStopped, "cancelled"); }

}  // namespace

ReadAhead::ReadAhead(const TableInput& input, const Policy& policy, KeyOrder order,
                     int64_t capacity, TableCounters* counters, OnError on_error)
    : input_(input),
      chunks_(input, policy, order, counters),
      on_error_(std::move(on_error)),
      queue_(capacity) {}

ReadAhead::~ReadAhead() {
  Cancel();
  Join();
}

void ReadAhead::Start(OpenStream open, Prepare prepare) {
  Join();
  queue_.Restart();
  thread_ = std::thread([this, open = std::move(open), prepare = std::move(prepare)] {
    const arrow::Status status = Run(open, prepare);
    if (status.ok()) {
      queue_.End();
    } else {
      if (!cancelled_) on_error_(WithContext(status, "table \"" + input_.table.name + "\""));
      queue_.Close();
    }
  });
}

void ReadAhead::Join() {
  if (thread_.joinable()) thread_.join();
}

void ReadAhead::Cancel() {
  cancelled_ = true;
  queue_.Close();
  if (input_.connection != nullptr) input_.connection->Cancel();
}

arrow::Status ReadAhead::Run(const OpenStream& open, const Prepare& prepare) {
  if (cancelled_) return Cancelled();
  ARROW_ASSIGN_OR_RAISE(const auto reader, open());
  while (!cancelled_) {
    std::shared_ptr<arrow::RecordBatch> batch;
    ARROW_RETURN_NOT_OK(reader->ReadNext(&batch));
    if (batch == nullptr) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(chunks_.Make(batch, [&](Chunk chunk) -> arrow::Status {
      if (prepare) ARROW_RETURN_NOT_OK(prepare(&chunk));
      const int64_t bytes = chunk.bytes;
      return queue_.Push(std::move(chunk), bytes) ? arrow::Status::OK() : Cancelled();
    }));
  }
  return Cancelled();
}

}  // namespace sheaf
