#include "cogroup/scattered_rows.h"

#include <algorithm>
#include <bit>

namespace sheaf {
namespace {

constexpr int64_t kOpenPart = 5;  // of the budget, for segments that are open
constexpr int64_t kMinSegmentBytes = int64_t{16} << 10;
constexpr int64_t kMaxSegmentBytes = int64_t{128} << 10;
constexpr int64_t kGoodSegmentBytes = int64_t{32} << 10;
constexpr int64_t kMinPartitions = 16;

}  // namespace

int64_t SegmentBytes(int64_t partitions, size_t at_once, const MemoryBudget& budget) {
  const int64_t segments = std::max<int64_t>(1, partitions) * static_cast<int64_t>(at_once);
  const int64_t bytes = std::max<int64_t>(budget.limit() / kOpenPart / segments, 1);
  return std::clamp(static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(bytes))),
                    kMinSegmentBytes, kMaxSegmentBytes);
}

int64_t MaxPartitions(size_t at_once, const MemoryBudget& budget) {
  return std::max<int64_t>(kMinPartitions, budget.limit() / kOpenPart /
                                               static_cast<int64_t>(at_once) / kGoodSegmentBytes);
}

}  // namespace sheaf
