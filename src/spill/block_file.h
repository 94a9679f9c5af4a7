// Blocks of memory that wait on disk, as they are: neither encoded nor compressed.
//
// To compress rows costs more than to move them: LZ4 takes as long for a block as its rows take to be gathered.
// (Direct I/O was tried: it saves a copy, and waits longer for the disk than that takes.)
#pragma once

#include <arrow/buffer.h>
#include <arrow/result.h>

#include <condition_variable>
#include <cstdint>
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
  using Blocks = std::vector<std::shared_ptr<arrow::Buffer>>;

  /// Errors, of all methods: kEngine, a full disk among them, of this call or of a write before.
  static arrow::Result<std::unique_ptr<BlockFile>> Create(const std::filesystem::path& directory);
  ~BlockFile();  ///< Does not wait for blocks that are not written yet.
  BlockFile(const BlockFile&) = delete;
  BlockFile& operator=(const BlockFile&) = delete;

  /// Appends blocks, and returns where the first of them begins; the others follow. They are held until they are
  /// written. Waits while too many wait that came before.
  arrow::Result<int64_t> Write(Blocks blocks);

  /// What stands there, in memory from RowMemory(), once it is written.
  [[nodiscard]] arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t offset,
                                                                   int64_t length) const;

  /// The same for the last time: its place on disk is given back.
  [[nodiscard]] arrow::Result<std::shared_ptr<arrow::Buffer>> Take(int64_t offset,
                                                                   int64_t length) const;

 private:
  explicit BlockFile(std::unique_ptr<UnnamedFile> file) : file_(std::move(file)) {}

  void WriteAll();

  const std::unique_ptr<UnnamedFile> file_;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  Blocks waiting_;       // guarded by mutex_, as are the next four
  int64_t end_ = 0;      // bytes that were handed over
  int64_t written_ = 0;  // bytes
  arrow::Status failure_;
  bool closed_ = false;
  std::thread writer_;  // started by the first Write()
};

}  // namespace sheaf
