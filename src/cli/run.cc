#include "cli/run.h"

#include <fmt/format.h>
#include <malloc.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/output.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "job/output_check.h"
#include "job/words.h"
#include "sheaf/batch_reader.h"
#include "sheaf/engine.h"
#include "sheaf/error.h"
#include "sheaf/sink.h"

namespace sheaf {
namespace {

/// True where the sink went on; false where the reader of standard output went away.
arrow::Result<bool> WentOn(const arrow::Status& status) {
  if (status.ok()) return true;
  if (KindOf(status) == ErrorKind::kStopped) return false;
  return status;
}

/// Where the lines of batches go.
using Report = std::function<arrow::Status(std::string_view)>;

Report ReportOf(const std::optional<OutputOptions>& output) {
  if (!output || !IsStandardOutput(*output)) return Print;
  return [](std::string_view text) {
    Tell(text);
    return arrow::Status::OK();
  };
}

/// Hands every batch to the sink, then to the report. True where the job's end was reached.
arrow::Result<bool> ReadBatches(const RunOptions& options, const Report& report,
                                BatchReader* reader, Sink* sink, RunTotals* totals) {
  Progress progress(reader, options.progress);
  BatchCounts counts;
  while (!options.stop_after || totals->batches < *options.stop_after) {
    ARROW_ASSIGN_OR_RAISE(const std::optional<Batch> part, reader->Next());
    if (!part) return sink == nullptr ? true : WentOn(sink->Finish(reader->metrics()));
    if (sink != nullptr) {
      ARROW_ASSIGN_OR_RAISE(const bool went_on, WentOn(sink->Write(*part)));
      if (!went_on) return false;
    }
    counts.Add(*part);
    if (!part->part().last) continue;
    const BatchCounts batch = std::exchange(counts, {});
    totals->Add(batch);
    const std::string line = options.job.json ? BatchJson(batch) : BatchText(batch);
    ARROW_RETURN_NOT_OK(progress.Aside([&] { return report(line + "\n"); }));
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
  job.in_parts = true;  // no sink needs a batch as a whole
  job.stop_after = options.stop_after;
  if (!options.from.empty()) {
    ARROW_ASSIGN_OR_RAISE(job.from, ColumnsOf(options.from, job.key.size()));
  }
  return job;
}

arrow::Status ReportEnd(const RunEnd& end, const Report& report, bool json) {
  if (json) {
    ARROW_ASSIGN_OR_RAISE(const std::string line, EndJson(end));
    return report(line + "\n");
  }
  ARROW_RETURN_NOT_OK(report(EndText(end) + "\n"));
  Tell(DataReport(end.metrics));
  return arrow::Status::OK();
}

arrow::Result<std::unique_ptr<Sink>> OpenSink(const std::optional<OutputOptions>& output,
                                              const Job& job, const Engine* engine,
                                              const BatchReader& reader) {
  if (!output) return nullptr;
  if (IsStandardOutput(*output)) {
    return OpenDocumentStream(*output, job, reader, OpenStandardOutput());
  }
  return OpenRunDirectory(*output, job, engine, reader);
}

#ifndef PR_THP_DISABLE_EXCEPT_ADVISED
#define PR_THP_DISABLE_EXCEPT_ADVISED (1 << 1)  // Linux 6.18
#endif

// No allocator holds more than it uses for the sake of huge pages: there are only those that are asked for, or none
// where the kernel doesn't tell these apart.
void DisableHugePages() {
  if (::prctl(PR_SET_THP_DISABLE, 1, PR_THP_DISABLE_EXCEPT_ADVISED, 0, 0) == 0) return;
  ::prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

// Where there is memory enough, what is freed is kept for the next batch: to give it back, and fault it in again,
// costs a tenth of a run. Where there is not, it goes back at once.
void SetUpMemory(const Job& job) {
  constexpr int64_t kEnough = int64_t{1} << 30;
  const bool little = job.memory < kEnough;
  const int threshold = little ? 1 << 20 : 1 << 30;
  ::mallopt(M_MMAP_THRESHOLD, threshold);
  ::mallopt(M_TRIM_THRESHOLD, threshold);
  if (little) DisableHugePages();
}

}  // namespace

arrow::Status Run(const RunOptions& options, const JobFile& file, Interrupt* interrupt) {
  const auto start = std::chrono::steady_clock::now();
  ARROW_ASSIGN_OR_RAISE(const Job job, JobOf(options, file.job));
  SetUpMemory(job);
  ARROW_ASSIGN_OR_RAISE(const std::shared_ptr<Engine> engine, Engine::Open(file.engine));
  spdlog::info("engine: {} {}", engine->vendor_name(), engine->vendor_version());
  ARROW_ASSIGN_OR_RAISE(const std::unique_ptr<BatchReader> reader, BatchReader::Open(engine, job));
  const Strategy strategy = reader->plan().strategy;
  spdlog::info("strategy: {}: {}", WordFor(kStrategyWords, strategy), reader->plan().reason);
  const Interrupt::Scope scope(interrupt, [&reader] { reader->Cancel(); });
  ARROW_ASSIGN_OR_RAISE(const std::unique_ptr<Sink> sink,
                        OpenSink(file.output, job, engine.get(), *reader));
  const Report report = ReportOf(file.output);
  RunEnd end;
  arrow::Result<bool> completed =
      ReadBatches(options, report, reader.get(), sink.get(), &end.totals);
  if (!completed.ok()) {
    reader->Cancel();
    return Interrupt::Seen() ? MakeError(ErrorKind::kStopped, "interrupted") : completed.status();
  }
  interrupt->Settle();
  end.completed = *completed;
  end.metrics = reader->metrics();
  end.strategy = strategy;
  end.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return ReportEnd(end, report, options.job.json);
}

}  // namespace sheaf
