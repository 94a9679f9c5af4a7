// What has been seen of a table, as JSON: for _SUCCESS and for the last line of a run.
#pragma once

#include <arrow/result.h>

#include "sheaf/batch_reader.h"
#include "sink/json_text.h"

namespace sheaf {

/// docs/run-directory.md describes the members. Errors: a key that can't be shown.
arrow::Result<Json> TableMetricsJson(const TableMetrics& metrics);

}  // namespace sheaf
