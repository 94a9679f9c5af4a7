#include "sink/new_directory.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <ranges>
#include <system_error>

#include "sheaf/error.h"
#include "sink/durable_file.h"
#include "sink/file_error.h"

namespace sheaf {

NewPaths::~NewPaths() {
  std::error_code ignored;  // an error is already on its way to the caller
  for (const auto& path : std::views::reverse(paths_)) std::filesystem::remove(path, ignored);
}

arrow::Status NewPaths::MakeDirectory(const std::filesystem::path& path) {
  return mkdir(path.c_str(), 0777) == 0 ? Made(path) : FileError("create", path, errno);
}

arrow::Status NewPaths::Made(const std::filesystem::path& path) {
  Add(path);
  return SyncDirectory(path.parent_path());
}

arrow::Status NewPaths::MakeDirectories(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::exists(path, error)) return arrow::Status::OK();
  const std::filesystem::path parent = path.parent_path();
  if (!parent.empty()) ARROW_RETURN_NOT_OK(MakeDirectories(parent));
  if (mkdir(path.c_str(), 0777) == 0) return Made(path);
  const int reason = errno;
  // Two runs may make it at the same time.
  if (std::filesystem::is_directory(path, error)) return arrow::Status::OK();
  return FileError("create", path, reason);
}

arrow::Status CheckEmpty(const std::filesystem::path& directory) {
  std::error_code error;
  const bool is_empty = std::filesystem::is_empty(directory, error);
  if (error) return FileError("use", directory, error.message());
  if (is_empty) return arrow::Status::OK();
  return MakeError(ErrorKind::kEngine,
                   fmt::format("output directory \"{}\" is not empty; choose another or remove it",
                               directory.string()));
}

}  // namespace sheaf
