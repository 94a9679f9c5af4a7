// Equal rows in equal buffers: an Arrow file holds the buffers as they are, and these hold more
// than the rows show, depending on how the rows came together.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <memory>

namespace sheaf {

/// The same rows in buffers that depend on nothing but them: offset 0, a bitmap only where there
/// are nulls, zeros (in lists and strings: nothing) beneath nulls, no bytes or bits beyond the last
/// row. Holds for children too; those of a null struct are null where their field is nullable.
/// Shares the buffers that are so already. Unions, views, dictionaries and run-end encodings stay
/// as they are.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> Canonical(
    const std::shared_ptr<arrow::RecordBatch>& rows);

}  // namespace sheaf
