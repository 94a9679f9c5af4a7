#include "job/job_source.h"

#include <fmt/format.h>

#include "job/file_text.h"
#include "sheaf/error.h"

namespace sheaf {

arrow::Result<JobSource> JobSource::Load(const std::filesystem::path& path) {
  const arrow::Result<std::string> text = ReadFileText(path);
  if (!text.ok()) {
    return MakeError(ErrorKind::kEngine, fmt::format("cannot read the job file {}: {}",
                                                     path.string(), text.status().message()));
  }
  const std::string file = path.string();
  try {
    return JobSource(file, toml::parse(*text, file));
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
