// Lets so many threads do what takes much memory at the same time, and no more: such as to read a query, whose
// engine holds what no budget counts.
// (A std::counting_semaphore can't tell those who wait that the run has ended.)
#pragma once

#include <condition_variable>
#include <mutex>

namespace sheaf {

/// Any thread may call any method.
class MemoryTurns {
 public:
  explicit MemoryTurns(int at_once) : free_(at_once) {}

  /// Blocks until the caller may go on; false once closed.
  bool Begin() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closed_ || free_ > 0; });
    if (closed_) return false;
    --free_;
    return true;
  }

  /// What a Begin() that was true let in is done.
  void End() {
    const std::lock_guard lock(mutex_);
    ++free_;
    changed_.notify_one();
  }

  /// Wakes and refuses everyone from now on.
  void Close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int free_;
  bool closed_ = false;
};

}  // namespace sheaf
