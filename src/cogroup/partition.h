// Strategy `partition`: one unordered pass a table, and no sort.
//
//   selecting tables --> keys, rows kept --> key set --> scatter --+
//   other tables ------------------------------------>  scatter --+--> a batch a partition --> Next()
//
// A thread a table reads, one scatters and later takes partition after partition. Rows that exceed the
// memory budget wait on disk.
#pragma once

#include <memory>

#include "cogroup/table_input.h"
#include "sheaf/batch_reader.h"

namespace sheaf {

/// Starts a run that will follow `plan`. `engine` may be null where every table is a stream. Errors
/// arrive from Next().
std::unique_ptr<BatchReader> OpenPartition(std::shared_ptr<Engine> engine, ResolvedJob resolved,
                                           Plan plan);

}  // namespace sheaf
