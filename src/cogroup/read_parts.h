// Reads a table's rows in parts, each by a thread of its own, which goes on with what it has read: that is still in its
// core's cache, and no other thread has to be woken for it.
#pragma once

#include <arrow/status.h>

#include <functional>

#include "cogroup/chunk.h"
#include "cogroup/counters.h"
#include "cogroup/table_input.h"
#include "engine/engine_impl.h"

namespace sheaf {

/// Calls `take` with all chunks of all parts, one or more, which it may do from as many threads at the same time, the
/// caller's being one of them. Returns when all threads are done: the first error, which ends the connection and so
/// the others.
arrow::Status ReadParts(const TableInput& input, const Policy& policy,
                        const Connection::Readers& parts, TableCounters* counters,
                        const std::function<arrow::Status(Chunk*)>& take);

}  // namespace sheaf
