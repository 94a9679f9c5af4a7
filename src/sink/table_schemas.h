// The columns that a job's output has, checked before the first batch.
#pragma once

#include <arrow/result.h>
#include <arrow/type_fwd.h>

#include <memory>
#include <vector>

#include "sheaf/batch_reader.h"
#include "sheaf/job.h"
#include "sheaf/output_options.h"

namespace sheaf {

/// The schema of each table, with its local ids where the output has them.
/// Errors: kJob, for options that go with no data; kEngine, naming the table, where it has a column
/// called as one of these, or in documents as a table that hangs on it, or a type that the format lacks.
arrow::Result<std::vector<std::shared_ptr<arrow::Schema>>> TableSchemas(
    const OutputOptions& options, const Job& job, const BatchReader& reader);

}  // namespace sheaf
