#include "key/empty_rows.h"

#include <arrow/array/util.h>
#include <arrow/type.h>

#include <utility>

namespace sheaf {

arrow::Result<std::shared_ptr<arrow::Array>> EmptyArray(
    const std::shared_ptr<arrow::DataType>& type) {
  return arrow::MakeArrayOfNull(type, 0);
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> EmptyRows(
    const std::shared_ptr<arrow::Schema>& schema) {
  arrow::ArrayVector columns;
  for (const auto& field : schema->fields()) {
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), EmptyArray(field->type()));
  }
  return arrow::RecordBatch::Make(schema, 0, std::move(columns));
}

}  // namespace sheaf
