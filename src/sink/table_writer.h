// How the rows of one table, or documents, become the bytes of one file.
#pragma once

#include <arrow/io/type_fwd.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/status.h>

#include <memory>
#include <string_view>

#include "sheaf/job.h"
#include "sheaf/output_options.h"

namespace sheaf {

/// A file that rows are added to. Its bytes hang on the rows, not on how many come at a time. Used by one thread at a time.
class TableFile {
 public:
  virtual ~TableFile() = default;

  /// Adds rows. With the last ones, of which there may be none, the file is whole; its stream stays open.
  /// Errors: those of the format and the stream; nothing may be added after one.
  [[nodiscard]] virtual arrow::Status Write(const std::shared_ptr<arrow::RecordBatch>& rows,
                                            bool last) = 0;
};

/// With Ties::kFixed equal rows give equal bytes, however they came together. Any thread may call any method.
class TableWriter {
 public:
  virtual ~TableWriter() = default;

  /// What the files' names end with, with the dot.
  [[nodiscard]] virtual std::string_view extension() const = 0;

  /// Finds out before the first row whether the format has a form for all columns.
  /// Errors: without a kind, naming the column.
  [[nodiscard]] virtual arrow::Status CheckSchema(const arrow::Schema& schema) const = 0;

  /// Begins a file of rows of `schema`, which is in it also where there are no rows.
  [[nodiscard]] virtual arrow::Result<std::unique_ptr<TableFile>> Begin(
      const std::shared_ptr<arrow::Schema>& schema,
      std::shared_ptr<arrow::io::OutputStream> stream) const = 0;
};

std::unique_ptr<TableWriter> MakeTableWriter(Format format, Ties ties);
std::unique_ptr<TableWriter> MakeParquetWriter();
std::unique_ptr<TableWriter> MakeArrowWriter(Ties ties);
std::unique_ptr<TableWriter> MakeJsonlWriter();

}  // namespace sheaf
