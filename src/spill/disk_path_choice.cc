#include "spill/disk_path_choice.h"

namespace sheaf {
namespace {

// A way is looked at after so many bytes.
constexpr int64_t kMeasuredBytes = int64_t{32} << 20;

// Bytes a second from which on a way is fast. A cache with pages at hand takes three times as many, and one without
// less than half.
constexpr double kFastCache = 1e9;
constexpr double kFastDisk = 400e6;

}  // namespace

DiskPath DiskPathChoice::Next(int64_t bytes) {
  const bool is_first = bytes_ < cached_first_;
  bytes_ += bytes;
  if (Of(DiskPath::kDirect).is_slow) return DiskPath::kCached;
  return is_first && !Of(DiskPath::kCached).is_slow ? DiskPath::kCached : DiskPath::kDirect;
}

void DiskPathChoice::Measured(DiskPath path, int64_t bytes,
                              std::chrono::steady_clock::duration time) {
  Way& way = Of(path);
  way.bytes += bytes;
  way.time += time;
  if (way.bytes < kMeasuredBytes) return;
  const double fast = path == DiskPath::kCached ? kFastCache : kFastDisk;
  const double seconds = std::chrono::duration<double>(way.time).count();
  way = {way.is_slow || static_cast<double>(way.bytes) < fast * seconds};
}

void DiskPathChoice::RuleOutDirect() { Of(DiskPath::kDirect).is_slow = true; }

}  // namespace sheaf
