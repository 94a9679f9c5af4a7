#include "parallel/task_queue.h"

#include <system_error>
#include <utility>

namespace sheaf {

TaskQueue::~TaskQueue() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
}

void TaskQueue::Add(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    if (HasThread()) {
      tasks_.push_back(std::move(task));
      changed_.notify_one();
      return;
    }
  }
  task();
}

// Starts one more where all are at work. False where there is none at all.
bool TaskQueue::HasThread() {
  if (idle_ > tasks_.size() || threads_.size() == max_threads_) return true;
  try {
    threads_.emplace_back([this] { Work(); });
  } catch (const std::system_error&) {
    return !threads_.empty();  // the machine has none to spare: those there are do the work
  }
  return true;
}

void TaskQueue::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    changed_.wait(lock, [this] { return closed_ || !tasks_.empty(); });
    --idle_;
    if (closed_) return;
    const std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    lock.lock();
  }
}

}  // namespace sheaf
