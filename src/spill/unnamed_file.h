// A file that has no directory entry from the moment it is opened, so that it is gone on every way out, a crash
// among them.
#pragma once

#include <arrow/result.h>
#include <sys/uio.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <utility>

namespace sheaf {

/// Any thread may call any method.
class UnnamedFile {
 public:
  /// Errors, of all methods: kEngine, naming `directory` and what to do.
  static arrow::Result<std::unique_ptr<UnnamedFile>> Create(std::filesystem::path directory);
  ~UnnamedFile();
  UnnamedFile(const UnnamedFile&) = delete;
  UnnamedFile& operator=(const UnnamedFile&) = delete;

  /// Writes the parts one after another from `offset` on, all of them; they are used up.
  arrow::Status Write(int64_t offset, std::span<iovec> parts);

  /// Reads `length` bytes, which were written.
  arrow::Status Read(int64_t offset, int64_t length, uint8_t* out) const;

  /// Gives back the disk, and what waits to be written there, of bytes that nobody reads again.
  void Discard(int64_t offset, int64_t length) const;

 private:
  UnnamedFile(int descriptor, std::filesystem::path directory)
      : descriptor_(descriptor), directory_(std::move(directory)) {}

  [[nodiscard]] arrow::Status Error(const char* what, int code) const;

  const int descriptor_;
  const std::filesystem::path directory_;
};

/// Where such files go: $SHEAF_SPILL_DIR, else the system's directory for temporary files.
std::filesystem::path SpillDirectory();

}  // namespace sheaf
