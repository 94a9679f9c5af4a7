// Groups of a table's share of a window, held against what the job promises.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cogroup/counters.h"
#include "cogroup/table_input.h"
#include "cogroup/table_share.h"
#include "sheaf/batch.h"

namespace sheaf {

/// Where each group starts, and the end; `counts`: rows a key. Errors: CapacityError past 2^31-1 rows.
arrow::Result<std::vector<int32_t>> GroupOffsets(std::span<const int64_t> counts);

/// That the rows of one batch exceed what Arrow's offsets hold, with the table's name.
arrow::Status TooLarge(const std::string& table, const arrow::Status& cause);

/// Checks rows_per_key in the group of every row of `keys`: drops second rows (duplicate = "first"), or fails.
/// Counts duplicates. Errors: kPolicy, naming table and key.
arrow::Status ApplyCardinality(const TableInput& input, const Policy& policy,
                               const arrow::RecordBatch& keys, TableCounters* counters,
                               TableShare* table);

/// The groups of `table` of these numbers, in this order, as often as they come; -1 is a group without rows.
/// Errors: CapacityError past 2^31-1 rows.
arrow::Result<BatchTable> TakeGroups(const BatchTable& table, const std::vector<int64_t>& groups);

/// The offsets as an array that owns them.
std::shared_ptr<arrow::Int32Array> OffsetsArray(std::vector<int32_t> offsets);

}  // namespace sheaf
