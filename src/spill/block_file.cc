#include "spill/block_file.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "spill/row_memory.h"

namespace sheaf {
namespace {

// Bytes that wait to be written: enough that the writer never waits for more.
constexpr int64_t kMaxWaiting = int64_t{4} << 20;

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
  if (writer_.joinable()) writer_.join();
}

arrow::Result<int64_t> BlockFile::Write(Blocks blocks) {
  std::unique_lock lock(mutex_);
  if (!writer_.joinable()) writer_ = std::thread([this] { WriteAll(); });
  changed_.wait(lock, [this] { return end_ - written_ < kMaxWaiting || !failure_.ok(); });
  ARROW_RETURN_NOT_OK(failure_);
  const int64_t begin = end_;
  end_ += BytesOf(blocks);
  std::ranges::move(blocks, std::back_inserter(waiting_));
  changed_.notify_all();
  return begin;
}

// Writes what waits until the file is closed or a write fails.
void BlockFile::WriteAll() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
    if (closed_) return;
    Blocks blocks = std::exchange(waiting_, {});
    const int64_t begin = written_;
    lock.unlock();
    std::vector<iovec> parts = PartsOf(blocks);
    const int64_t bytes = BytesOf(blocks);
    const arrow::Status status = file_->Write(begin, parts);
    blocks.clear();
    lock.lock();
    if (status.ok()) {
      written_ = begin + bytes;
    } else {
      failure_ = status;
    }
    changed_.notify_all();
    if (!status.ok()) return;
  }
}

arrow::Result<std::shared_ptr<arrow::Buffer>> BlockFile::Read(int64_t offset,
                                                              int64_t length) const {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return offset + length <= written_ || !failure_.ok(); });
    if (offset + length > written_) return failure_;
  }
  ARROW_ASSIGN_OR_RAISE(std::unique_ptr<arrow::Buffer> block,
                        arrow::AllocateBuffer(length, RowMemory()));
  ARROW_RETURN_NOT_OK(file_->Read(offset, length, block->mutable_data()));
  return block;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> BlockFile::Take(int64_t offset,
                                                              int64_t length) const {
  ARROW_ASSIGN_OR_RAISE(auto block, Read(offset, length));
  file_->Discard(offset, length);
  return block;
}

}  // namespace sheaf
