#include "sink/local_id.h"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/compute/cast.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sheaf/error.h"

namespace sheaf {
namespace {

constexpr const char* kName = "local_id";
constexpr int64_t kUint16Groups = int64_t{1} << 16;

bool IsReference(const std::optional<Link>& link) {
  return link && link->kind == Link::Kind::kReference;
}

/// Ids of grandchildren count rows of their parent, of which a batch may hold any number.
std::shared_ptr<arrow::DataType> TypeOf(const std::optional<Link>& link, LocalId type) {
  const bool counts_rows = link && !IsReference(link);
  return type == LocalId::kUint16 && !counts_rows ? arrow::uint16() : arrow::uint32();
}

/// The tables, of a job or of a batch, that hang on the one of this name.
template <typename AnyTable>
std::vector<const AnyTable*> LinkedTo(const std::vector<AnyTable>& tables,
                                      const std::string& name) {
  std::vector<const AnyTable*> linked;
  for (const AnyTable& table : tables) {
    if (table.link && table.link->table == name) linked.push_back(&table);
  }
  return linked;
}

template <typename AnyTable>
arrow::FieldVector IdFields(const std::vector<AnyTable>& tables, size_t index, LocalId type) {
  arrow::FieldVector fields = {
      arrow::field(kName, TypeOf(tables[index].link, type), /*nullable=*/false)};
  for (const AnyTable* linked : LinkedTo(tables, tables[index].name)) {
    fields.push_back(arrow::field(fmt::format("{}_{}", linked->name, kName),
                                  TypeOf(linked->link, type), IsReference(linked->link)));
  }
  return fields;
}

arrow::Result<std::shared_ptr<arrow::Schema>> WithInFront(
    arrow::FieldVector ids, const std::shared_ptr<arrow::Schema>& schema) {
  for (const auto& id : ids) {
    if (schema->GetAllFieldIndices(id->name()).empty()) continue;
    return arrow::Status::Invalid(
        fmt::format("it has a column \"{}\" of its own: rename that, or leave output.{} away",
                    id->name(), kName));
  }
  ids.insert(ids.end(), schema->fields().begin(), schema->fields().end());
  return arrow::schema(std::move(ids), schema->metadata());
}

std::shared_ptr<arrow::Array> ArrayOf(std::vector<int32_t> numbers) {
  const auto length = static_cast<int64_t>(numbers.size());
  return std::make_shared<arrow::Int32Array>(length, arrow::Buffer::FromVector(std::move(numbers)));
}

/// `first`: the number of the first group.
std::shared_ptr<arrow::Array> GroupOfEachRow(const arrow::Int32Array& offsets, int64_t first) {
  std::vector<int32_t> numbers;
  for (int32_t group = 0; group + 1 < offsets.length(); ++group) {
    numbers.resize(static_cast<size_t>(offsets.Value(group + 1)),
                   static_cast<int32_t>(first) + group);
  }
  return ArrayOf(std::move(numbers));
}

std::shared_ptr<arrow::Array> NumberOfEachRow(const arrow::RecordBatch& rows) {
  std::vector<int32_t> numbers(static_cast<size_t>(rows.num_rows()));
  std::iota(numbers.begin(), numbers.end(), 0);
  return ArrayOf(std::move(numbers));
}

/// In the order of IdFields(). Ids that count keys begin with `first_key`.
arrow::ArrayVector IdNumbers(const std::vector<BatchTable>& tables, const BatchTable& table,
                             int64_t first_key) {
  arrow::ArrayVector numbers = {GroupOfEachRow(*table.offsets, table.link ? 0 : first_key)};
  for (const BatchTable* linked : LinkedTo(tables, table.name)) {
    numbers.push_back(IsReference(linked->link) ? linked->mapping : NumberOfEachRow(*table.rows));
  }
  return numbers;
}

arrow::Status CheckGroups(const BatchTable& table, int64_t first_key, LocalId type) {
  const int64_t groups = first_key + table.offsets->length() - 1;
  if (groups <= kUint16Groups || TypeOf(table.link, type)->id() != arrow::Type::UINT16) {
    return arrow::Status::OK();
  }
  return MakeError(
      ErrorKind::kPolicy,
      fmt::format(
          "table \"{}\" has {} keys in one batch, and output.{} = \"uint16\" counts up to {}; "
          "take \"uint32\", or lower batch.max_keys",
          table.name, groups, kName, kUint16Groups));
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> WithIds(const std::vector<BatchTable>& tables,
                                                           size_t index, int64_t first_key,
                                                           LocalId type) {
  const BatchTable& table = tables[index];
  ARROW_ASSIGN_OR_RAISE(const auto schema,
                        WithInFront(IdFields(tables, index, type), table.rows->schema()));
  arrow::ArrayVector columns;
  for (const auto& numbers : IdNumbers(tables, table, first_key)) {
    const auto& field = schema->field(static_cast<int>(columns.size()));
    ARROW_ASSIGN_OR_RAISE(auto ids, arrow::compute::Cast(*numbers, field->type()));
    columns.push_back(std::move(ids));
  }
  const arrow::ArrayVector& rest = table.rows->columns();
  columns.insert(columns.end(), rest.begin(), rest.end());
  return arrow::RecordBatch::Make(schema, table.rows->num_rows(), std::move(columns));
}

}  // namespace

arrow::Result<std::shared_ptr<arrow::Schema>> WithLocalIds(
    const std::shared_ptr<arrow::Schema>& schema, const Job& job, size_t index, LocalId type) {
  if (type == LocalId::kNone) return schema;
  return WithInFront(IdFields(job.tables, index, type), schema);
}

arrow::Result<Batch> WithLocalIds(const Batch& batch, LocalId type) {
  if (type == LocalId::kNone) return batch;
  std::vector<BatchTable> tables = batch.tables();
  const int64_t first_key = batch.part().first_key;
  for (const BatchTable& table : tables) ARROW_RETURN_NOT_OK(CheckGroups(table, first_key, type));
  for (size_t t = 0; t < tables.size(); ++t) {
    ARROW_ASSIGN_OR_RAISE(tables[t].rows, WithIds(batch.tables(), t, first_key, type));
  }
  return Batch(batch.index(), batch.keys(), std::move(tables), batch.continued(), batch.part());
}

}  // namespace sheaf
