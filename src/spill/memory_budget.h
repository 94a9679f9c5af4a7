// Counts the bytes that rows on their way hold, over all threads of a run.
#pragma once

#include <atomic>
#include <cstdint>

namespace sheaf {

/// Advisory: whoever finds it exceeded moves rows to disk. Any thread may call any method.
class MemoryBudget {
 public:
  explicit MemoryBudget(int64_t limit) : limit_(limit) {}

  void Add(int64_t bytes) { used_ += bytes; }
  void Release(int64_t bytes) { used_ -= bytes; }
  [[nodiscard]] bool Exceeded() const { return used_ > limit_; }
  [[nodiscard]] int64_t used() const { return used_; }
  [[nodiscard]] int64_t limit() const { return limit_; }

 private:
  const int64_t limit_;
  std::atomic<int64_t> used_ = 0;
};

}  // namespace sheaf
