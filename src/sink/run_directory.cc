#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "job/output_check.h"
#include "parallel/parallel.h"
#include "sheaf/error.h"
#include "sheaf/sink.h"
#include "sink/commit_log.h"
#include "sink/directory_lock.h"
#include "sink/documents.h"
#include "sink/durable_file.h"
#include "sink/key_json.h"
#include "sink/local_id.h"
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
constexpr const char* kDocuments = "documents";

/// The folders of the data files.
std::vector<std::string> FoldersOf(Format format, const Job& job) {
  if (HoldsDocuments(format)) return {kDocuments};
  std::vector<std::string> folders;
  folders.reserve(job.tables.size());
  for (const Table& table : job.tables) folders.push_back(table.name);
  return folders;
}

/// What becomes one file of a batch.
struct Part {
  std::string folder;
  std::shared_ptr<arrow::RecordBatch> rows;
};

class RunDirectory : public Sink {
 public:
  RunDirectory(std::filesystem::path directory, const Job& job, const BatchReader& reader,
               const OutputOptions& options, std::unique_ptr<CommitLog> log,
               std::unique_ptr<DirectoryLock> lock)
      : directory_(std::move(directory)),
        options_(options),
        schemas_(reader.table_schemas()),
        folders_(FoldersOf(options.format, job)),
        writer_(MakeTableWriter(options.format, job.ties)),
        log_(std::move(log)),
        lock_(std::move(lock)) {
    for (const Table& table : job.tables) names_.push_back(table.name);
  }

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
  [[nodiscard]] arrow::Status CheckBatch(const Batch& batch) const;
  [[nodiscard]] std::string FileOf(const Batch& batch, std::string_view folder) const;
  arrow::Result<std::vector<Part>> PartsOf(const Batch& batch) const;
  arrow::Result<std::vector<StoredFile>> WriteFiles(const Batch& batch,
                                                    const std::vector<Part>& parts) const;
  arrow::Result<std::string> LogLine(const Batch& batch, const std::vector<Part>& parts,
                                     const std::vector<StoredFile>& files) const;
  void RemoveFiles(const Batch& batch) const;
  arrow::Status WriteFilesAndLog(const Batch& batch);
  arrow::Status Commit(const Batch& batch);
  arrow::Status WriteTotals(const Metrics& metrics) const;

  const std::filesystem::path directory_;
  const OutputOptions options_;
  std::vector<std::string> names_;
  const std::vector<std::shared_ptr<arrow::Schema>> schemas_;
  const std::vector<std::string> folders_;
  const std::unique_ptr<TableWriter> writer_;
  const std::unique_ptr<CommitLog> log_;
  const std::unique_ptr<DirectoryLock> lock_;
  arrow::Status state_;  ///< Why nothing more can be written; OK while it can.
  int64_t batches_ = 0;
  int64_t keys_ = 0;
  int64_t rows_ = 0;
};

/// What the manifest and the log promise of every batch; a custom caller may break it.
arrow::Status RunDirectory::CheckBatch(const Batch& batch) const {
  if (batch.index() != batches_) {
    return MakeError(
        ErrorKind::kEngine,
        fmt::format("batch {} was handed in where batch {} is next", batch.index(), batches_));
  }
  const auto& tables = batch.tables();
  const auto fits = [this](const BatchTable& table, size_t i) {
    return table.name == names_[i] && table.rows->schema()->Equals(*schemas_[i]);
  };
  bool all_fit = tables.size() == names_.size();
  for (size_t i = 0; all_fit && i < tables.size(); ++i) all_fit = fits(tables[i], i);
  if (all_fit) return arrow::Status::OK();
  return MakeError(ErrorKind::kEngine,
                   fmt::format("batch {} has other tables or columns than the manifest of \"{}\"",
                               batch.index(), directory_.string()));
}

std::string RunDirectory::FileOf(const Batch& batch, std::string_view folder) const {
  return fmt::format("{}/batch-{:06d}{}", folder, batch.index(), writer_->extension());
}

arrow::Result<std::vector<Part>> RunDirectory::PartsOf(const Batch& batch) const {
  ARROW_ASSIGN_OR_RAISE(const Batch numbered, WithLocalIds(batch, options_.local_id));
  std::vector<Part> parts;
  if (HoldsDocuments(options_.format)) {
    ARROW_ASSIGN_OR_RAISE(auto documents, Documents(numbered, options_.format));
    parts.push_back({kDocuments, std::move(documents)});
    return parts;
  }
  for (const BatchTable& table : numbered.tables()) parts.push_back({table.name, table.rows});
  return parts;
}

arrow::Result<std::vector<StoredFile>> RunDirectory::WriteFiles(
    const Batch& batch, const std::vector<Part>& parts) const {
  // The largest first: it must not be the one that all others wait for.
  std::vector<size_t> order(parts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater{},
                           [&](size_t i) { return parts[i].rows->num_rows(); });

  std::vector<StoredFile> files(parts.size());
  ARROW_RETURN_NOT_OK(RunInParallel(parts.size(), [&](size_t i) {
    const Part& part = parts[order[i]];
    return WriteDurably(directory_ / FileOf(batch, part.folder),
                        [&](const std::shared_ptr<arrow::io::OutputStream>& stream) {
                          return writer_->Write(part.rows, stream);
                        })
        .Value(&files[order[i]]);
  }));
  return files;
}

arrow::Result<std::string> RunDirectory::LogLine(const Batch& batch, const std::vector<Part>& parts,
                                                 const std::vector<StoredFile>& files) const {
  Json line = Json::object();
  line["index"] = batch.index();
  line["keys"] = batch.num_keys();
  if (batch.continued()) line["continued"] = true;
  line["rows"] = batch.total_rows();
  line["first_key"] = nullptr;
  line["last_key"] = nullptr;
  if (batch.num_keys() > 0) {
    ARROW_ASSIGN_OR_RAISE(line["first_key"], KeyJson(*batch.keys(), 0));
    ARROW_ASSIGN_OR_RAISE(line["last_key"], KeyJson(*batch.keys(), batch.num_keys() - 1));
  }
  Json& tables = line["tables"] = Json::object();
  for (const BatchTable& table : batch.tables()) {
    tables[table.name]["rows"] = table.rows->num_rows();
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool is_table = !HoldsDocuments(options_.format);
    Json& file = is_table ? line["tables"][parts[i].folder] : line[parts[i].folder];
    file["bytes"] = files[i].bytes;
    file["file"] = FileOf(batch, parts[i].folder);
    file["xxh3_64"] = files[i].xxh3_64;
  }
  return CompactText(line);
}

void RunDirectory::RemoveFiles(const Batch& batch) const {
  std::error_code ignored;  // an error is already on its way to the caller
  for (const std::string& folder : folders_) {
    std::filesystem::remove(directory_ / FileOf(batch, folder), ignored);
  }
}

arrow::Status RunDirectory::WriteFilesAndLog(const Batch& batch) {
  ARROW_ASSIGN_OR_RAISE(const auto parts, PartsOf(batch));
  ARROW_ASSIGN_OR_RAISE(const auto files, WriteFiles(batch, parts));
  ARROW_ASSIGN_OR_RAISE(std::string line, LogLine(batch, parts, files));
  return log_->Append(std::move(line));
}

arrow::Status RunDirectory::Commit(const Batch& batch) {
  ARROW_RETURN_NOT_OK(CheckBatch(batch));
  const arrow::Status status = WriteFilesAndLog(batch);
  if (!status.ok()) {
    RemoveFiles(batch);  // some of them may be whole, yet the log knows nothing of them
    return status;
  }
  ++batches_;
  keys_ += batch.continued() ? 0 : batch.num_keys();
  rows_ += batch.total_rows();
  return status;
}

/// Counts of what is in the directory are our own; what was seen on the way is the reader's.
arrow::Status RunDirectory::WriteTotals(const Metrics& metrics) const {
  Json totals = Json::object();
  totals["batches"] = batches_;
  totals["keys"] = keys_;
  totals["rows"] = rows_;
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
  for (const std::string& folder : FoldersOf(options.format, job)) {
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
