#include "parallel/parallel.h"

#include <algorithm>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>

namespace sheaf {
namespace {

// Helpers may come when all is done, and the task is gone.
class Burst {
 public:
  Burst(size_t count, const std::function<arrow::Status(size_t)>& task)
      : count_(count), task_(task) {}

  // Does tasks as long as there are any that nobody has begun.
  void Work() {
    std::unique_lock lock(mutex_);
    while (next_ < count_) {
      const size_t i = next_++;
      ++at_work_;
      lock.unlock();
      arrow::Status status = task_(i);
      lock.lock();
      if (!status.ok() && i < failed_) {
        failed_ = i;
        error_ = std::move(status);
        next_ = count_;
      }
      if (--at_work_ == 0) ended_.notify_all();
    }
  }

  arrow::Status Wait() {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return at_work_ == 0; });
    return error_;
  }

 private:
  const size_t count_;
  const std::function<arrow::Status(size_t)>& task_;
  std::mutex mutex_;
  std::condition_variable ended_;
  size_t next_ = 0;                                     // guarded by mutex_, as are the next three
  size_t at_work_ = 0;                                  // threads
  size_t failed_ = std::numeric_limits<size_t>::max();  // the first task that did, by number
  arrow::Status error_;                                 // its error
};

}  // namespace

size_t Cores() {
  static const size_t kCores =
      std::max(std::thread::hardware_concurrency(), 1U);  // asks the system
  return kCores;
}

std::shared_ptr<TaskQueue> BurstThreads() {
  // Never destroyed: a batch may be made while main() ends.
  static auto& mutex = *new std::mutex();
  static auto& held = *new std::weak_ptr<TaskQueue>();
  const std::lock_guard lock(mutex);
  std::shared_ptr<TaskQueue> threads = held.lock();
  if (threads == nullptr) {
    threads = std::make_shared<TaskQueue>(Cores());
    held = threads;
  }
  return threads;
}

// Not Arrow's pool: what reads the next batch works there and must not wait for a disk.
arrow::Status RunInParallel(size_t count, const std::function<arrow::Status(size_t)>& task) {
  const auto burst = std::make_shared<Burst>(count, task);
  const auto threads = count > 1 ? BurstThreads() : nullptr;
  for (size_t helper = 1; helper < std::min(count, Cores()); ++helper) {
    threads->Add([burst] { burst->Work(); });
  }
  burst->Work();
  return burst->Wait();
}

void ForEachInParallel(size_t count, const std::function<void(size_t)>& task) {
  static_cast<void>(RunInParallel(count, [&task](size_t i) {
    task(i);
    return arrow::Status::OK();
  }));
}

}  // namespace sheaf
