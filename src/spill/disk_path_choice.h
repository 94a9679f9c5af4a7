// Which way blocks go to the disk, by how fast either was for those before.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "spill/unnamed_file.h"

namespace sheaf {

/// The system's cache takes blocks at the speed of memory and gives them back so, as long as it has pages at hand. Past
/// that it must find new ones or write the old ones: then it is slower than a fast disk, and takes more of a core. So
/// the first blocks go through the cache, until they are many or it is slow, and those that follow straight to the disk,
/// until that is slow. One thread at a time.
class DiskPathChoice {
 public:
  /// `cached_first`: so many bytes go through the cache first.
  explicit DiskPathChoice(int64_t cached_first = int64_t{512} << 20)
      : cached_first_(cached_first) {}

  /// The way of the next blocks, of so many bytes.
  DiskPath Next(int64_t bytes);

  /// Tells what it took to write so many bytes that way.
  void Measured(DiskPath path, int64_t bytes, std::chrono::steady_clock::duration time);

  /// From now on all goes through the cache.
  void RuleOutDirect();

 private:
  struct Way {
    bool is_slow = false;
    int64_t bytes = 0;  // since the last look at how fast it is, as is the time
    std::chrono::steady_clock::duration time{};
  };

  [[nodiscard]] Way& Of(DiskPath path) { return ways_[path == DiskPath::kCached ? 0 : 1]; }

  int64_t cached_first_;
  std::array<Way, 2> ways_;
  int64_t bytes_ = 0;
};

}  // namespace sheaf
