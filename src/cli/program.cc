#include "cli/program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>
#include <system_error>

#include "cli/command_line.h"
#include "cli/exit_code.h"
#include "cli/explain.h"
#include "cli/init.h"
#include "cli/interrupt.h"
#include "cli/open_files.h"
#include "cli/output.h"
#include "cli/run.h"
#include "job/environment.h"
#include "job/nearest.h"
#include "sheaf/job_file.h"

namespace sheaf {
namespace {

/// Writing to a closed pipe or past a size limit shall fail with an error, not end the program.
void IgnoreWriteSignals() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

/// Files that the program opens must not take the place of standard input, output or error where these are closed. What
/// is written there still fails.
void OccupyStandardFiles() {
  for (const int file : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(file, F_GETFD) < 0) static_cast<void>(open("/dev/null", O_RDONLY | O_CLOEXEC));
  }
}

/// Logs go to standard error, from the level that SHEAF_LOG names on.
arrow::Status SetUpLogging() {
  spdlog::set_default_logger(spdlog::stderr_color_mt("sheaf"));
  spdlog::set_pattern("sheaf: %l: %v");
  spdlog::set_level(spdlog::level::warn);
  const char* word = std::getenv("SHEAF_LOG");
  if (word == nullptr || *word == '\0') return arrow::Status::OK();
  const auto level = spdlog::level::from_str(word);
  if (level == spdlog::level::off && std::string(word) != "off") {
    return MakeError(ErrorKind::kJob,
                     fmt::format("SHEAF_LOG can't be \"{}\"{}", word,
                                 DidYouMean(word, {"trace", "debug", "info", "warning", "error",
                                                   "critical", "off"})));
  }
  spdlog::set_level(level);
  return arrow::Status::OK();
}

/// Paths in the environment are relative to where the caller is.
void KeepPathsOfEnvironment() {
  for (const char* name : {"SHEAF_DATAFUSION_DRIVER", "SHEAF_SPILL_DIR", "TMPDIR"}) {
    const char* path = std::getenv(name);
    if (path == nullptr || *path == '\0') continue;
    std::error_code error;
    const auto absolute = std::filesystem::absolute(path, error);
    if (!error) setenv(name, absolute.c_str(), /*replace=*/1);
  }
}

/// Relative paths inside SQL are relative to the job file.
arrow::Status EnterFolderOf(const JobFile& file) {
  KeepPathsOfEnvironment();
  std::error_code error;
  std::filesystem::current_path(file.directory, error);
  if (!error) return arrow::Status::OK();
  return MakeError(ErrorKind::kEngine, fmt::format("cannot enter the folder {}: {}",
                                                   file.directory.string(), error.message()));
}

/// The same error without what variables stood for: engines quote SQL in their messages.
arrow::Status WithoutSecrets(const arrow::Status& status, const JobFile& file) {
  if (status.ok()) return status;
  return status.WithMessage(Redact(status.message(), file.environment));
}

template <typename Options, typename Command>
arrow::Status WithJob(const Options& options, const std::string& path, const Command& command) {
  ARROW_ASSIGN_OR_RAISE(const JobFile file, LoadJobFile(path, OverridesOf(options)));
  ARROW_RETURN_NOT_OK(EnterFolderOf(file));
  return WithoutSecrets(command(file), file);
}

arrow::Status Dispatch(const CommandLine& line, Interrupt* interrupt) {
  switch (line.command) {
    case CommandLine::Command::kRun:
      return WithJob(line.run, line.run.job.path,
                     [&](const JobFile& file) { return Run(line.run, file, interrupt); });
    case CommandLine::Command::kExplain:
      return WithJob(line.explain, line.explain.path,
                     [&](const JobFile& file) { return ExplainJob(line.explain, file); });
    case CommandLine::Command::kInit:
      return WriteJobFile(line.init_path);
    case CommandLine::Command::kText:
      break;
  }
  return Print(line.text);
}

arrow::Status Main(int argc, const char* const* argv) {
  IgnoreWriteSignals();
  ARROW_RETURN_NOT_OK(SetUpLogging());
  ARROW_ASSIGN_OR_RAISE(const CommandLine line, ParseCommandLine(argc, argv));
  Interrupt interrupt;
  return Dispatch(line, &interrupt);
}

}  // namespace

int RunProgram(int argc, const char* const* argv) {
  OccupyStandardFiles();
  RaiseLimitOfOpenFiles();
  arrow::Status status;
  try {
    status = Main(argc, argv);
  } catch (const std::exception& error) {
    status = MakeError(ErrorKind::kEngine, error.what());
  }
  if (!status.ok()) Tell(ErrorLine(status.message()) + "\n");
  return ExitCodeOf(status);
}

}  // namespace sheaf
