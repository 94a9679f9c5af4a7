#include "sink/file_error.h"

#include <fmt/format.h>

#include <system_error>

#include "sheaf/error.h"

namespace sheaf {

arrow::Status FileError(std::string_view verb, const std::filesystem::path& path,
                        std::string_view reason) {
  return MakeError(ErrorKind::kEngine,
                   fmt::format("cannot {} \"{}\": {}", verb, path.string(), reason));
}

arrow::Status FileError(std::string_view verb, const std::filesystem::path& path,
                        int error_number) {
  return FileError(verb, path, std::generic_category().message(error_number));
}

}  // namespace sheaf
