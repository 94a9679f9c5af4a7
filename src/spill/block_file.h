// Blocks of memory that wait on disk, as they are: neither encoded nor compressed.
//
// To compress rows costs more than to move them: LZ4 takes as long for a block as its rows take to be gathered.
// A fast disk gets them straight from memory, which takes a fifth off a run's processor time; before a slow one the
// system's cache is faster. So the file begins with the first and goes over to the second for good where the disk
// turns out to be slow.
#pragma once

#include <arrow/buffer.h>
#include <arrow/result.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "spill/unnamed_file.h"

namespace sheaf {

/// A thread of the file's own writes, and gives back what was taken. One thread at a time calls Write(), any the
/// others.
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

  /// The same for the last time: its place on disk is given back, some time later.
  [[nodiscard]] arrow::Result<std::shared_ptr<arrow::Buffer>> Take(int64_t offset, int64_t length);

 private:
  explicit BlockFile(std::unique_ptr<UnnamedFile> file)
      : file_(std::move(file)), is_direct_(file_->TakesDirect()) {}

  struct Place {
    int64_t offset;
    int64_t length;
  };

  void Work();
  void WriteAll(std::unique_lock<std::mutex>* lock);
  void DiscardOne(std::unique_lock<std::mutex>* lock);
  bool WriteDirect(int64_t begin, const Blocks& blocks);
  bool IsFast(int64_t bytes, std::chrono::steady_clock::duration time);

  const std::unique_ptr<UnnamedFile> file_;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  Blocks waiting_;       // guarded by mutex_, as are the next six
  int64_t end_ = 0;      // bytes that were handed over
  int64_t written_ = 0;  // bytes
  int64_t direct_ = 0;   // bytes, the first ones, that were written past the cache
  arrow::Status failure_;
  std::vector<Place> taken_;  // not given back yet
  bool closed_ = false;
  std::thread thread_;  // started by the first Write()

  // Of this thread alone.
  bool is_direct_;
  int64_t measured_bytes_ = 0;
  std::chrono::steady_clock::duration measured_time_{};
};

}  // namespace sheaf
