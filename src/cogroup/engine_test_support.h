// Jobs over hand-made streams, for a strategy that needs an engine: each stream becomes a table of the
// embedded engine.
#pragma once

#include <arrow/io/file.h>
#include <arrow/ipc/writer.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "cogroup/cogroup_test_support.h"
#include "sheaf/batch_reader.h"
#include "sheaf/engine.h"

namespace sheaf::testing {

/// A folder that goes away with its owner.
class ScopedFolder {
 public:
  ScopedFolder() {
    std::string name = ::testing::TempDir() + "sheaf-XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~ScopedFolder() { std::filesystem::remove_all(path_); }
  ScopedFolder(const ScopedFolder&) = delete;
  ScopedFolder& operator=(const ScopedFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline arrow::Status WriteArrowFile(const std::string& path, arrow::RecordBatchReader* rows) {
  ARROW_ASSIGN_OR_RAISE(const auto file, arrow::io::FileOutputStream::Open(path));
  ARROW_ASSIGN_OR_RAISE(const auto writer, arrow::ipc::MakeFileWriter(file, rows->schema()));
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const auto batch, rows->Next());
    if (batch == nullptr) break;
    ARROW_RETURN_NOT_OK(writer->WriteRecordBatch(*batch));
  }
  ARROW_RETURN_NOT_OK(writer->Close());
  return file->Close();
}

/// Opens the job with its streams as tables of the embedded engine; rows arrive in the streams' order.
inline arrow::Result<std::unique_ptr<BatchReader>> OpenOnEngine(Job job) {
  static const ScopedFolder folder;
  static int files = 0;
  EngineOptions options;
  options.options["datafusion.target_partitions"] = "1";
  for (Table& table : job.tables) {
    if (table.stream == nullptr) continue;
    const std::string path = folder.path() / (std::to_string(files++) + ".arrow");
    ARROW_RETURN_NOT_OK(WriteArrowFile(path, table.stream.get()));
    options.setup.push_back("CREATE EXTERNAL TABLE \"" + table.name +
                            "\" STORED AS ARROW LOCATION '" + path + "'");
    table.stream = nullptr;
    table.source = table.name;
  }
  ARROW_ASSIGN_OR_RAISE(auto engine, Engine::Open(options));
  return BatchReader::Open(std::move(engine), std::move(job));
}

/// Opens a job over streams, on an engine where its strategy needs one.
inline arrow::Result<std::unique_ptr<BatchReader>> OpenJob(Job job) {
  if (job.strategy == Strategy::kProbe) return OpenOnEngine(std::move(job));
  return BatchReader::Open(nullptr, std::move(job));
}

inline arrow::Result<std::vector<Batch>> RunJob(Job job) {
  ARROW_ASSIGN_OR_RAISE(const auto reader, OpenJob(std::move(job)));
  return ReadAll(reader.get());
}

/// How the job fails: when it opens, or while it is read.
inline arrow::Status ErrorOf(Job job) { return RunJob(std::move(job)).status(); }

}  // namespace sheaf::testing
