#include "cogroup/read_parts.h"

#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "cogroup/chunk_reader.h"
#include "parallel/task_queue.h"

namespace sheaf {
namespace {

using TakeChunk = std::function<arrow::Status(Chunk*)>;

// The threads that read parts. One that finds no part left takes chunks of the others' until these have ended too.
class PartReaders {
 public:
  PartReaders(const TableInput& input, const Policy& policy, const Connection::Readers& parts,
              TableCounters* counters, const TakeChunk& take)
      : input_(input),
        policy_(policy),
        counters_(counters),
        take_(take),
        parts_(parts),
        reading_(parts.size()) {}

  // What each thread does. There may be fewer than parts: the system may have no more.
  void Read() {
    while (const auto part = NextPart()) End(ReadAll(part));
    while (std::optional<Chunk> chunk = WaitForChunk()) {
      if (const auto status = take_(&*chunk); !status.ok()) Fail(status);
    }
  }

  arrow::Status first_error() {
    const std::lock_guard lock(mutex_);
    return first_error_;
  }

 private:
  arrow::Status ReadAll(const std::shared_ptr<arrow::RecordBatchReader>& part) {
    ChunkReader chunks(input_, policy_, KeyOrder::kAny, counters_);
    chunks.Start([&part] { return part; });
    while (true) {
      ARROW_ASSIGN_OR_RAISE(std::optional<Chunk> chunk, chunks.Next());
      if (!chunk) return arrow::Status::OK();
      if (!HandOver(&*chunk)) ARROW_RETURN_NOT_OK(take_(&*chunk));
    }
  }

  // Null where none is left.
  std::shared_ptr<arrow::RecordBatchReader> NextPart() {
    const std::lock_guard lock(mutex_);
    return next_ < parts_.size() ? parts_[next_++] : nullptr;
  }

  // True where another thread takes the chunk, for it has nothing else to do.
  bool HandOver(Chunk* chunk) {
    const std::lock_guard lock(mutex_);
    if (idle_ == 0 || handed_over_) return false;
    handed_over_ = std::move(*chunk);
    changed_.notify_one();
    return true;
  }

  // A part is read.
  void End(const arrow::Status& status) {
    if (!status.ok()) Fail(status);
    const std::lock_guard lock(mutex_);
    if (--reading_ == 0) changed_.notify_all();
  }

  // Nullopt once all parts are read.
  std::optional<Chunk> WaitForChunk() {
    std::unique_lock lock(mutex_);
    ++idle_;
    changed_.wait(lock, [this] { return handed_over_ || reading_ == 0; });
    --idle_;
    return std::exchange(handed_over_, std::nullopt);
  }

  void Fail(const arrow::Status& status) {
    const std::lock_guard lock(mutex_);
    if (first_error_.ok()) first_error_ = status;
    if (input_.connection != nullptr) input_.connection->Cancel();
  }

  const TableInput& input_;
  const Policy& policy_;
  TableCounters* const counters_;
  const TakeChunk& take_;
  const Connection::Readers& parts_;

  std::mutex mutex_;
  std::condition_variable changed_;
  size_t next_ = 0;  // part; guarded by mutex_, as are the next four
  size_t reading_;   // parts that have not ended
  size_t idle_ = 0;  // threads without a part
  std::optional<Chunk> handed_over_;
  arrow::Status first_error_;
};

}  // namespace

arrow::Status ReadParts(const TableInput& input, const Policy& policy,
                        const Connection::Readers& parts, TableCounters* counters,
                        const TakeChunk& take) {
  PartReaders readers(input, policy, parts, counters, take);
  std::vector<std::future<void>> reading;
  TaskQueue threads(parts.size() - 1);
  for (size_t p = 1; p < parts.size(); ++p) {
    reading.push_back(threads.Ask([&readers] { readers.Read(); }));
  }
  readers.Read();
  for (const auto& done : reading) done.wait();
  return readers.first_error();
}

}  // namespace sheaf
