// Rows that wait on disk until their batch is due.
//
// A spill file is an unnamed file: it has no directory entry from the moment it is opened, so that it is
// gone on every way out, a crash among them. In it stand blocks, one after another, each an Arrow IPC
// message of one record batch with LZ4 buffers. Where a block stands is known to its writer alone.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

namespace sheaf {

/// One writer at a time; reads may come from any thread once their block is written.
class SpillFile {
 public:
  /// Where a block stands, in bytes.
  struct Block {
    int64_t offset = 0;
    int64_t length = 0;
  };

  /// Errors: kEngine where `directory` takes no file.
  static arrow::Result<std::unique_ptr<SpillFile>> Create(const std::filesystem::path& directory,
                                                          std::shared_ptr<arrow::Schema> schema);
  ~SpillFile();
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;

  /// Appends a batch of the file's schema. Errors: kEngine, a full disk among them.
  arrow::Result<Block> Write(const arrow::RecordBatch& batch);

  /// Reads a block back: all of it, or the columns of these numbers alone, ascending.
  [[nodiscard]] arrow::Result<std::shared_ptr<arrow::RecordBatch>> Read(
      const Block& block, const std::vector<int>& columns = {}) const;

 private:
  SpillFile(int descriptor, std::filesystem::path directory, std::shared_ptr<arrow::Schema> schema);

  const int descriptor_;
  const std::filesystem::path directory_;
  const std::shared_ptr<arrow::Schema> schema_;
  int64_t end_ = 0;
};

/// Where spill files go: $SHEAF_SPILL_DIR, else the system's directory for temporary files.
std::filesystem::path SpillDirectory();

}  // namespace sheaf
