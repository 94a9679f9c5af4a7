// Work on several cores: a short burst of independent tasks.
#pragma once

#include <arrow/status.h>

#include <cstddef>
#include <functional>
#include <memory>

#include "parallel/task_queue.h"

namespace sheaf {

/// Of the machine; at least one.
size_t Cores();

/// The threads that help in bursts, as many as there are cores. They end with the last hold on them, so who has
/// many bursts holds them from the first to the last: to start a thread takes as long as a small task.
std::shared_ptr<TaskQueue> BurstThreads();

/// Calls task(0) ... task(count - 1), each once, by at most as many threads as there are cores, the calling thread
/// being one of them. Returns when all are done. After an error no further task is started. Of several it returns that of
/// the lowest task, as if they were done one after another.
arrow::Status RunInParallel(size_t count, const std::function<arrow::Status(size_t)>& task);

/// The same of tasks that can't fail.
void ForEachInParallel(size_t count, const std::function<void(size_t)>& task);

}  // namespace sheaf
