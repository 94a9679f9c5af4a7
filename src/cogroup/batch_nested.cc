// Batch::nested(): rows become a column of what they hang on, a key or a row of another table: a list, or a
// struct where there is one at most.
#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api.h>
#include <arrow/type.h>
#include <arrow/util/checked_cast.h>

#include <string>
#include <utility>
#include <vector>

#include "cogroup/group_rows.h"
#include "sheaf/batch.h"

namespace sheaf {
namespace {

using RowsPtr = std::shared_ptr<arrow::RecordBatch>;

/// The row of each group, null where it has none.
arrow::Result<std::shared_ptr<arrow::Array>> RowOfEachGroup(const BatchTable& table) {
  arrow::Int32Builder rows;
  const int64_t groups = table.offsets->length() - 1;
  ARROW_RETURN_NOT_OK(rows.Reserve(groups));
  for (int64_t g = 0; g < groups; ++g) {
    const int32_t begin = table.offsets->Value(g);
    const int32_t count = table.offsets->Value(g + 1) - begin;
    if (count > 1) {
      return arrow::Status::Invalid("table \"", table.name, "\" has ", count,
                                    " rows of one key, against its rows_per_key");
    }
    if (count == 1) {
      rows.UnsafeAppend(begin);
    } else {
      rows.UnsafeAppendNull();
    }
  }
  return rows.Finish();
}

bool SharesNulls(const arrow::DataType& type) {
  return type.id() == arrow::Type::STRUCT || type.id() == arrow::Type::FIXED_SIZE_LIST;
}

/// The type with nullable fields where nulls of the whole reach: Parquet takes no null in others.
std::shared_ptr<arrow::DataType> Nullable(const std::shared_ptr<arrow::DataType>& type) {
  if (!SharesNulls(*type)) return type;
  arrow::FieldVector fields;
  for (const auto& field : type->fields()) {
    fields.push_back(field->WithType(Nullable(field->type()))->WithNullable(true));
  }
  if (type->id() == arrow::Type::STRUCT) return arrow::struct_(fields);
  return arrow::fixed_size_list(
      fields[0], arrow::internal::checked_cast<const arrow::FixedSizeListType&>(*type).list_size());
}

/// The same values under a type that differs in its fields' nullability.
std::shared_ptr<arrow::ArrayData> Retyped(const arrow::ArrayData& array,
                                          const std::shared_ptr<arrow::DataType>& type) {
  auto data = array.Copy();
  data->type = type;
  if (!SharesNulls(*type)) return data;
  for (int c = 0; c < type->num_fields(); ++c) {
    auto& child = data->child_data[static_cast<size_t>(c)];
    child = Retyped(*child, type->field(c)->type());
  }
  return data;
}

arrow::Result<std::shared_ptr<arrow::Array>> AsStructs(const BatchTable& table) {
  ARROW_ASSIGN_OR_RAISE(const auto row_of_each_group, RowOfEachGroup(table));
  ARROW_ASSIGN_OR_RAISE(const auto rows, table.rows->ToStructArray());
  auto structs = arrow::MakeArray(Retyped(*rows->data(), Nullable(rows->type())));
  if (row_of_each_group->null_count() == 0) return structs;
  return arrow::compute::Take(*structs, *row_of_each_group);
}

arrow::Result<std::shared_ptr<arrow::Array>> AsLists(const BatchTable& table) {
  ARROW_ASSIGN_OR_RAISE(const auto structs, table.rows->ToStructArray());
  return arrow::ListArray::FromArrays(*table.offsets, *structs);
}

/// A reference table with a group for each row of the other table: what several rows name is repeated.
arrow::Result<BatchTable> Repeated(const BatchTable& table) {
  std::vector<int64_t> groups;
  groups.reserve(static_cast<size_t>(table.mapping->length()));
  for (const auto group : *table.mapping) groups.push_back(group ? *group : -1);
  auto repeated = TakeGroups(table, groups);
  if (repeated.ok()) return repeated;
  return repeated.status().WithMessage(
      "table \"", table.name, "\": its rows, repeated for each row that names them, do not fit in ",
      "one Arrow array (", repeated.status().message(), "); lower batch.max_keys");
}

/// The columns of `rows`, then one for each table that hangs on them; `owner`: their table, null for the keys.
arrow::Result<RowsPtr> WithMembers(const std::vector<BatchTable>& tables, const RowsPtr& rows,
                                   const BatchTable* owner) {
  arrow::FieldVector fields = rows->schema()->fields();
  arrow::ArrayVector columns = rows->columns();
  for (const BatchTable& table : tables) {
    const bool hangs_here =
        table.link ? owner != nullptr && table.link->table == owner->name : owner == nullptr;
    if (!hangs_here) continue;
    if (!rows->schema()->GetAllFieldIndices(table.name).empty()) {
      return arrow::Status::Invalid(
          "table \"", table.name, "\" has the name of a ",
          owner == nullptr ? "key column" : "column of table \"" + owner->name + "\"");
    }
    BatchTable member = table;
    ARROW_ASSIGN_OR_RAISE(member.rows, WithMembers(tables, table.rows, &table));
    if (table.mapping != nullptr) {
      ARROW_ASSIGN_OR_RAISE(member, Repeated(member));
    }
    const bool is_list = table.rows_per_key == Cardinality::kAny;
    ARROW_ASSIGN_OR_RAISE(auto column, is_list ? AsLists(member) : AsStructs(member));
    fields.push_back(arrow::field(table.name, column->type(), /*nullable=*/!is_list));
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows->num_rows(),
                                  std::move(columns));
}

}  // namespace

arrow::Result<RowsPtr> Batch::nested() const { return WithMembers(tables_, keys_, nullptr); }

}  // namespace sheaf
