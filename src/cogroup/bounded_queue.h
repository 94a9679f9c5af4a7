// A queue between two threads that holds a bounded weight (bytes, or a count of items).
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace sheaf {

/// Any thread may call any method. Items are taken in the order in which they were put.
template <typename T>
class BoundedQueue {
 public:
  /// An item is let in while less than `capacity` is held, so one item always fits.
  explicit BoundedQueue(int64_t capacity) : capacity_(capacity) {}

  /// Blocks while the queue is full. False once the queue is closed: the item is gone.
  bool Push(T item, int64_t weight) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || weight_ < capacity_; });
    if (closed_) return false;
    weight_ += weight;
    items_.emplace_back(std::move(item), weight);
    changed_.notify_all();
    return true;
  }

  /// No more items will be put.
  void End() {
    const std::lock_guard lock(mutex_);
    Announce(&ended_);
  }

  /// Blocks for the next item; nullopt at the end, and once the queue is closed.
  std::optional<T> Pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || ended_ || !items_.empty(); });
    if (closed_ || items_.empty()) return std::nullopt;
    auto [item, weight] = std::move(items_.front());
    items_.pop_front();
    weight_ -= weight;
    changed_.notify_all();
    return std::move(item);
  }

  /// Blocks until no item waits. For a producer whose items are large: it makes the next one only then.
  void WaitUntilEmpty() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || items_.empty(); });
  }

  /// Drops all items; wakes and refuses everyone from now on.
  void Close() {
    const std::lock_guard lock(mutex_);
    items_.clear();
    weight_ = 0;
    Announce(&closed_);
  }

 private:
  void Announce(bool* flag) {
    *flag = true;
    changed_.notify_all();
  }

  const int64_t capacity_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<T, int64_t>> items_;  // guarded by mutex_, as is all below
  int64_t weight_ = 0;
  bool ended_ = false;
  bool closed_ = false;
};

}  // namespace sheaf
