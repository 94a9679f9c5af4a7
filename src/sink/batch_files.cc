#include "sink/batch_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <system_error>
#include <utility>

#include "job/output_check.h"
#include "parallel/parallel.h"
#include "sink/documents.h"
#include "sink/key_json.h"
#include "sink/local_id.h"

namespace sheaf {
namespace {

constexpr const char* kDocuments = "documents";

}  // namespace

std::vector<std::string> DataFolders(Format format, const std::vector<std::string>& tables) {
  return HoldsDocuments(format) ? std::vector<std::string>{kDocuments} : tables;
}

BatchFiles::BatchFiles(const std::filesystem::path& directory,
                       const std::vector<std::string>& folders, const OutputOptions& options,
                       const TableWriter& writer, const Batch& first_part)
    : directory_(directory),
      folders_(folders),
      options_(options),
      writer_(writer),
      files_(folders.size()) {
  for (size_t i = 0; i < files_.size(); ++i) {
    files_[i].name =
        fmt::format("{}/batch-{:06d}{}", folders_[i], first_part.index(), writer_.extension());
  }
}

// What goes into each file.
arrow::Result<std::vector<std::shared_ptr<arrow::RecordBatch>>> BatchFiles::RowsOf(
    const Batch& part) const {
  ARROW_ASSIGN_OR_RAISE(const Batch numbered, WithLocalIds(part, options_.local_id));
  std::vector<std::shared_ptr<arrow::RecordBatch>> rows;
  if (HoldsDocuments(options_.format)) {
    ARROW_ASSIGN_OR_RAISE(rows.emplace_back(), Documents(numbered, options_.format));
    return rows;
  }
  for (const BatchTable& table : numbered.tables()) rows.push_back(table.rows);
  return rows;
}

arrow::Status BatchFiles::Write(const std::shared_ptr<arrow::RecordBatch>& rows, bool last,
                                File* file) const {
  if (file->file == nullptr) {
    ARROW_ASSIGN_OR_RAISE(file->file, DurableFile::Create(directory_ / file->name));
    const auto begun = writer_.Begin(rows->schema(), file->file->stream()).Value(&file->rows);
    ARROW_RETURN_NOT_OK(file->file->Check(begun));
  }
  ARROW_RETURN_NOT_OK(file->file->Check(file->rows->Write(rows, last)));
  return last ? file->file->Store().Value(&file->stored) : arrow::Status::OK();
}

arrow::Status BatchFiles::Add(const Batch& part) {
  ARROW_RETURN_NOT_OK(Count(part));
  ARROW_ASSIGN_OR_RAISE(const auto rows, RowsOf(part));
  // The largest first: it must not be the one that all others wait for.
  std::vector<size_t> order(rows.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater{},
                           [&](size_t i) { return rows[i]->num_rows(); });
  return RunInParallel(rows.size(), [&](size_t i) {
    return Write(rows[order[i]], part.part().last, &files_[order[i]]);
  });
}

arrow::Status BatchFiles::Count(const Batch& part) {
  const int64_t keys = part.num_keys();
  if (keys > 0) {
    if (counts_.keys == 0) {
      ARROW_ASSIGN_OR_RAISE(first_key_, KeyJson(*part.keys(), 0));
    }
    ARROW_ASSIGN_OR_RAISE(last_key_, KeyJson(*part.keys(), keys - 1));
  }
  counts_.Add(part);
  return arrow::Status::OK();
}

Json BatchFiles::LogLine() const {
  Json line = Json::object();
  line["index"] = counts_.index;
  line["keys"] = counts_.keys;
  if (counts_.continued) line["continued"] = true;
  line["rows"] = counts_.rows;
  line["first_key"] = first_key_;
  line["last_key"] = last_key_;
  Json& tables = line["tables"] = Json::object();
  for (const auto& [table, rows] : counts_.table_rows) tables[table]["rows"] = rows;
  for (size_t i = 0; i < files_.size(); ++i) {
    Json& file = HoldsDocuments(options_.format) ? line[folders_[i]] : tables[folders_[i]];
    file["bytes"] = files_[i].stored.bytes;
    file["file"] = files_[i].name;
    file["xxh3_64"] = files_[i].stored.xxh3_64;
  }
  return line;
}

void BatchFiles::Remove() const {
  std::error_code ignored;  // an error is already on its way to the caller
  for (const File& file : files_) std::filesystem::remove(directory_ / file.name, ignored);
}

}  // namespace sheaf
