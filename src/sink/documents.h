// Batches as documents: a row a key, with the rows of its tables inside.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <memory>

#include "sheaf/batch.h"
#include "sheaf/output_options.h"

namespace sheaf {

/// Batch::nested(); for Format::kJsonl with the key columns as one column `key`: a value where the
/// key is one column, else a struct.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> Documents(const Batch& batch, Format format);

}  // namespace sheaf
