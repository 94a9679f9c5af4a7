// How the rows of one table, or documents, become the bytes of one file.
#pragma once

#include <arrow/io/type_fwd.h>
#include <arrow/record_batch.h>
#include <arrow/status.h>

#include <memory>
#include <string_view>

#include "sheaf/job.h"
#include "sheaf/output_options.h"

namespace sheaf {

/// With Ties::kFixed equal rows give equal bytes, however they came together. Threads: any number
/// may write, each to its own stream.
class TableWriter {
 public:
  virtual ~TableWriter() = default;

  /// What the files' names end with, with the dot.
  [[nodiscard]] virtual std::string_view extension() const = 0;

  /// Finds out before the first row whether the format has a form for all columns.
  /// Errors: without a kind, naming the column.
  [[nodiscard]] virtual arrow::Status CheckSchema(const arrow::Schema& schema) const = 0;

  /// Writes a whole file, the schema also where there are no rows. Leaves the stream open.
  [[nodiscard]] virtual arrow::Status Write(
      const std::shared_ptr<arrow::RecordBatch>& rows,
      const std::shared_ptr<arrow::io::OutputStream>& stream) const = 0;
};

std::unique_ptr<TableWriter> MakeTableWriter(Format format, Ties ties);
std::unique_ptr<TableWriter> MakeParquetWriter();
std::unique_ptr<TableWriter> MakeArrowWriter(Ties ties);
std::unique_ptr<TableWriter> MakeJsonlWriter();

}  // namespace sheaf
