// Ids that hold within a batch, in columns before all others. A table has
//   local_id        the number of a row's group (see BatchTable), from 0 on;
//   NAME_local_id   for each linked table NAME that hangs on it: the local_id of the rows that hang on this
//                   row; null where it names none of a reference table.
#pragma once

#include <arrow/result.h>
#include <arrow/type_fwd.h>

#include <cstddef>
#include <memory>

#include "sheaf/batch.h"
#include "sheaf/job.h"
#include "sheaf/output_options.h"

namespace sheaf {

/// The schema that `job.tables[index]` delivers, with its ids in front; as it is for LocalId::kNone.
/// Errors: without a kind, where it has a column of such a name.
arrow::Result<std::shared_ptr<arrow::Schema>> WithLocalIds(
    const std::shared_ptr<arrow::Schema>& schema, const Job& job, size_t index, LocalId type);

/// The batch with the ids in front of every table; as it is for LocalId::kNone.
/// Errors: as above; kPolicy, naming the table, where it has more groups than the type can count.
arrow::Result<Batch> WithLocalIds(const Batch& batch, LocalId type);

}  // namespace sheaf
