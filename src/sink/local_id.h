// The column `local_id`: the number of a row's group within its batch, from 0 on.
#pragma once

#include <arrow/result.h>
#include <arrow/type_fwd.h>

#include <memory>

#include "sheaf/batch.h"
#include "sheaf/output_options.h"

namespace sheaf {

/// The schema of a table with the column in front; as it is for LocalId::kNone.
/// Errors: without a kind, where it has such a column.
arrow::Result<std::shared_ptr<arrow::Schema>> WithLocalId(
    const std::shared_ptr<arrow::Schema>& schema, LocalId type);

/// The batch with the column in front of every table; as it is for LocalId::kNone.
/// Errors: as above; more keys than the type can count.
arrow::Result<Batch> WithLocalIds(const Batch& batch, LocalId type);

}  // namespace sheaf
