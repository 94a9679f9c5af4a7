#include "key/plain_types.h"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/builder.h>
#include <arrow/compute/api.h>
#include <arrow/compute/initialize.h>
#include <arrow/extension_type.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <arrow/util/checked_cast.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "sheaf/error.h"

namespace sheaf {
namespace {

using arrow::internal::checked_cast;

std::shared_ptr<arrow::DataType> PlainType(const std::shared_ptr<arrow::DataType>& type);

std::shared_ptr<arrow::Field> PlainField(const std::shared_ptr<arrow::Field>& field) {
  const auto plain = PlainType(field->type());
  return plain == field->type() ? field : field->WithType(plain);
}

// The plain fields, and whether any differs from its original.
std::pair<arrow::FieldVector, bool> PlainFields(const arrow::FieldVector& fields) {
  arrow::FieldVector plain;
  bool changed = false;
  for (const auto& field : fields) {
    plain.push_back(PlainField(field));
    changed = changed || plain.back() != field;
  }
  return {std::move(plain), changed};
}

std::shared_ptr<arrow::DataType> PlainType(const std::shared_ptr<arrow::DataType>& type) {
  switch (type->id()) {
    case arrow::Type::STRING_VIEW:
      return arrow::utf8();
    case arrow::Type::BINARY_VIEW:
      return arrow::binary();
    case arrow::Type::DICTIONARY:
      return PlainType(checked_cast<const arrow::DictionaryType&>(*type).value_type());
    case arrow::Type::RUN_END_ENCODED:
      return PlainType(checked_cast<const arrow::RunEndEncodedType&>(*type).value_type());
    case arrow::Type::EXTENSION: {
      const auto& storage = checked_cast<const arrow::ExtensionType&>(*type).storage_type();
      const auto plain = PlainType(storage);
      return plain == storage ? type : plain;  // it is no such extension any more
    }
    default:
      break;
  }
  auto [children, changed] = PlainFields(type->fields());
  if (!changed) return type;
  switch (type->id()) {
    case arrow::Type::LIST:
      return arrow::list(children[0]);
    case arrow::Type::LARGE_LIST:
      return arrow::large_list(children[0]);
    case arrow::Type::FIXED_SIZE_LIST:
      return arrow::fixed_size_list(
          children[0], checked_cast<const arrow::FixedSizeListType&>(*type).list_size());
    case arrow::Type::STRUCT:
      return arrow::struct_(children);
    case arrow::Type::MAP:
      return std::make_shared<arrow::MapType>(
          children[0], checked_cast<const arrow::MapType&>(*type).keys_sorted());
    case arrow::Type::LIST_VIEW:
      return arrow::list_view(children[0]);
    case arrow::Type::LARGE_LIST_VIEW:
      return arrow::large_list_view(children[0]);
    case arrow::Type::SPARSE_UNION:
      return arrow::sparse_union(children,
                                 checked_cast<const arrow::UnionType&>(*type).type_codes());
    case arrow::Type::DENSE_UNION:
      return arrow::dense_union(children,
                                checked_cast<const arrow::UnionType&>(*type).type_codes());
    default:
      return type;
  }
}

bool IsText(const arrow::DataType& type) {
  return arrow::is_base_binary_like(type.id()) || arrow::is_binary_view_like(type.id());
}

arrow::Status InitializeKernels() {
  static const arrow::Status kStatus = arrow::compute::Initialize();
  return kStatus;
}

arrow::Result<std::shared_ptr<arrow::Array>> CastColumn(
    const std::shared_ptr<arrow::Array>& column, const std::shared_ptr<arrow::DataType>& type);

// A nested column with its children cast one by one: kernels for whole nested types miss some pairs.
arrow::Result<std::shared_ptr<arrow::Array>> CastChildren(
    const std::shared_ptr<arrow::Array>& column, const std::shared_ptr<arrow::DataType>& type) {
  const auto data = column->data()->Copy();
  data->type = type;
  for (int c = 0; c < type->num_fields(); ++c) {
    const auto child = static_cast<size_t>(c);
    ARROW_ASSIGN_OR_RAISE(
        const auto cast,
        CastColumn(arrow::MakeArray(column->data()->child_data[child]), type->field(c)->type()));
    data->child_data[child] = cast->data();
  }
  return arrow::MakeArray(data);
}

// The number of the run that each row is in: Arrow's own decoder knows neither views nor lists.
arrow::Result<std::shared_ptr<arrow::Array>> RunOfEachRow(const arrow::RunEndEncodedArray& runs) {
  ARROW_ASSIGN_OR_RAISE(const auto cast, arrow::compute::Cast(*runs.run_ends(), arrow::int64()));
  const auto& ends = checked_cast<const arrow::Int64Array&>(*cast);
  arrow::Int64Builder indices;
  ARROW_RETURN_NOT_OK(indices.Reserve(runs.length()));
  int64_t run = runs.FindPhysicalOffset();
  for (int64_t row = runs.offset(); row < runs.offset() + runs.length(); ++row) {
    while (ends.Value(run) <= row) ++run;
    indices.UnsafeAppend(run);
  }
  return indices.Finish();
}

arrow::Result<std::shared_ptr<arrow::Array>> CastColumn(
    const std::shared_ptr<arrow::Array>& column, const std::shared_ptr<arrow::DataType>& type) {
  if (column->type()->Equals(*type)) return column;
  if (column->type_id() == arrow::Type::DICTIONARY) {
    const auto& dictionary = checked_cast<const arrow::DictionaryArray&>(*column);
    ARROW_ASSIGN_OR_RAISE(const auto values, CastColumn(dictionary.dictionary(), type));
    ARROW_ASSIGN_OR_RAISE(auto taken, arrow::compute::Take(*values, *dictionary.indices()));
    return taken;
  }
  if (column->type_id() == arrow::Type::RUN_END_ENCODED) {
    const auto& runs = checked_cast<const arrow::RunEndEncodedArray&>(*column);
    ARROW_ASSIGN_OR_RAISE(const auto values, CastColumn(runs.values(), type));
    ARROW_ASSIGN_OR_RAISE(const auto indices, RunOfEachRow(runs));
    ARROW_ASSIGN_OR_RAISE(auto taken, arrow::compute::Take(*values, *indices));
    return taken;
  }
  if (column->type_id() == arrow::Type::EXTENSION) {
    return CastColumn(checked_cast<const arrow::ExtensionArray&>(*column).storage(), type);
  }
  // Drivers guess the type of what has no value.
  if (column->null_count() == column->length()) {
    return arrow::MakeArrayOfNull(type, column->length());
  }
  if (IsText(*column->type()) && !IsText(*type)) {
    return arrow::Status::TypeError("came as ", column->type()->ToString(),
                                    ", where the driver had told ", type->ToString(),
                                    "; CAST it in the query");
  }
  const bool alike =
      column->type_id() == type->id() && column->type()->num_fields() == type->num_fields();
  if (alike && type->num_fields() > 0) return CastChildren(column, type);
  return arrow::compute::Cast(*column, type);
}

}  // namespace

std::shared_ptr<arrow::Schema> PlainSchema(const std::shared_ptr<arrow::Schema>& schema) {
  auto [fields, changed] = PlainFields(schema->fields());
  return changed ? arrow::schema(std::move(fields), schema->metadata()) : schema;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> ToPlain(
    const std::shared_ptr<arrow::RecordBatch>& batch, const std::shared_ptr<arrow::Schema>& plain,
    const std::vector<int>& keeps_views) {
  ARROW_RETURN_NOT_OK(InitializeKernels());
  if (batch->num_columns() != plain->num_fields()) {
    return arrow::Status::Invalid("a batch has ", batch->num_columns(), " columns and its schema ",
                                  plain->num_fields());
  }
  arrow::ArrayVector columns;
  arrow::FieldVector fields = plain->fields();
  bool kept = false;
  for (int c = 0; c < batch->num_columns(); ++c) {
    auto& field = fields[static_cast<size_t>(c)];
    const auto& column = batch->column(c);
    if (arrow::is_binary_view_like(column->type_id()) && std::ranges::count(keeps_views, c) > 0 &&
        PlainType(column->type())->Equals(*field->type())) {
      field = field->WithType(column->type());
      columns.push_back(column);
      kept = true;
      continue;
    }
    auto cast = CastColumn(column, field->type());
    if (!cast.ok()) return WithContext(cast.status(), "column \"" + field->name() + "\"");
    columns.push_back(*std::move(cast));
  }
  return arrow::RecordBatch::Make(kept ? arrow::schema(std::move(fields)) : plain,
                                  batch->num_rows(), std::move(columns));
}

}  // namespace sheaf
