// Chooses how a job runs and says so: the strategy, the SQL of each table, and the guarantee sheet.
#pragma once

#include "cogroup/table_input.h"
#include "sheaf/batch_reader.h"

namespace sheaf {

/// The plan of a job. `engine` may be null where every table is a stream. Asks the engine how it would
/// run each query; reads no rows.
Plan MakePlan(const Engine* engine, const ResolvedJob& resolved);

}  // namespace sheaf
