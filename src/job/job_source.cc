#include "job/job_source.h"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "sheaf/error.h"

namespace sheaf {
namespace {

arrow::Status CannotRead(const std::filesystem::path& path, int error) {
  return MakeError(ErrorKind::kEngine, fmt::format("cannot read the job file {}: {}", path.string(),
                                                   std::generic_category().message(error)));
}

arrow::Result<std::string> ReadText(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return CannotRead(path, EISDIR);
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return CannotRead(path, errno);
  std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (stream.bad()) return CannotRead(path, EIO);
  return text;
}

}  // namespace

arrow::Result<JobSource> JobSource::Load(const std::filesystem::path& path) {
  ARROW_ASSIGN_OR_RAISE(const std::string text, ReadText(path));
  const std::string file = path.string();
  try {
    return JobSource(file, toml::parse(text, file));
  } catch (const toml::parse_error& error) {
    return MakeError(ErrorKind::kJob, fmt::format("{}:{}: {}", file, error.source().begin.line,
                                                  error.description()));
  }
}

arrow::Status JobSource::Error(const toml::source_region& where, const std::string& message) const {
  if (!where.path) return MakeError(ErrorKind::kJob, fmt::format("{}: {}", file_, message));
  if (*where.path != file_) {
    return MakeError(ErrorKind::kJob, fmt::format("{}: {}", *where.path, message));
  }
  return MakeError(ErrorKind::kJob, fmt::format("{}:{}: {}", file_, where.begin.line, message));
}

arrow::Result<std::string> JobSource::Expand(const toml::value<std::string>& text) {
  arrow::Result<std::string> expanded = ExpandVariables(*text, &environment_);
  if (!expanded.ok()) return Error(text.source(), expanded.status().message());
  return expanded;
}

}  // namespace sheaf
