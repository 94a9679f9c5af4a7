// A key as JSON, for the commit log.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>

#include "sink/json_text.h"

namespace sheaf {

/// One row of key columns as an object, {"id":7}. docs/run-directory.md says how each type looks.
arrow::Result<Json> KeyJson(const arrow::RecordBatch& keys, int64_t row);

}  // namespace sheaf
