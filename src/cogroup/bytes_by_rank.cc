#include "cogroup/bytes_by_rank.h"

#include <algorithm>
#include <ranges>
#include <utility>

namespace sheaf {

void BytesByRank::Add(const ScatteredRows& rows) {
  Table table{rows.first_ranks, {0}};
  table.sums.reserve(rows.bytes.size() + 1);
  for (const int64_t bytes : rows.bytes) table.sums.push_back(table.sums.back() + bytes);
  tables_.push_back(std::move(table));
}

int64_t BytesByRank::Below(int64_t rank) const {
  int64_t bytes = 0;
  for (const auto& [first_ranks, sums] : tables_) {
    const auto above = std::ranges::upper_bound(first_ranks, rank);
    if (above == first_ranks.end()) {
      bytes += sums.back();
      continue;
    }
    const auto p = static_cast<size_t>(above - first_ranks.begin()) - 1;
    const auto part = static_cast<double>(rank - first_ranks[p]) /
                      static_cast<double>(first_ranks[p + 1] - first_ranks[p]);
    bytes += sums[p] + static_cast<int64_t>(part * static_cast<double>(sums[p + 1] - sums[p]));
  }
  return bytes;
}

int64_t BytesByRank::EndWithin(int64_t begin, int64_t most, int64_t bytes) const {
  const int64_t limit = Below(begin) + bytes;
  const auto ends = std::views::iota(begin + 1, most);
  const auto end =
      std::ranges::partition_point(ends, [&](int64_t rank) { return Below(rank + 1) <= limit; });
  return end == ends.end() ? most : *end;
}

}  // namespace sheaf
