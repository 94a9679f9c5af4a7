// What was asked for on the command line.
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sheaf {

/// What `run` and `explain` share: a job and what the command line changes in it.
struct JobOptions {
  std::string path;
  std::optional<int32_t> max_keys;
  std::string strategy;
  std::string memory;
  std::vector<std::string> set;
  bool json = false;
};

struct RunOptions {
  JobOptions job;
  std::string out;
  std::string format;
  std::optional<int64_t> stop_after;
  std::string from;
  bool progress = true;
};

struct CommandLine {
  enum class Command { kRun, kExplain, kInit, kText };

  Command command = Command::kText;
  RunOptions run;
  JobOptions explain;
  std::string init_path;
  std::string text;  ///< What kText prints: the help or the version.
};

/// Errors: kJob, for bad usage.
arrow::Result<CommandLine> ParseCommandLine(int argc, const char* const* argv);

/// The overrides for LoadJobFile that the options stand for; --out is taken relative to the current
/// directory. Throws std::filesystem::filesystem_error where there is none.
std::vector<std::string> OverridesOf(const JobOptions& options);
std::vector<std::string> OverridesOf(const RunOptions& options);

}  // namespace sheaf
