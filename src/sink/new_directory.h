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
  /// Makes a folder that is absent, with its parents, or takes one that is empty.
  /// Errors: kEngine where it is neither.
  arrow::Status MakeOutputDirectory(const std::filesystem::path& path);
  /// Notes a file that is made next.
  void Add(std::filesystem::path path) { paths_.push_back(std::move(path)); }
  void Keep() { paths_.clear(); }

 private:
  std::vector<std::filesystem::path> paths_;
};

}  // namespace sheaf
