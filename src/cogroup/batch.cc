#include "sheaf/batch.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api.h>
#include <arrow/type.h>
#include <arrow/util/checked_cast.h>
#include <arrow/util/logging.h>

#include <utility>

namespace sheaf {
namespace {

struct Range {
  int64_t begin;
  int64_t end;
};

/// The rows of a key: those of a grandchild follow their parents' rows, which stand together.
Range RangeOf(const Batch& batch, std::string_view name, int64_t key) {
  const BatchTable* table = batch.Find(name);
  ARROW_CHECK(table != nullptr) << "the job has no table \"" << name << "\"";
  Range groups = {key, key + 1};
  if (table->link) {
    ARROW_CHECK(table->link->kind == Link::Kind::kParent)
        << "table \"" << name << "\" is a reference table: its rows belong to many keys";
    groups = RangeOf(batch, table->link->table, key);
  }
  return {table->offsets->Value(groups.begin), table->offsets->Value(groups.end)};
}

/// The row of each key, null where it has none.
arrow::Result<std::shared_ptr<arrow::Array>> RowOfEachKey(const BatchTable& table) {
  arrow::Int32Builder rows;
  const int64_t num_keys = table.offsets->length() - 1;
  ARROW_RETURN_NOT_OK(rows.Reserve(num_keys));
  for (int64_t k = 0; k < num_keys; ++k) {
    const int32_t begin = table.offsets->Value(k);
    const int32_t count = table.offsets->Value(k + 1) - begin;
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
  ARROW_ASSIGN_OR_RAISE(const auto row_of_each_key, RowOfEachKey(table));
  ARROW_ASSIGN_OR_RAISE(const auto rows, table.rows->ToStructArray());
  auto structs = arrow::MakeArray(Retyped(*rows->data(), Nullable(rows->type())));
  if (row_of_each_key->null_count() == 0) return structs;
  return arrow::compute::Take(*structs, *row_of_each_key);
}

arrow::Result<std::shared_ptr<arrow::Array>> AsLists(const BatchTable& table) {
  ARROW_ASSIGN_OR_RAISE(const auto structs, table.rows->ToStructArray());
  return arrow::ListArray::FromArrays(*table.offsets, *structs);
}

}  // namespace

Batch::Batch(int64_t index, std::shared_ptr<arrow::RecordBatch> keys,
             std::vector<BatchTable> tables, bool continued)
    : index_(index), keys_(std::move(keys)), tables_(std::move(tables)), continued_(continued) {}

const BatchTable* Batch::Find(std::string_view name) const {
  for (const BatchTable& table : tables_) {
    if (table.name == name) return &table;
  }
  return nullptr;
}

std::shared_ptr<arrow::RecordBatch> Batch::table(std::string_view name) const {
  const BatchTable* table = Find(name);
  return table == nullptr ? nullptr : table->rows;
}

std::shared_ptr<arrow::Int32Array> Batch::offsets(std::string_view name) const {
  const BatchTable* table = Find(name);
  return table == nullptr ? nullptr : table->offsets;
}

std::shared_ptr<arrow::Int32Array> Batch::mapping(std::string_view name) const {
  const BatchTable* table = Find(name);
  return table == nullptr ? nullptr : table->mapping;
}

int64_t Batch::total_rows() const {
  int64_t rows = 0;
  for (const BatchTable& table : tables_) rows += table.rows->num_rows();
  return rows;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> Batch::nested() const {
  arrow::FieldVector fields = keys_->schema()->fields();
  arrow::ArrayVector columns = keys_->columns();
  for (const BatchTable& table : tables_) {
    if (table.link) continue;
    if (keys_->schema()->GetFieldIndex(table.name) >= 0) {
      return arrow::Status::Invalid("table \"", table.name, "\" has the name of a key column");
    }
    const bool is_list = table.rows_per_key == Cardinality::kAny;
    ARROW_ASSIGN_OR_RAISE(auto column, is_list ? AsLists(table) : AsStructs(table));
    fields.push_back(arrow::field(table.name, column->type(), /*nullable=*/!is_list));
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), num_keys(), std::move(columns));
}

std::shared_ptr<arrow::RecordBatch> Group::key() const { return batch_->keys()->Slice(index_, 1); }

std::shared_ptr<arrow::RecordBatch> Group::rows(std::string_view table) const {
  const Range range = RangeOf(*batch_, table, index_);
  return batch_->table(table)->Slice(range.begin, range.end - range.begin);
}

int64_t Group::num_rows(std::string_view table) const {
  const Range range = RangeOf(*batch_, table, index_);
  return range.end - range.begin;
}

}  // namespace sheaf
