#include "cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <limits>
#include <sstream>

#include "job/environment.h"
#include "job/nearest.h"
#include "sheaf/error.h"
#include "sheaf/version.h"

namespace sheaf {
namespace {

constexpr const char* kExamples = R"(Examples:
  sheaf init                                 write a commented job.toml that runs as it is
  sheaf explain job.toml                     what would run, how often and why; reads no row
  sheaf run job.toml                         run it and print the counts
  sheaf run job.toml --out out               store the batches as Parquet files
  sheaf run job.toml --format jsonl --out - | jq .key    a document a key
  sheaf run job.toml --set batch.max_keys=1000 --set "table.A.query=SELECT 1 AS id"

Exit codes: 0 done; 1 the engine, the files or the machine refuse; 2 bad usage or a job
that is wrong; 3 the data broke a policy; 130 interrupted.)";

// An empty value is most often a variable of the shell that is not set.
CLI::Validator NotEmpty() {
  return {[](const std::string& text) { return std::string(text.empty() ? "it is empty" : ""); },
          ""};
}

void AddJobOptions(CLI::App* command, JobOptions* options) {
  command->add_option("JOB", options->path, "The job file, in TOML")->required();
  command->add_option("--max-keys", options->max_keys, "Distinct keys a batch (batch.max_keys)")
      ->check(CLI::Range(1, std::numeric_limits<int32_t>::max()).description(""))
      ->type_name("N");
  command
      ->add_option("--strategy", options->strategy,
                   "auto, merge, partition or probe (batch.strategy)")
      ->check(NotEmpty())
      ->type_name("S");
  command->add_option("--memory", options->memory, "Memory budget, such as 512MiB (batch.memory)")
      ->check(NotEmpty())
      ->type_name("SIZE");
  command->add_option("--set", options->set, "Changes a field of the job; may be repeated")
      ->type_name("PATH=VALUE")
      ->take_all()
      ->allow_extra_args(false);
  command->add_flag("--json", options->json, "Prints JSON instead of text");
}

void AddRun(CLI::App* app, RunOptions* options) {
  CLI::App* run = app->add_subcommand("run", "Runs a job: a line a batch, then a last line");
  AddJobOptions(run, &options->job);
  run->add_option("--out", options->out,
                  "Stores the batches in this new or empty folder; \"-\" is standard output")
      ->check(NotEmpty())
      ->type_name("DIR");
  run->add_option("--format", options->format, "parquet, arrow, jsonl or nested (output.format)")
      ->check(NotEmpty())
      ->type_name("F");
  run->add_option("--stop-after", options->stop_after, "Stops after this many batches")
      ->check(CLI::Range(int64_t{1}, std::numeric_limits<int64_t>::max()).description(""))
      ->type_name("BATCHES");
  run->add_option("--from", options->from,
                  "Starts with the first key from KEY on; of several columns a JSON list (probe)")
      ->check(NotEmpty())
      ->type_name("KEY");
  run->add_option_function<std::string>(
         "--progress", [options](const std::string& word) { options->progress = word == "auto"; },
         "auto: a progress bar where standard error is a terminal; never")
      ->check(CLI::IsMember({"auto", "never"}).description(""))
      ->type_name("WHEN");
}

void AddCommands(CLI::App* app, CommandLine* line) {
  app->set_version_flag("--version", std::string("sheaf ") + kVersion);
  app->footer(kExamples);
  app->require_subcommand(1)->get_formatter()->label("SUBCOMMAND", "COMMAND");
  AddRun(app, &line->run);
  AddJobOptions(app->add_subcommand("explain", "Tells what would run, why, and what is guaranteed"),
                &line->explain);
  line->init_path = "job.toml";
  app->add_subcommand("init", "Writes a commented job file")
      ->add_option("FILE", line->init_path, "Where to; \"-\" is standard output")
      ->capture_default_str()
      ->type_name("");
}

CommandLine::Command CommandOf(const CLI::App& app) {
  if (app.got_subcommand("run")) return CommandLine::Command::kRun;
  if (app.got_subcommand("explain")) return CommandLine::Command::kExplain;
  return CommandLine::Command::kInit;
}

}  // namespace

arrow::Result<CommandLine> ParseCommandLine(int argc, const char* const* argv) {
  CommandLine line;
  CLI::App app("Streams co-grouped batches out of SQL engines.", "sheaf");
  try {
    AddCommands(&app, &line);
    app.parse(argc, argv);
    line.command = CommandOf(app);
    return line;
  } catch (const CLI::Success& help_or_version) {
    std::ostringstream out;
    app.exit(help_or_version, out, out);
    line.text = out.str();
    return line;
  } catch (const CLI::Error& error) {
    if (app.get_subcommands().empty() && argc > 1 && argv[1][0] != '-') {
      return MakeError(ErrorKind::kJob,
                       fmt::format("unknown command \"{}\"{}", argv[1],
                                   DidYouMean(argv[1], {"run", "explain", "init"})));
    }
    return MakeError(ErrorKind::kJob, fmt::format("{}; see sheaf --help", error.what()));
  }
}

std::vector<std::string> OverridesOf(const JobOptions& options) {
  std::vector<std::string> overrides = options.set;
  if (options.max_keys) overrides.push_back(fmt::format("batch.max_keys={}", *options.max_keys));
  if (!options.strategy.empty()) overrides.push_back("batch.strategy=" + options.strategy);
  if (!options.memory.empty()) overrides.push_back("batch.memory=" + options.memory);
  return overrides;
}

std::vector<std::string> OverridesOf(const RunOptions& options) {
  std::vector<std::string> overrides = OverridesOf(options.job);
  if (!options.format.empty()) overrides.push_back("output.format=" + options.format);
  if (!options.out.empty()) {
    const std::string out =
        options.out == "-" ? options.out : std::filesystem::absolute(options.out).string();
    overrides.push_back("output.dir=" + EscapeVariables(out));
  }
  return overrides;
}

}  // namespace sheaf
