#include "cli/run.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/output.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "job/words.h"
#include "sheaf/batch_reader.h"
#include "sheaf/engine.h"
#include "sheaf/error.h"
#include "sheaf/sink.h"

namespace sheaf {
namespace {

/// Hands every batch to the sink, then to the report. True where the job's end was reached.
arrow::Result<bool> ReadBatches(const RunOptions& options, BatchReader* reader, Sink* sink,
                                RunTotals* totals) {
  Progress progress(reader, options.progress);
  while (!options.stop_after || totals->batches < *options.stop_after) {
    ARROW_ASSIGN_OR_RAISE(const std::optional<Batch> batch, reader->Next());
    if (!batch) return true;
    if (sink != nullptr) ARROW_RETURN_NOT_OK(sink->Write(*batch));
    totals->Add(*batch);
    ARROW_RETURN_NOT_OK(progress.Aside(
        [&] { return Print((options.job.json ? BatchJson(*batch) : BatchText(*batch)) + "\n"); }));
  }
  return false;
}

/// The columns of --from: as it stands for one, the elements of a JSON list for several.
arrow::Result<std::vector<std::string>> ColumnsOf(const std::string& key, size_t columns) {
  if (columns == 1) return std::vector{key};
  const auto list = nlohmann::json::parse(key, nullptr, /*allow_exceptions=*/false);
  if (!list.is_array()) {
    return MakeError(ErrorKind::kJob, fmt::format("--from must be a JSON list of {} values, for "
                                                  "the key has so many columns",
                                                  columns));
  }
  std::vector<std::string> texts;
  for (const auto& value : list) {
    texts.push_back(value.is_string() ? value.get<std::string>() : value.dump());
  }
  return texts;
}

/// The job with what the command line says of the part that is wanted.
arrow::Result<Job> JobOf(const RunOptions& options, Job job) {
  job.stop_after = options.stop_after;
  if (!options.from.empty()) {
    ARROW_ASSIGN_OR_RAISE(job.from, ColumnsOf(options.from, job.key.size()));
  }
  return job;
}

arrow::Status ReportEnd(const RunEnd& end, const Job& job, bool json) {
  ARROW_RETURN_NOT_OK(Print((json ? EndJson(end) : EndText(end)) + "\n"));
  if (json) return arrow::Status::OK();
  for (const std::string& note : Notes(end.metrics, job)) fmt::print(stderr, "{}\n", note);
  return arrow::Status::OK();
}

}  // namespace

arrow::Status Run(const RunOptions& options, const JobFile& file, Interrupt* interrupt) {
  const auto start = std::chrono::steady_clock::now();
  ARROW_ASSIGN_OR_RAISE(const Job job, JobOf(options, file.job));
  ARROW_ASSIGN_OR_RAISE(const std::shared_ptr<Engine> engine, Engine::Open(file.engine));
  spdlog::info("engine: {} {}", engine->vendor_name(), engine->vendor_version());
  ARROW_ASSIGN_OR_RAISE(const std::unique_ptr<BatchReader> reader, BatchReader::Open(engine, job));
  const Strategy strategy = reader->plan().strategy;
  spdlog::info("strategy: {}: {}", WordFor(kStrategyWords, strategy), reader->plan().reason);
  const Interrupt::Scope scope(interrupt, [&reader] { reader->Cancel(); });
  std::unique_ptr<Sink> sink;
  if (file.output) {
    ARROW_ASSIGN_OR_RAISE(sink, OpenRunDirectory(*file.output, job, engine.get(), *reader));
  }
  RunEnd end;
  arrow::Result<bool> completed = ReadBatches(options, reader.get(), sink.get(), &end.totals);
  if (!completed.ok()) {
    reader->Cancel();
    return Interrupt::Seen() ? MakeError(ErrorKind::kStopped, "interrupted") : completed.status();
  }
  end.completed = *completed;
  end.metrics = reader->metrics();
  if (end.completed && sink != nullptr) ARROW_RETURN_NOT_OK(sink->Finish(end.metrics));
  end.strategy = strategy;
  end.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return ReportEnd(end, job, options.job.json);
}

}  // namespace sheaf
