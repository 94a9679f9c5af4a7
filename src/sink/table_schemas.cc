#include "sink/table_schemas.h"

#include <arrow/type.h>
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <utility>

#include "job/output_check.h"
#include "sheaf/error.h"
#include "sink/local_id.h"
#include "sink/table_writer.h"

namespace sheaf {
namespace {

arrow::Result<std::shared_ptr<arrow::Schema>> TableSchema(
    const TableWriter& writer, const std::shared_ptr<arrow::Schema>& delivered, const Job& job,
    size_t index, LocalId local_id) {
  ARROW_ASSIGN_OR_RAISE(auto schema, WithLocalIds(delivered, job, index, local_id));
  ARROW_RETURN_NOT_OK(writer.CheckSchema(*schema));
  return schema;
}

}  // namespace

arrow::Result<std::vector<std::shared_ptr<arrow::Schema>>> TableSchemas(
    const OutputOptions& options, const Job& job, const BatchReader& reader) {
  if (const std::optional<JobProblem> problem = FindOutputProblem(job, options)) {
    return MakeError(ErrorKind::kJob, problem->message);
  }
  const std::unique_ptr<TableWriter> writer = MakeTableWriter(options.format, job.ties);
  std::vector<std::shared_ptr<arrow::Schema>> schemas;
  for (size_t i = 0; i < job.tables.size(); ++i) {
    auto schema = TableSchema(*writer, reader.table_schemas()[i], job, i, options.local_id);
    if (!schema.ok()) {
      return MakeError(ErrorKind::kEngine, fmt::format("table \"{}\": {}", job.tables[i].name,
                                                       schema.status().message()));
    }
    schemas.push_back(*std::move(schema));
  }
  return schemas;
}

}  // namespace sheaf
