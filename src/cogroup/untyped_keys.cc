#include "cogroup/untyped_keys.h"

#include <arrow/type.h>

#include <cstddef>
#include <memory>

#include "engine/dialect.h"

namespace sheaf {
namespace {

bool HasNoType(const TableInput& input, const ColumnPath& column) {
  if (column.type->id() == arrow::Type::NA) return true;
  const auto field = column.indices.Get(*input.raw_schema);
  return field.ok() && IsUntyped(**field);
}

// Fields of structs stay as they are: no driver that guesses types has any.
void SetType(ColumnPath* column, const std::shared_ptr<arrow::DataType>& type, TableInput* input) {
  const std::vector<int>& indices = column->indices.indices();
  if (!HasNoType(*input, *column) || indices.size() > 1) return;
  column->type = type;
  const auto& field = input->schema->field(indices[0]);
  input->schema = input->schema->SetField(indices[0], field->WithType(type)).ValueOrDie();
}

}  // namespace

void TypeUntypedKeys(std::vector<TableInput>* tables) {
  const auto is_keyed = [](const TableInput& input) { return !input.absent && !input.table.link; };
  std::vector<std::shared_ptr<arrow::DataType>> types;
  for (const TableInput& input : *tables) {
    if (!is_keyed(input)) continue;
    types.resize(input.key_columns.size(), arrow::int64());
    for (size_t c = 0; c < types.size(); ++c) {
      if (!HasNoType(input, input.key_columns[c])) types[c] = input.key_columns[c].type;
    }
  }
  for (TableInput& input : *tables) {
    if (!is_keyed(input)) continue;
    for (size_t c = 0; c < types.size(); ++c) SetType(&input.key_columns[c], types[c], &input);
  }
}

void TypeUntypedLink(TableInput* other, TableInput* input) {
  for (size_t c = 0; c < input->key_columns.size(); ++c) {
    ColumnPath& own = input->key_columns[c];
    std::shared_ptr<arrow::DataType> type = HasNoType(*input, own) ? arrow::int64() : own.type;
    if (c < input->link->columns.size()) {
      ColumnPath& theirs = input->link->columns[c];
      SetType(&theirs, type, other);
      type = theirs.type;
    }
    SetType(&own, type, input);
  }
}

}  // namespace sheaf
