// A file that has no directory entry from the moment it is opened, so that it is gone on every way out, a crash
// among them.
#pragma once

#include <arrow/result.h>
#include <sys/uio.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <utility>

namespace sheaf {

/// Whether bytes go through the system's cache, or from memory to the disk and back: that saves a copy and the cache's
/// memory, and waits for the disk. What was written one way is read fast the same way alone.
enum class DiskPath { kCached, kDirect };

/// Any thread may call any method.
class UnnamedFile {
 public:
  /// kDirect takes only multiples of it: offsets, lengths and addresses.
  static constexpr int64_t kDirectUnit = 4096;

  /// Errors, of all methods: kEngine, naming `directory` and what to do.
  static arrow::Result<std::unique_ptr<UnnamedFile>> Create(std::filesystem::path directory);
  ~UnnamedFile();
  UnnamedFile(const UnnamedFile&) = delete;
  UnnamedFile& operator=(const UnnamedFile&) = delete;

  /// False where the file system has no kDirect.
  [[nodiscard]] bool TakesDirect() const { return direct_ >= 0; }

  /// Writes the parts one after another from `offset` on, all of them; they are used up.
  arrow::Status Write(int64_t offset, std::span<iovec> parts, DiskPath path = DiskPath::kCached);

  /// Reads `length` bytes, which were written.
  arrow::Status Read(int64_t offset, int64_t length, uint8_t* out,
                     DiskPath path = DiskPath::kCached) const;

 private:
  UnnamedFile(int cached, int direct, std::filesystem::path directory)
      : cached_(cached), direct_(direct), directory_(std::move(directory)) {}

  [[nodiscard]] int DescriptorOf(DiskPath path) const {
    return path == DiskPath::kDirect ? direct_ : cached_;
  }
  [[nodiscard]] arrow::Status Error(const char* what, int code) const;

  const int cached_;
  const int direct_;
  const std::filesystem::path directory_;
};

/// $SHEAF_SPILL_DIR, where it is set: for such files, and for those of the embedded engine.
std::optional<std::filesystem::path> ChosenSpillDirectory();

/// Where such files go: the directory chosen, else the system's for temporary files.
std::filesystem::path SpillDirectory();

}  // namespace sheaf
