#include "spill/block_file.h"

#include <algorithm>
#include <iterator>
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

bool FitsDirect(const void* address, int64_t size) {
  constexpr auto kUnit = static_cast<uint64_t>(UnnamedFile::kDirectUnit);
  return (reinterpret_cast<uintptr_t>(address) | static_cast<uint64_t>(size)) % kUnit == 0;
}

std::vector<iovec> PartsOf(const BlockFile::Blocks& blocks) {
  std::vector<iovec> parts;
  parts.reserve(blocks.size());
  for (const auto& block : blocks) {
    parts.push_back({const_cast<uint8_t*>(block->data()), static_cast<size_t>(block->size())});
  }
  return parts;
}

int64_t BytesOf(const BlockFile::Blocks& blocks) {
  int64_t bytes = 0;
  for (const auto& block : blocks) bytes += block->size();
  return bytes;
}

}  // namespace

arrow::Result<std::unique_ptr<BlockFile>> BlockFile::Create(
    const std::filesystem::path& directory) {
  ARROW_ASSIGN_OR_RAISE(auto file, UnnamedFile::Create(directory));
  return std::unique_ptr<BlockFile>(new BlockFile(std::move(file)));
}

BlockFile::~BlockFile() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

arrow::Result<int64_t> BlockFile::Write(Blocks blocks) {
  std::unique_lock lock(mutex_);
  if (!thread_.joinable()) thread_ = std::thread([this] { Work(); });
  changed_.wait(lock, [this] { return end_ - written_ < kMaxWaiting || !failure_.ok(); });
  ARROW_RETURN_NOT_OK(failure_);
  const int64_t begin = end_;
  end_ += BytesOf(blocks);
  std::ranges::move(blocks, std::back_inserter(waiting_));
  changed_.notify_all();
  return begin;
}

// Until the file is closed or a write fails.
void BlockFile::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return closed_ || !waiting_.empty() || !taken_.empty(); });
    if (closed_) return;
    if (!waiting_.empty()) {
      WriteAll(&lock);
      if (!failure_.ok()) return;
    } else {
      DiscardOne(&lock);
    }
  }
}

// Writes what waits.
void BlockFile::WriteAll(std::unique_lock<std::mutex>* lock) {
  Blocks blocks = std::exchange(waiting_, {});
  const int64_t begin = written_;
  lock->unlock();
  const int64_t end = begin + BytesOf(blocks);
  const bool direct = WriteDirect(begin, blocks);
  arrow::Status status;
  if (!direct) {
    std::vector<iovec> parts = PartsOf(blocks);
    status = file_->Write(begin, parts);
  }
  blocks.clear();
  lock->lock();
  failure_ = status;
  if (status.ok()) written_ = end;
  if (direct) direct_ = end;
  changed_.notify_all();
}

// Past the cache, if that can be; false if it was not. What fails is written again: why it does is told by that.
bool BlockFile::WriteDirect(int64_t begin, const Blocks& blocks) {
  if (!is_direct_) return false;
  const bool fit = std::ranges::all_of(
      blocks, [](const auto& block) { return FitsDirect(block->data(), block->size()); });
  std::vector<iovec> parts = PartsOf(blocks);
  const auto start = std::chrono::steady_clock::now();
  is_direct_ = fit && file_->Write(begin, parts, DiskPath::kDirect).ok();
  if (!is_direct_) return false;
  is_direct_ = IsFast(BytesOf(blocks), std::chrono::steady_clock::now() - start);
  return true;
}

// `time`: what it took to write these bytes. True as long as too few are written to tell.
bool BlockFile::IsFast(int64_t bytes, std::chrono::steady_clock::duration time) {
  measured_bytes_ += bytes;
  measured_time_ += time;
  if (measured_bytes_ < kMeasuredBytes) return true;
  const double seconds = std::chrono::duration<double>(measured_time_).count();
  const bool fast = static_cast<double>(measured_bytes_) > kFastDisk * seconds;
  measured_bytes_ = 0;
  measured_time_ = {};
  return fast;
}

// Gives back some of what was taken. A file system may wait for its disk meanwhile, so whoever reads does not do it.
void BlockFile::DiscardOne(std::unique_lock<std::mutex>* lock) {
  const Place place = taken_.back();
  taken_.pop_back();
  lock->unlock();
  file_->Discard(place.offset, place.length);
  lock->lock();
}

arrow::Result<std::shared_ptr<arrow::Buffer>> BlockFile::Read(int64_t offset,
                                                              int64_t length) const {
  bool direct = false;
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return offset + length <= written_ || !failure_.ok(); });
    if (offset + length > written_) return failure_;
    direct = offset + length <= direct_;
  }
  ARROW_ASSIGN_OR_RAISE(std::unique_ptr<arrow::Buffer> block,
                        arrow::AllocateBuffer(length, RowMemory()));
  direct = direct && offset % UnnamedFile::kDirectUnit == 0 && FitsDirect(block->data(), length);
  ARROW_RETURN_NOT_OK(file_->Read(offset, length, block->mutable_data(),
                                  direct ? DiskPath::kDirect : DiskPath::kCached));
  return block;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> BlockFile::Take(int64_t offset, int64_t length) {
  ARROW_ASSIGN_OR_RAISE(auto block, Read(offset, length));
  const std::lock_guard lock(mutex_);
  // What stands on the disk and nowhere else has cost all it will; to give it back would hold up whoever reads.
  if (offset + length <= direct_) return block;
  taken_.push_back({offset, length});
  changed_.notify_all();
  return block;
}

}  // namespace sheaf
