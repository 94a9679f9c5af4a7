// Makes the folders of a run directory, or none of them.
#pragma once

#include <arrow/status.h>

#include <filesystem>
#include <vector>

namespace sheaf {

/// Folders and files that were made on the way to something; they go away with this object unless
/// it is told to keep them, so that a failed start can simply be tried again.
class NewPaths {
 public:
  NewPaths() = default;
  ~NewPaths();
  NewPaths(const NewPaths&) = delete;
  NewPaths& operator=(const NewPaths&) = delete;

  /// Makes a folder, durably. Errors: kEngine, also where it exists.
  arrow::Status MakeDirectory(const std::filesystem::path& path);
  /// Makes a folder, durably, and its parents, as far as they are absent. Errors: kEngine.
  arrow::Status MakeDirectories(const std::filesystem::path& path);
  /// Notes a file that was made. Never one that is still to be made: it may be somebody else's.
  void Add(std::filesystem::path path) { paths_.push_back(std::move(path)); }
  void Keep() { paths_.clear(); }

 private:
  arrow::Status Made(const std::filesystem::path& path);

  std::vector<std::filesystem::path> paths_;
};

/// Errors: kEngine where a folder is not empty, or not to be read.
arrow::Status CheckEmpty(const std::filesystem::path& directory);

}  // namespace sheaf
