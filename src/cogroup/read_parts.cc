#include "cogroup/read_parts.h"

#include <future>
#include <mutex>
#include <vector>

#include "cogroup/chunk_maker.h"
#include "parallel/task_queue.h"

namespace sheaf {
namespace {

arrow::Status ReadPart(ChunkMaker* chunks, arrow::RecordBatchReader* part,
                       const std::function<arrow::Status(Chunk*)>& take) {
  while (true) {
    std::shared_ptr<arrow::RecordBatch> batch;
    ARROW_RETURN_NOT_OK(part->ReadNext(&batch));
    if (batch == nullptr) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(chunks->Make(batch, [&](Chunk chunk) { return take(&chunk); }));
  }
}

}  // namespace

arrow::Status ReadParts(const TableInput& input, const Policy& policy,
                        const Connection::Readers& parts, TableCounters* counters,
                        const std::function<arrow::Status(Chunk*)>& take) {
  std::mutex mutex;
  arrow::Status first_error;  // guarded by mutex
  const auto read = [&](const std::shared_ptr<arrow::RecordBatchReader>& part) {
    ChunkMaker chunks(input, policy, KeyOrder::kAny, counters);
    const arrow::Status status = ReadPart(&chunks, part.get(), take);
    if (status.ok()) return;
    const std::lock_guard lock(mutex);
    if (first_error.ok()) first_error = status;
    if (input.connection != nullptr) input.connection->Cancel();
  };
  std::vector<std::future<void>> reading;
  TaskQueue threads(parts.size() - 1);
  for (size_t p = 1; p < parts.size(); ++p) {
    reading.push_back(threads.Ask([&, p] { read(parts[p]); }));
  }
  read(parts[0]);
  for (const auto& done : reading) done.wait();
  return first_error;
}

}  // namespace sheaf
