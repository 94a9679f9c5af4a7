// Work on several cores: a short burst of independent tasks, and one task beside the caller's.
#pragma once

#include <arrow/status.h>

#include <cstddef>
#include <functional>
#include <future>
#include <system_error>
#include <utility>

namespace sheaf {

/// Calls task(0) ... task(count - 1), each once, by as many threads as there are cores, the calling thread being one
/// of those at work. Returns when all are done. After the first error, which it returns, no further task is started.
arrow::Status RunInParallel(size_t count, const std::function<arrow::Status(size_t)>& task);

/// Calls the task by a thread of its own, or where the machine has none to spare when its result is asked for. The
/// future's destructor waits for it.
template <typename Task>
auto RunAside(Task task) {
  try {
    return std::async(std::launch::async, task);
  } catch (const std::system_error&) {
    return std::async(std::launch::deferred, std::move(task));
  }
}

}  // namespace sheaf
