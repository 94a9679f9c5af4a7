#include "spill/block_store.h"

#include <algorithm>
#include <utility>

#include "spill/row_memory.h"

namespace sheaf {
namespace {

// Bytes that wait to be written: enough that the writer never waits for more.
constexpr int64_t kMaxWaiting = int64_t{4} << 20;

// A disk is measured by so many bytes at a time.
constexpr int64_t kMeasuredBytes = int64_t{32} << 20;

// Bytes a second from which on a disk is fast: the cache takes them little faster where its memory is new to it.
constexpr double kFastDisk = 400e6;

// Blocks that are read ahead at the same time: as many as a disk needs to be busy, few enough that what is asked for
// first comes first.
constexpr size_t kReaders = 3;

bool FitsDirect(int64_t offset, const void* address, int64_t size) {
  constexpr auto kUnit = static_cast<uint64_t>(UnnamedFile::kDirectUnit);
  return (reinterpret_cast<uintptr_t>(address) | static_cast<uint64_t>(offset | size)) % kUnit == 0;
}

std::vector<iovec> PartsOf(const BlockStore::Blocks& blocks) {
  std::vector<iovec> parts;
  parts.reserve(blocks.size());
  for (const auto& block : blocks) {
    parts.push_back({const_cast<uint8_t*>(block->data()), static_cast<size_t>(block->size())});
  }
  return parts;
}

int64_t BytesOf(const BlockStore::Blocks& blocks) {
  int64_t bytes = 0;
  for (const auto& block : blocks) bytes += block->size();
  return bytes;
}

}  // namespace

BlockStore::BlockStore(std::filesystem::path directory)
    : directory_(std::move(directory)), readers_(kReaders) {}

BlockStore::~BlockStore() {
  {
    const std::lock_guard lock(mutex_);
    if (failure_.ok()) failure_ = arrow::Status::Cancelled("nobody waits for these blocks");
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

arrow::Result<BlockStore::Place> BlockStore::Write(size_t file, const Blocks& blocks) {
  std::unique_lock lock(mutex_);
  if (!thread_.joinable()) thread_ = std::thread([this] { Work(); });
  changed_.wait(lock, [this] { return end_ - written_ < kMaxWaiting || !failure_.ok(); });
  ARROW_RETURN_NOT_OK(failure_);
  File& to = files_[file];
  if (to.file == nullptr) {
    ARROW_ASSIGN_OR_RAISE(to.file, UnnamedFile::Create(directory_));
  }
  const int64_t length = BytesOf(blocks);
  end_ += length;
  const Place place{file, to.end, length, end_};
  Waiting& waiting = waiting_[file];
  if (waiting.blocks.empty()) waiting = {to.file, to.end, {}};
  waiting.blocks.insert(waiting.blocks.end(), blocks.begin(), blocks.end());
  to.end += length;
  changed_.notify_all();
  return place;
}

// Until the store's end, or until a write fails.
void BlockStore::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return !failure_.ok() || written_ < end_ || !closing_.empty(); });
    if (!failure_.ok()) return;
    if (written_ < end_) {
      WriteAll(&lock);
    } else {
      auto files = std::exchange(closing_, {});
      lock.unlock();
      files.clear();  // a file system may wait for its disk here, so whoever reads does not do it
      lock.lock();
    }
  }
}

// Writes what waits.
void BlockStore::WriteAll(std::unique_lock<std::mutex>* lock) {
  auto all = std::exchange(waiting_, {});
  const int64_t end = end_;
  lock->unlock();
  arrow::Status status;
  for (const Waiting& waiting : all) {
    if (status.ok() && !waiting.blocks.empty()) status = WriteTo(waiting);
  }
  all = {};
  lock->lock();
  if (status.ok()) {
    written_ = end;
  } else {
    failure_ = std::move(status);
  }
  if (is_direct_) direct_ = end;
  changed_.notify_all();
}

arrow::Status BlockStore::WriteTo(const Waiting& waiting) {
  is_direct_ = is_direct_ && WriteDirect(waiting);
  if (is_direct_) return arrow::Status::OK();
  std::vector<iovec> parts = PartsOf(waiting.blocks);
  return waiting.file->Write(waiting.offset, parts);
}

// Past the cache; false if it was not, for that can't be or is slow: then all goes another way. What fails is written
// again: why it does is told by that.
bool BlockStore::WriteDirect(const Waiting& waiting) {
  int64_t offset = waiting.offset;
  for (const auto& block : waiting.blocks) {
    if (!FitsDirect(offset, block->data(), block->size())) return false;
    offset += block->size();
  }
  std::vector<iovec> parts = PartsOf(waiting.blocks);
  const auto start = std::chrono::steady_clock::now();
  return waiting.file->TakesDirect() &&
         waiting.file->Write(waiting.offset, parts, DiskPath::kDirect).ok() &&
         IsFast(offset - waiting.offset, std::chrono::steady_clock::now() - start);
}

// `time`: what it took to write these bytes. True as long as too few are written to tell.
bool BlockStore::IsFast(int64_t bytes, std::chrono::steady_clock::duration time) {
  measured_bytes_ += bytes;
  measured_time_ += time;
  if (measured_bytes_ < kMeasuredBytes) return true;
  const double seconds = std::chrono::duration<double>(measured_time_).count();
  const bool fast = static_cast<double>(measured_bytes_) > kFastDisk * seconds;
  measured_bytes_ = 0;
  measured_time_ = {};
  return fast;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> BlockStore::Read(const Place& place) const {
  std::shared_ptr<UnnamedFile> file;
  bool direct = false;
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return place.end <= written_ || !failure_.ok(); });
    if (place.end > written_) return failure_;
    direct = place.end <= direct_;
    file = files_[place.file].file;
  }
  ARROW_ASSIGN_OR_RAISE(std::unique_ptr<arrow::Buffer> block,
                        arrow::AllocateBuffer(place.length, RowMemory()));
  direct = direct && FitsDirect(place.offset, block->data(), place.length);
  ARROW_RETURN_NOT_OK(file->Read(place.offset, place.length, block->mutable_data(),
                                 direct ? DiskPath::kDirect : DiskPath::kCached));
  return block;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> BlockStore::Take(const Place& place) {
  ARROW_ASSIGN_OR_RAISE(auto block, Read(place));
  const std::lock_guard lock(mutex_);
  File& from = files_[place.file];
  from.taken += place.length;
  if (from.taken < from.end) return block;
  closing_.push_back(std::move(from.file));
  from = {};
  changed_.notify_all();
  return block;
}

BlockStore::Coming BlockStore::TakeAhead(const Place& place) {
  using Task = std::packaged_task<arrow::Result<std::shared_ptr<arrow::Buffer>>()>;
  const auto task = std::make_shared<Task>([this, place] { return Take(place); });
  readers_.Add([task] { (*task)(); });
  return task->get_future();
}

}  // namespace sheaf
