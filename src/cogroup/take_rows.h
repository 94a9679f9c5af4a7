// Takes rows of a record batch by their numbers.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace sheaf {

/// A copy of the rows of these numbers, in this order. Errors: IndexError where there is no such row.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> TakeRows(
    const std::shared_ptr<arrow::RecordBatch>& rows, std::vector<int64_t> numbers);
arrow::Result<std::shared_ptr<arrow::RecordBatch>> TakeRows(
    const std::shared_ptr<arrow::RecordBatch>& rows, std::vector<int32_t> numbers);

}  // namespace sheaf
