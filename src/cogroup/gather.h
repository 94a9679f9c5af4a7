// Gathers rows of many record batches into one, column by column and without a copy in between.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <memory>
#include <span>
#include <vector>

#include "cogroup/column_builder.h"

namespace sheaf {

/// The rows of `pieces` that `refs` name, in that order, in memory from RowMemory(). `schema` has plain types; a
/// column of text may be views in a piece. Nested columns go through Arrow's kernels.
/// Errors: CapacityError where the bytes of a column exceed what its offsets hold.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> Gather(
    const std::shared_ptr<arrow::Schema>& schema,
    const std::vector<std::shared_ptr<arrow::RecordBatch>>& pieces, std::span<const RowRef> refs);

/// One column of the same.
arrow::Result<std::shared_ptr<arrow::Array>> GatherColumn(
    int column, const std::shared_ptr<arrow::Schema>& schema,
    const std::vector<std::shared_ptr<arrow::RecordBatch>>& pieces, std::span<const RowRef> refs);

}  // namespace sheaf
