#include "parallel/parallel.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace sheaf {

arrow::Status RunInParallel(size_t count, const std::function<arrow::Status(size_t)>& task) {
  static const size_t kCores =
      std::max(std::thread::hardware_concurrency(), 1U);  // asks the system
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  arrow::Status first_error;
  const auto work = [&] {
    for (size_t i = next++; i < count; i = next++) {
      const arrow::Status status = task(i);
      if (status.ok()) continue;
      next = count;
      const std::lock_guard lock(mutex);
      if (first_error.ok()) first_error = status;
    }
  };

  // Not Arrow's pool: what reads the next batch works there and must not wait for a disk.
  {
    std::vector<std::jthread> helpers;
    while (helpers.size() + 1 < std::min(count, kCores)) {
      try {
        helpers.emplace_back(work);
      } catch (const std::system_error&) {
        break;  // the machine has no thread to spare: those there are do the work
      }
    }
    work();
  }
  return first_error;
}

}  // namespace sheaf
