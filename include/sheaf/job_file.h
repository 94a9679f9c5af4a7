// Reads a job from a TOML file; docs/job.md describes every field.
#pragma once

#include <arrow/result.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sheaf/engine_options.h"
#include "sheaf/job.h"
#include "sheaf/output_options.h"

namespace sheaf {

/// All that a job file says. Relative paths inside SQL are relative to `directory`, which is up to
/// the caller: the command line changes into it. output->dir is made absolute here, unless it is "-".
struct JobFile {
  std::filesystem::path path;
  std::filesystem::path directory;  ///< Absolute: the folder of the job file.
  EngineOptions engine;
  Job job;
  std::optional<OutputOptions> output;
  /// What each `${VAR}` stood for. The values may be secrets: show them to nobody.
  std::map<std::string, std::string> environment;
};

/// Reads and checks a job file. `overrides` are `path=value` texts that are applied before the
/// check, such as `batch.max_keys=1000` or `table.A.query=SELECT 1 AS id`; a value is read as TOML
/// where it can be, else as text. `${VAR}` in any text is replaced from the environment. Errors:
/// kEngine where the file can't be read; kJob otherwise, as `file:line: message`, naming the field
/// and the nearest valid word. Values that came from the environment are never quoted.
arrow::Result<JobFile> LoadJobFile(const std::filesystem::path& path,
                                   const std::vector<std::string>& overrides = {});

}  // namespace sheaf
