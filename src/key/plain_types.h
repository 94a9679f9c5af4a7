// Turns the columns of an engine into plain ones: string views into strings, dictionaries and run-end
// encodings into their values. Arrow C++ has few kernels for views, and plain columns make the same
// bytes in every run, however an engine happened to encode them.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type_fwd.h>

#include <memory>
#include <vector>

namespace sheaf {

/// The schema with plain types, metadata of fields kept; the very same object where all are plain.
std::shared_ptr<arrow::Schema> PlainSchema(const std::shared_ptr<arrow::Schema>& schema);

/// The batch with its columns cast to `plain`, which PlainSchema made from the batch's own schema.
/// Columns that are plain already are not copied. Errors: Invalid, or those of a cast, where the
/// batch has another schema.
/// `keeps_views`: numbers of columns whose text may stay views, where that is all that is not plain: what copies
/// their rows later can read views.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> ToPlain(
    const std::shared_ptr<arrow::RecordBatch>& batch, const std::shared_ptr<arrow::Schema>& plain,
    const std::vector<int>& keeps_views = {});

}  // namespace sheaf
