#include "cli/output.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "sheaf/error.h"

namespace sheaf {

arrow::Status Print(std::string_view text) {
  errno = 0;
  const size_t written = std::fwrite(text.data(), 1, text.size(), stdout);
  if (written == text.size() && std::fflush(stdout) == 0) return arrow::Status::OK();
  return MakeError(ErrorKind::kEngine, fmt::format("cannot write to standard output: {}",
                                                   std::generic_category().message(errno)));
}

}  // namespace sheaf
