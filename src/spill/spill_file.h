// Rows that wait on disk until their batch is due.
//
// In a spill file stand blocks, one after another, each an Arrow IPC message of one record batch with LZ4 buffers.
// A thread of the file's own compresses and writes them, for that takes as long as it does to gather their rows.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "spill/unnamed_file.h"

namespace sheaf {

/// One writer at a time; reads may come from any thread.
class SpillFile {
 public:
  /// The number of a block.
  using Block = size_t;

  /// Errors: kEngine where `directory` takes no file.
  static arrow::Result<std::unique_ptr<SpillFile>> Create(const std::filesystem::path& directory,
                                                          std::shared_ptr<arrow::Schema> schema);
  ~SpillFile();  ///< Does not wait for blocks that are not written yet.
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;

  /// Appends a batch of the file's schema, which is held until it is written; waits while several are.
  /// Errors: kEngine, a full disk among them, of this batch or of one before.
  arrow::Result<Block> Write(std::shared_ptr<arrow::RecordBatch> batch);

  /// Reads a block back, once it is written: all of it, or the columns of these numbers alone, ascending.
  /// Errors: as Write().
  [[nodiscard]] arrow::Result<std::shared_ptr<arrow::RecordBatch>> Read(
      Block block, const std::vector<int>& columns = {}) const;

 private:
  // Where a block stands, in bytes.
  struct Place {
    int64_t offset = 0;
    int64_t length = 0;
  };

  SpillFile(std::unique_ptr<UnnamedFile> file, std::shared_ptr<arrow::Schema> schema);

  void WriteAll();
  arrow::Result<Place> WriteNow(const arrow::RecordBatch& batch);
  arrow::Result<Place> PlaceOf(Block block) const;

  const std::unique_ptr<UnnamedFile> file_;
  const std::shared_ptr<arrow::Schema> schema_;
  int64_t end_ = 0;  // used by the writing thread alone

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::deque<std::shared_ptr<arrow::RecordBatch>>
      waiting_;  // guarded by mutex_, as are the next five
  // Let go by the caller of Write(), who has other parts of them: memory stays with its thread.
  std::vector<std::shared_ptr<arrow::RecordBatch>> written_;
  std::vector<Place> places_;  // of the blocks that are written
  Block next_ = 0;
  arrow::Status failure_;
  bool closed_ = false;
  std::thread writer_;  // started by the first Write()
};

}  // namespace sheaf
