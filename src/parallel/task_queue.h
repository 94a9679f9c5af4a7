// A few threads that do tasks in the order in which these were added.
// (Arrow's pool does the same, but ThreadSanitizer can't look into it.)
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace sheaf {

/// Any thread may call any method.
class TaskQueue {
 public:
  /// `max_threads`: so many tasks are done at the same time, at most. Threads are started as tasks come.
  explicit TaskQueue(size_t max_threads) : max_threads_(max_threads) {}
  ~TaskQueue();  ///< Waits for the tasks that have begun, and drops the others.
  TaskQueue(const TaskQueue&) = delete;
  TaskQueue& operator=(const TaskQueue&) = delete;

  /// Does the task, which does not throw, some time later; at once where the machine has no thread to spare.
  void Add(std::function<void()> task);

  /// The same for a task that has a result. Of a task that is dropped the future is broken.
  template <typename Task>
  std::future<std::invoke_result_t<Task>> Ask(Task task) {
    using Asked = std::packaged_task<std::invoke_result_t<Task>()>;
    const auto asked = std::make_shared<Asked>(std::move(task));
    Add([asked] { (*asked)(); });
    return asked->get_future();
  }

 private:
  bool HasThread();
  void Work();

  const size_t max_threads_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;  // guarded by mutex_, as are the next three
  size_t idle_ = 0;                          // threads
  bool closed_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace sheaf
