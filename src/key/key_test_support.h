// What the tests of keys and batches share: Arrow data written as JSON.
#pragma once

#include <arrow/api.h>
#include <arrow/json/from_string.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#

namespace sheaf::testing {

inline std::shared_ptr<arrow::Array> FromJson(const std::shared_ptr<arrow::DataType>& type,
                                              const std::string& json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

/// Rows as JSON: `[[1, "x"], [2, null]]`.
inline std::shared_ptr<arrow::RecordBatch> RowsFromJson(
    const std::shared_ptr<arrow::Schema>& schema, const std::string& json) {
  const auto rows = FromJson(arrow::struct_(schema->fields()), json);
  const auto batch = arrow::RecordBatch::FromStructArray(rows).ValueOrDie();
  return arrow::RecordBatch::Make(schema, batch->num_rows(), batch->columns());
}

}  // namespace sheaf::testing
