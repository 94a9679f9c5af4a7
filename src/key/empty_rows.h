// Columns without rows, of any type: Arrow's own way to make them knows no lists or structs of extension types.
#pragma once

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type_fwd.h>

#include <memory>

namespace sheaf {

arrow::Result<std::shared_ptr<arrow::Array>> EmptyArray(
    const std::shared_ptr<arrow::DataType>& type);

arrow::Result<std::shared_ptr<arrow::RecordBatch>> EmptyRows(
    const std::shared_ptr<arrow::Schema>& schema);

}  // namespace sheaf
