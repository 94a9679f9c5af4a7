// One state of the data for all tables of a run, though each is read on a connection of its own.
#pragma once

#include <arrow/result.h>

#include "cogroup/table_input.h"

namespace sheaf {

/// From now on the connections of all tables show the same state, where the engine has snapshots to share. True where they
/// do. Nothing that may fail runs on the connections after that but what ends the run.
/// Errors: kEngine, naming the table whose connection does not follow.
arrow::Result<bool> ShareSnapshot(const ResolvedJob& resolved);

}  // namespace sheaf
