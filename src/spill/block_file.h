// Blocks of memory that wait on disk, as they are: neither encoded nor compressed, and past the page cache.
//
// To compress rows costs more than to move them: LZ4 takes as long for a block as its rows take to be gathered,
// and saves a third of it. The page cache would hold, and copy, once more what was to leave memory.
#pragma once

#include <arrow/buffer.h>
#include <arrow/result.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "spill/unnamed_file.h"

namespace sheaf {

/// A thread of the file's own writes. One thread at a time calls Write(), any Read().
class BlockFile {
 public:
  /// What blocks and their lengths are aligned to.
  static constexpr int64_t kAlignment = UnnamedFile::kDirectUnit;

  using Blocks = std::vector<std::shared_ptr<arrow::Buffer>>;

  /// Errors, of all methods: kEngine, a full disk among them, of this call or of a write before.
  static arrow::Result<std::unique_ptr<BlockFile>> Create(const std::filesystem::path& directory);
  ~BlockFile();  ///< Does not wait for blocks that are not written yet.
  BlockFile(const BlockFile&) = delete;
  BlockFile& operator=(const BlockFile&) = delete;

  /// Appends blocks, and returns where the first of them begins; the others follow. They are held until they are
  /// written. Waits while others are that came before.
  arrow::Result<int64_t> Write(Blocks blocks);

  /// What stands there, in memory from RowMemory(), once it is written. Both are multiples of kAlignment.
  [[nodiscard]] arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t offset,
                                                                   int64_t length) const;

 private:
  explicit BlockFile(std::unique_ptr<UnnamedFile> file) : file_(std::move(file)) {}

  void WriteAll();

  const std::unique_ptr<UnnamedFile> file_;
  int64_t end_ = 0;  // of what was handed over; used by the caller of Write() alone

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::deque<Blocks> waiting_;  // guarded by mutex_, as are the next three
  int64_t written_ = 0;         // bytes
  arrow::Status failure_;
  bool closed_ = false;
  std::thread writer_;  // started by the first Write()
};

}  // namespace sheaf
