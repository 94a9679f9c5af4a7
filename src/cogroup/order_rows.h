// Puts the rows of each group in the table's order by naming them so: no row is moved.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/status.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cogroup/column_builder.h"
#include "cogroup/table_input.h"
#include "spill/row_memory.h"

namespace sheaf {

/// `refs` names the rows of `pieces` group after group, or is empty where they stand so in `runs`; `counts`: rows a
/// group. Afterwards it names them with each group in order, as far as the columns of order_by alone tell it, and is
/// still empty where they stand so. Where there is much to order all cores do it.
/// Errors: kEngine where Arrow's offsets don't hold the rows of a group.
arrow::Status OrderRows(const TableInput& input,
                        const std::vector<std::shared_ptr<arrow::RecordBatch>>& pieces,
                        std::span<const RowRun> runs, std::span<const int64_t> counts,
                        RowVector<RowRef>* refs);

}  // namespace sheaf
