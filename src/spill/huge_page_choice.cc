#include "spill/huge_page_choice.h"

#include <algorithm>

namespace sheaf {
namespace {

// What 512 faults of small pages take in a virtual machine.
constexpr std::chrono::milliseconds kSlow(1);

}  // namespace

bool HugePageChoice::Next() {
  if (left_ == 0) return true;
  --left_;
  return false;
}

void HugePageChoice::Measured(std::chrono::steady_clock::duration time) {
  if (time < kSlow) {
    pause_ = std::max(pause_ - 1, kFirstPause);
    return;
  }
  left_ = pause_;
  pause_ = std::min(4 * pause_, kLongestPause);
}

}  // namespace sheaf
