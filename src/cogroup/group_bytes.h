// How many bytes the groups of a window have, over all tables, in memory and on disk.
#pragma once

#include <cstdint>
#include <vector>

#include "cogroup/row_sizes.h"
#include "cogroup/table_share.h"

namespace sheaf {

/// Immutable.
class GroupBytes {
 public:
  /// `window` outlives it.
  explicit GroupBytes(const CutWindow& window);

  [[nodiscard]] int64_t Of(int64_t group) const;
  /// Of groups [begin, end), without what is on disk.
  [[nodiscard]] int64_t InMemory(int64_t begin, int64_t end) const;

  /// The groups that have large rows, or more than `bytes` bytes; ascending.
  [[nodiscard]] std::vector<int64_t> Beyond(int64_t bytes) const;

 private:
  void Search(int64_t begin, int64_t end, int64_t bytes, std::vector<int64_t>* found) const;

  const CutWindow& window_;
  std::vector<RowSizes> sizes_;  // of each table
};

}  // namespace sheaf
