#include "sink/table_schemas.h"

#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
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

/// In documents the rows of a linked table are a member of the rows that they hang on.
arrow::Status CheckMembers(const Job& job,
                           const std::vector<std::shared_ptr<arrow::Schema>>& schemas) {
  for (const Table& table : job.tables) {
    if (!table.link) continue;
    const auto owner = std::ranges::find(job.tables, table.link->table, &Table::name);
    const auto& columns = schemas[static_cast<size_t>(owner - job.tables.begin())];
    if (columns->GetAllFieldIndices(table.name).empty()) continue;
    return MakeError(
        ErrorKind::kEngine,
        fmt::format("table \"{0}\": in documents its rows are \"{0}\" of table \"{1}\", "
                    "which has a column of that name; call table \"{0}\" otherwise",
                    table.name, owner->name));
  }
  return arrow::Status::OK();
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
  if (MakesDocuments(options)) ARROW_RETURN_NOT_OK(CheckMembers(job, schemas));
  return schemas;
}

}  // namespace sheaf
