#include <arrow/type.h>
#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "sheaf/error.h"
#include "sheaf/sink.h"
#include "sink/batch_counts.h"
#include "sink/batch_files.h"
#include "sink/commit_log.h"
#include "sink/directory_lock.h"
#include "sink/durable_file.h"
#include "sink/manifest.h"
#include "sink/metrics_json.h"
#include "sink/new_directory.h"
#include "sink/table_schemas.h"
#include "sink/table_writer.h"

namespace sheaf {
namespace {

constexpr const char* kManifest = "manifest.json";
constexpr const char* kLog = "batches.jsonl";
constexpr const char* kSuccess = "_SUCCESS";

std::vector<std::string> NamesOf(const Job& job) {
  std::vector<std::string> names;
  names.reserve(job.tables.size());
  for (const Table& table : job.tables) names.push_back(table.name);
  return names;
}

class RunDirectory : public Sink {
 public:
  RunDirectory(std::filesystem::path directory, const Job& job, const BatchReader& reader,
               const OutputOptions& options, std::unique_ptr<CommitLog> log,
               std::unique_ptr<DirectoryLock> lock)
      : directory_(std::move(directory)),
        options_(options),
        names_(NamesOf(job)),
        schemas_(reader.table_schemas()),
        folders_(DataFolders(options.format, names_)),
        writer_(MakeTableWriter(options.format, job.ties)),
        log_(std::move(log)),
        lock_(std::move(lock)) {}

  [[nodiscard]] arrow::Status Write(const Batch& batch) override {
    if (state_.ok()) state_ = Commit(batch);
    return state_;
  }

  [[nodiscard]] arrow::Status Finish(const Metrics& metrics) override {
    ARROW_RETURN_NOT_OK(state_);
    state_ = WriteTotals(metrics);
    ARROW_RETURN_NOT_OK(state_);
    state_ = MakeError(ErrorKind::kEngine,
                       fmt::format("run directory \"{}\" is complete", directory_.string()));
    return arrow::Status::OK();
  }

 private:
  [[nodiscard]] arrow::Status CheckPart(const Batch& part) const;
  arrow::Status WriteFilesAndLog(const Batch& part);
  arrow::Status Commit(const Batch& part);
  arrow::Status WriteTotals(const Metrics& metrics) const;

  const std::filesystem::path directory_;
  const OutputOptions options_;
  const std::vector<std::string> names_;  ///< Of the tables.
  const std::vector<std::shared_ptr<arrow::Schema>> schemas_;
  const std::vector<std::string> folders_;
  const std::unique_ptr<TableWriter> writer_;
  const std::unique_ptr<CommitLog> log_;
  const std::unique_ptr<DirectoryLock> lock_;
  std::unique_ptr<BatchFiles>
      files_;            ///< Of the batch whose last part is to come; null between batches.
  arrow::Status state_;  ///< Why nothing more can be written; OK while it can.
  RunTotals totals_;     ///< Of the batches that are stored.
};

/// What the manifest and the log promise of every batch; a custom caller may break it.
arrow::Status RunDirectory::CheckPart(const Batch& part) const {
  if (part.index() != totals_.batches) {
    return MakeError(ErrorKind::kEngine,
                     fmt::format("batch {} was handed in where batch {} is next", part.index(),
                                 totals_.batches));
  }
  const int64_t keys = files_ == nullptr ? 0 : files_->counts().keys;
  if (part.part().first_key != keys) {
    return MakeError(ErrorKind::kEngine, fmt::format("the part of batch {} from its key {} on was "
                                                     "handed in where the one from {} on is next",
                                                     part.index(), part.part().first_key, keys));
  }
  const auto& tables = part.tables();
  const auto fits = [this](const BatchTable& table, size_t i) {
    return table.name == names_[i] && table.rows->schema()->Equals(*schemas_[i]);
  };
  bool all_fit = tables.size() == names_.size();
  for (size_t i = 0; all_fit && i < tables.size(); ++i) all_fit = fits(tables[i], i);
  if (all_fit) return arrow::Status::OK();
  return MakeError(ErrorKind::kEngine,
                   fmt::format("batch {} has other tables or columns than the manifest of \"{}\"",
                               part.index(), directory_.string()));
}

arrow::Status RunDirectory::WriteFilesAndLog(const Batch& part) {
  ARROW_RETURN_NOT_OK(CheckPart(part));
  if (files_ == nullptr) {
    files_ = std::make_unique<BatchFiles>(directory_, folders_, options_, *writer_, part);
  }
  ARROW_RETURN_NOT_OK(files_->Add(part));
  return part.part().last ? log_->Append(CompactText(files_->LogLine())) : arrow::Status::OK();
}

arrow::Status RunDirectory::Commit(const Batch& part) {
  const arrow::Status status = WriteFilesAndLog(part);
  if (!status.ok()) {
    // Some of them may be whole, yet the log knows nothing of them.
    if (files_ != nullptr) files_->Remove();
    files_ = nullptr;
    return status;
  }
  if (part.part().last) {
    totals_.Add(files_->counts());
    files_ = nullptr;
  }
  return status;
}

/// Counts of what is in the directory are our own; what was seen on the way is the reader's.
arrow::Status RunDirectory::WriteTotals(const Metrics& metrics) const {
  Json totals = Json::object();
  totals["batches"] = totals_.batches;
  totals["keys"] = totals_.keys;
  totals["rows"] = totals_.rows;
  totals["dropped_keys"] = metrics.dropped_keys;
  Json& tables = totals["tables"] = Json::object();
  for (const TableMetrics& table : metrics.tables) {
    ARROW_ASSIGN_OR_RAISE(tables[table.name], TableMetricsJson(table));
  }
  return WriteTextDurably(directory_ / kSuccess, IndentedText(totals)).status();
}

}  // namespace

arrow::Result<std::unique_ptr<Sink>> OpenRunDirectory(const OutputOptions& options, const Job& job,
                                                      const Engine* engine,
                                                      const BatchReader& reader) {
  ARROW_ASSIGN_OR_RAISE(const auto schemas, TableSchemas(options, job, reader));

  // "out/" names the folder "out".
  const auto directory = options.dir.has_filename() ? options.dir : options.dir.parent_path();
  std::unique_ptr<DirectoryLock> lock;  // outlives `made`: what that removes is nobody else's yet
  NewPaths made;
  ARROW_RETURN_NOT_OK(made.MakeDirectories(directory));
  const arrow::Status locked = DirectoryLock::Take(directory).Value(&lock);
  if (!locked.ok()) made.Keep();  // the run that holds it needs it, though it may still be empty
  ARROW_RETURN_NOT_OK(locked);
  ARROW_RETURN_NOT_OK(CheckEmpty(directory));
  // Where there are no locks, each file and folder is made by one of two runs, and the other fails there.
  for (const std::string& folder : DataFolders(options.format, NamesOf(job))) {
    ARROW_RETURN_NOT_OK(made.MakeDirectory(directory / folder));
  }
  ARROW_ASSIGN_OR_RAISE(const Json manifest, ManifestJson(options, job, engine, reader, schemas));
  ARROW_RETURN_NOT_OK(CreateTextDurably(directory / kManifest, IndentedText(manifest)));
  made.Add(directory / kManifest);
  ARROW_ASSIGN_OR_RAISE(auto log, CommitLog::Create(directory / kLog));
  made.Keep();
  return std::make_unique<RunDirectory>(directory, job, reader, options, std::move(log),
                                        std::move(lock));
}

}  // namespace sheaf
