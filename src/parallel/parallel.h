// Work on several cores: a short burst of independent tasks.
#pragma once

#include <arrow/status.h>

#include <cstddef>
#include <functional>

namespace sheaf {

/// Calls task(0) ... task(count - 1), each once, by as many threads as there are cores, the calling thread being one
/// of those at work. Returns when all are done. After the first error, which it returns, no further task is started.
arrow::Status RunInParallel(size_t count, const std::function<arrow::Status(size_t)>& task);

}  // namespace sheaf
