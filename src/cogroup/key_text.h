// A key from its text.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <memory>
#include <string>
#include <vector>

namespace sheaf {

/// One row of `schema` from a text a column, such as `7`, `0.5` or `2026-01-31`.
/// Errors: kJob: too few or too many texts, or one that does not read as the column's type.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> ReadKey(
    const std::vector<std::string>& texts, const std::shared_ptr<arrow::Schema>& schema);

}  // namespace sheaf
