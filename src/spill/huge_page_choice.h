// Whether memory is taken in huge pages, by how long those before took.
#pragma once

#include <chrono>
#include <cstdint>

namespace sheaf {

/// So many bytes, and at a multiple of it. Elsewhere huge pages may be larger; this code then gets small ones.
constexpr int64_t kHugePage = int64_t{2} << 20;

/// Where the system has one at hand, a huge page is touched in a fifth of the time of as many small ones, and found
/// faster ever after. Where it must make room for one, or a virtual machine's host has taken the memory back, it takes
/// five times as long as they. Which it is goes by stretches of memory: so after a slow one there is a pause in which
/// small pages do, longer from one slow one to the next, and a little shorter for each fast one. One thread at a time.
class HugePageChoice {
 public:
  /// Whether the next one is to be huge.
  bool Next();

  /// Tells how long it took to touch a huge page.
  void Measured(std::chrono::steady_clock::duration time);

 private:
  static constexpr int kFirstPause = 8;
  static constexpr int kLongestPause = 256;

  int pause_ = kFirstPause;
  int left_ = 0;  // of the pause that runs
};

}  // namespace sheaf
