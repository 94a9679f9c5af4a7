#include "cogroup/group_bytes.h"

#include <arrow/array.h>

#include <algorithm>

namespace sheaf {

GroupBytes::GroupBytes(const CutWindow& window) : window_(window) {
  for (const TableShare& table : window.tables) sizes_.emplace_back(table.rows);
}

int64_t GroupBytes::Of(int64_t group) const {
  int64_t bytes = InMemory(group, group + 1);
  for (const TableShare& table : window_.tables) {
    const LargeRows* large = FindLarge(table, group);
    if (large != nullptr) bytes += large->bytes();
  }
  return bytes;
}

std::vector<int64_t> GroupBytes::Beyond(int64_t bytes) const {
  std::vector<int64_t> found;
  for (const TableShare& table : window_.tables) {
    for (const LargeGroup& large : table.large) found.push_back(large.group);
  }
  Search(0, window_.keys->num_rows(), bytes, &found);
  std::ranges::sort(found);
  const auto repeats = std::ranges::unique(found);
  found.erase(repeats.begin(), repeats.end());
  return found;
}

int64_t GroupBytes::InMemory(int64_t begin, int64_t end) const {
  int64_t bytes = 0;
  for (size_t t = 0; t < sizes_.size(); ++t) {
    const arrow::Int32Array& offsets = *window_.tables[t].offsets;
    bytes += sizes_[t].Of(offsets.Value(begin), offsets.Value(end));
  }
  return bytes;
}

// Most windows are small as a whole, and halves of others: few groups are looked at by themselves.
void GroupBytes::Search(int64_t begin, int64_t end, int64_t bytes,
                        std::vector<int64_t>* found) const {
  if (begin == end || InMemory(begin, end) <= bytes) return;
  if (end - begin == 1) {
    found->push_back(begin);
    return;
  }
  const int64_t middle = begin + (end - begin) / 2;
  Search(begin, middle, bytes, found);
  Search(middle, end, bytes, found);
}

}  // namespace sheaf
