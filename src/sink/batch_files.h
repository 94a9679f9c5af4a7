// The files of one batch in a run directory: filled part by part, and stored with the last one.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/status.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "sheaf/batch.h"
#include "sheaf/output_options.h"
#include "sink/batch_counts.h"
#include "sink/durable_file.h"
#include "sink/json_text.h"
#include "sink/table_writer.h"

namespace sheaf {

/// The folders of the data files, in the order of the tables of a batch.
std::vector<std::string> DataFolders(Format format, const std::vector<std::string>& tables);

/// Used by one thread at a time. Of files that are not stored nothing is left when it goes.
class BatchFiles {
 public:
  /// Of the batch that `first_part` is of. All references outlive the files.
  BatchFiles(const std::filesystem::path& directory, const std::vector<std::string>& folders,
             const OutputOptions& options, const TableWriter& writer, const Batch& first_part);

  /// Of the parts so far.
  [[nodiscard]] const BatchCounts& counts() const { return counts_; }

  /// Adds the next part. With the last one all files are stored. Errors: kEngine, naming the file.
  arrow::Status Add(const Batch& part);

  /// The batch's line in the commit log, once all files are stored.
  [[nodiscard]] Json LogLine() const;

  /// Takes stored files away again.
  void Remove() const;

 private:
  // A file on its way. What writes it goes before it does.
  struct File {
    std::string name;  // below the directory
    std::unique_ptr<DurableFile> file;
    std::unique_ptr<TableFile> rows;
    StoredFile stored;
  };

  [[nodiscard]] arrow::Result<std::vector<std::shared_ptr<arrow::RecordBatch>>> RowsOf(
      const Batch& part) const;
  arrow::Status Write(const std::shared_ptr<arrow::RecordBatch>& rows, bool last, File* file) const;
  arrow::Status Count(const Batch& part);

  const std::filesystem::path& directory_;
  const std::vector<std::string>& folders_;
  const OutputOptions& options_;
  const TableWriter& writer_;
  std::vector<File> files_;

  BatchCounts counts_;
  Json first_key_;
  Json last_key_;
};

}  // namespace sheaf
