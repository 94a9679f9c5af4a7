#include "job/file_text.h"

#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>

namespace sheaf {
namespace {

arrow::Status CannotRead(int error) {
  return arrow::Status::IOError(std::generic_category().message(error));
}

}  // namespace

arrow::Result<std::string> ReadFileText(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return CannotRead(EISDIR);
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return CannotRead(errno);
  std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (stream.bad()) return CannotRead(EIO);
  return text;
}

}  // namespace sheaf
