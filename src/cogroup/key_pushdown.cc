#include "cogroup/key_pushdown.h"

#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "engine/dialect.h"

namespace sheaf {
namespace {

constexpr const char* kKeyTable = "sheaf_selected_keys";

// A column's type as the engine delivers it.
const arrow::DataType& RawTypeOf(const TableInput& input, const ColumnPath& column) {
  const arrow::FieldVector* fields = &input.raw_schema->fields();
  const arrow::DataType* type = nullptr;
  for (const int index : column.indices.indices()) {
    type = (*fields)[static_cast<size_t>(index)]->type().get();
    fields = &type->fields();
  }
  return *type;
}

}  // namespace

bool CanFilter(const TableInput& input, const arrow::Schema& key_schema) {
  if (input.query.empty()) return false;
  for (size_t c = 0; c < input.key_columns.size(); ++c) {
    const ColumnPath& column = input.key_columns[c];
    const arrow::DataType& type = *column.type;
    const arrow::DataType& key = *key_schema.field(static_cast<int>(c))->type();
    // Engines disagree on whether NaN equals NaN, and on -0 and 0. DataFusion 55 can't join numbers with
    // numbers in dictionaries, and brings times of two units to one that can't hold all of both.
    // DataFusion joins no extension types, and PostgreSQL doesn't know its own again.
    if (arrow::is_floating(type.id()) || type.id() == arrow::Type::EXTENSION) return false;
    if (RawTypeOf(input, column).id() == arrow::Type::DICTIONARY &&
        !arrow::is_base_binary_like(type.id())) {
      return false;
    }
    const bool integers = arrow::is_integer(type.id()) && arrow::is_integer(key.id());
    const bool texts = arrow::is_string(type.id()) && arrow::is_string(key.id());
    if (!type.Equals(key) && !integers && !texts) return false;
  }
  return true;
}

bool WorthFiltering(const TableInput& input, int64_t num_keys) {
  const std::optional<int64_t> rows = input.connection->EstimateRows(input.query);
  return rows && *rows >= kMinFilteredRows && *rows / kMinRowsPerKey >= num_keys;
}

arrow::Result<std::string> FilteredQuery(const Engine& engine, const TableInput& input,
                                         const std::string& query,
                                         const std::shared_ptr<arrow::RecordBatch>& keys) {
  arrow::FieldVector fields;
  for (int c = 0; c < keys->num_columns(); ++c) {
    fields.push_back(keys->schema()->field(c)->WithName("k" + std::to_string(c)));
  }
  const auto renamed =
      arrow::RecordBatch::Make(arrow::schema(std::move(fields)), keys->num_rows(), keys->columns());
  ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::RecordBatchReader::Make({renamed}));
  ARROW_RETURN_NOT_OK(input.connection->CreateTemporaryTable(kKeyTable, reader));
  return FilteredQueryText(engine, input, query);
}

std::string FilteredQueryText(const Engine& engine, const TableInput& input,
                              const std::string& query) {
  return engine.impl().dialect().SemiJoinQuery(query, SqlColumns(input), kKeyTable);
}

arrow::Status DropKeys(const TableInput& input) {
  return input.connection->DropTemporaryTable(kKeyTable);
}

}  // namespace sheaf
