// Keeps a run directory to one run.
#pragma once

#include <arrow/result.h>

#include <filesystem>
#include <memory>

namespace sheaf {

/// Holds a directory until it goes, or its process does, however that ends: no other run, of this process or another,
/// gets one of it meanwhile. Readers of the directory see nothing of it.
class DirectoryLock {
 public:
  /// OK too where the file system has no such locks. Errors: kEngine where `directory` is none, or where somebody else
  /// holds it.
  static arrow::Result<std::unique_ptr<DirectoryLock>> Take(const std::filesystem::path& directory);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  explicit DirectoryLock(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
};

}  // namespace sheaf
