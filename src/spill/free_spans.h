// Spans of memory that are free, by place and by size.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>

namespace sheaf {

/// Spans that touch are one. One thread at a time.
class FreeSpans {
 public:
  void Insert(uint8_t* span, int64_t size);

  /// From the smallest span that is large enough; null where none is.
  uint8_t* Take(int64_t size);

  /// And its size. There must be one.
  std::pair<uint8_t*, int64_t> TakeLargest();

  [[nodiscard]] int64_t bytes() const { return bytes_; }

 private:
  using Sizes = std::map<uint8_t*, int64_t>;
  using BySize = std::set<std::pair<int64_t, uint8_t*>>;

  std::pair<uint8_t*, int64_t> Remove(BySize::iterator which);
  Sizes::iterator Erase(Sizes::iterator span);

  Sizes sizes_;
  BySize by_size_;
  int64_t bytes_ = 0;
};

}  // namespace sheaf
