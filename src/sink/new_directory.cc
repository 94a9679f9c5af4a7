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
  if (mkdir(path.c_str(), 0777) != 0) return FileError("create", path, errno);
  Add(path);
  return SyncDirectory(path.parent_path());
}

arrow::Status NewPaths::MakeOutputDirectory(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    const std::filesystem::path parent = path.parent_path();
    if (!parent.empty() && !std::filesystem::exists(parent, error)) {
      ARROW_RETURN_NOT_OK(MakeOutputDirectory(parent));
    }
    return MakeDirectory(path);
  }
  const bool is_empty = std::filesystem::is_empty(path, error);
  if (error || !std::filesystem::is_directory(path, error)) {
    return FileError("use", path, error ? error.message() : "it is not a directory");
  }
  if (is_empty) return arrow::Status::OK();
  return MakeError(ErrorKind::kEngine,
                   fmt::format("output directory \"{}\" is not empty; choose another or remove it",
                               path.string()));
}

}  // namespace sheaf
