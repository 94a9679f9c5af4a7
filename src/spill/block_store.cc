#include "spill/block_store.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>

#include "spill/row_memory.h"

namespace sheaf {
namespace {

// Bytes that wait to be written: enough that the writer never waits for more.
constexpr int64_t kMaxWaiting = int64_t{4} << 20;

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

bool FitDirect(int64_t offset, std::span<const iovec> parts) {
  return std::ranges::all_of(parts, [&](const iovec& part) {
    const auto size = static_cast<int64_t>(part.iov_len);
    return FitsDirect(std::exchange(offset, offset + size), part.iov_base, size);
  });
}

int64_t BytesOf(const BlockStore::Blocks& blocks) {
  int64_t bytes = 0;
  for (const auto& block : blocks) bytes += block->size();
  return bytes;
}

}  // namespace

BlockStore::BlockStore(std::filesystem::path directory, DiskPathChoice choice)
    : directory_(std::move(directory)), choice_(choice), readers_(kReaders) {}

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
  const Place place{file, to.end, length, end_, choice_.Next(length)};
  AddWaiting(to, place.path, blocks);
  to.end += length;
  changed_.notify_all();
  return place;
}

// Blocks that follow each other in a file, the same way, are one write.
void BlockStore::AddWaiting(const File& to, DiskPath path, const Blocks& blocks) {
  const auto last = std::ranges::find(waiting_.rbegin(), waiting_.rend(), to.file, &Waiting::file);
  if (last == waiting_.rend() || last->path != path) {
    waiting_.push_back({to.file, to.end, path, blocks});
  } else {
    last->blocks.insert(last->blocks.end(), blocks.begin(), blocks.end());
  }
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
    if (status.ok()) status = WriteTo(waiting);
  }
  all = {};
  lock->lock();
  if (status.ok()) {
    written_ = end;
  } else {
    failure_ = std::move(status);
  }
  changed_.notify_all();
}

// What fails straight to the disk, or does not suit it as it is, is written through the cache: why it fails is told by
// that.
arrow::Status BlockStore::WriteTo(const Waiting& waiting) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<iovec> parts = PartsOf(waiting.blocks);
  if (waiting.path == DiskPath::kCached ||
      (waiting.file->TakesDirect() && FitDirect(waiting.offset, parts))) {
    const arrow::Status status = waiting.file->Write(waiting.offset, parts, waiting.path);
    if (status.ok()) {
      const auto time = std::chrono::steady_clock::now() - start;
      const std::lock_guard lock(mutex_);
      choice_.Measured(waiting.path, BytesOf(waiting.blocks), time);
    }
    if (status.ok() || waiting.path == DiskPath::kCached) return status;
  }
  {
    const std::lock_guard lock(mutex_);
    choice_.RuleOutDirect();
  }
  parts = PartsOf(waiting.blocks);
  return waiting.file->Write(waiting.offset, parts);
}

arrow::Result<std::shared_ptr<arrow::Buffer>> BlockStore::Read(const Place& place) const {
  std::shared_ptr<UnnamedFile> file;
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return place.end <= written_ || !failure_.ok(); });
    if (place.end > written_) return failure_;
    file = files_[place.file].file;
  }
  ARROW_ASSIGN_OR_RAISE(std::unique_ptr<arrow::Buffer> block,
                        arrow::AllocateBuffer(place.length, RowMemory()));
  const bool direct = place.path == DiskPath::kDirect && file->TakesDirect() &&
                      FitsDirect(place.offset, block->data(), place.length);
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
  return readers_.Ask([this, place] { return Take(place); });
}

}  // namespace sheaf
