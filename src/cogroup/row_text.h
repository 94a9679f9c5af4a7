// Rows as text, for messages.
#pragma once

#include <arrow/record_batch.h>

#include <cstdint>
#include <string>

namespace sheaf {

/// `id=7, name=x, ...` of one row; long values and long rows are cut short.
std::string RowText(const arrow::RecordBatch& rows, int64_t row);

}  // namespace sheaf
