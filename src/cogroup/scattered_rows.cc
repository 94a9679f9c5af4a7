#include "cogroup/scattered_rows.h"

#include <algorithm>
#include <bit>
#include <functional>

#include "cogroup/segment_layout.h"

namespace sheaf {
namespace {

constexpr int64_t kOpenPart = 5;  // of the budget, for segments that are open
constexpr int64_t kMinSegmentBytes = int64_t{16} << 10;
constexpr int64_t kMaxSegmentBytes = int64_t{128} << 10;
constexpr int64_t kGoodSegmentBytes = int64_t{32} << 10;
constexpr int64_t kMinPartitions = 16;

// Of a segment with many columns no more than a part is padding.
constexpr int64_t kPaddingPart = 4;

int64_t LeastSegmentBytes(int columns) {
  const auto bytes = static_cast<uint64_t>(kPaddingPart * SegmentPadding(columns));
  return std::max(kMinSegmentBytes, static_cast<int64_t>(std::bit_ceil(bytes)));
}

}  // namespace

void ScatteredRows::CountSegments() {
  for (size_t p = 0; p < bytes.size(); ++p) bytes[p] = std::max(bytes[p], rows->BytesOf(p));
}

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
  const int64_t least = LeastSegmentBytes(schema->num_fields());
  const int64_t segment_bytes =
      std::clamp(static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(bytes))), least,
                 std::max(least, kMaxSegmentBytes));
  return std::make_unique<SharedRows>(schema, places, segment_bytes, static_cast<size_t>(writers),
                                      budget);
}

int64_t MaxPartitions(size_t at_once, int columns, const MemoryBudget& budget) {
  const int64_t segment = std::max(kGoodSegmentBytes, LeastSegmentBytes(columns));
  return std::max<int64_t>(kMinPartitions,
                           budget.limit() / kOpenPart / static_cast<int64_t>(at_once) / segment);
}

}  // namespace sheaf
