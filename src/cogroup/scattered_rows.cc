#include "cogroup/scattered_rows.h"

#include <algorithm>
#include <bit>
#include <functional>

namespace sheaf {
namespace {

constexpr int64_t kOpenPart = 5;  // of the budget, for segments that are open
constexpr int64_t kMinSegmentBytes = int64_t{16} << 10;
constexpr int64_t kMaxSegmentBytes = int64_t{128} << 10;
constexpr int64_t kGoodSegmentBytes = int64_t{32} << 10;
constexpr int64_t kMinPartitions = 16;

}  // namespace

arrow::Result<int64_t> ScatteredRows::Append(const SegmentSource& source,
                                             const RowsByPlace& by_partition, std::mutex* mutex) {
  std::vector<int64_t> added(bytes.size());
  ARROW_ASSIGN_OR_RAISE(const int64_t sum, rows->AppendAll(source, by_partition, &added));
  const std::lock_guard lock(*mutex);
  std::ranges::transform(added, bytes, bytes.begin(), std::plus());
  return sum;
}

std::unique_ptr<SharedRows> MakeRows(const std::shared_ptr<arrow::Schema>& schema, size_t places,
                                     const Scattering& scattering, MemoryBudget* budget) {
  const auto segments =
      static_cast<int64_t>(std::max<size_t>(1, scattering.partitions) * scattering.tables);
  const int64_t bytes = std::max<int64_t>(budget->limit() / kOpenPart / segments, 1);
  // Small segments would cost more than threads that wait.
  const int64_t writers =
      std::clamp<int64_t>(bytes / kMaxSegmentBytes, 1, static_cast<int64_t>(scattering.threads));
  const int64_t segment_bytes =
      std::clamp(static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(bytes))),
                 kMinSegmentBytes, kMaxSegmentBytes);
  return std::make_unique<SharedRows>(schema, places, segment_bytes, static_cast<size_t>(writers),
                                      budget);
}

int64_t MaxPartitions(size_t at_once, const MemoryBudget& budget) {
  return std::max<int64_t>(kMinPartitions, budget.limit() / kOpenPart /
                                               static_cast<int64_t>(at_once) / kGoodSegmentBytes);
}

}  // namespace sheaf
