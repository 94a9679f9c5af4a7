// How many bytes of rows the keys up to a rank have, over all tables whose rows are in their partitions: windows are
// planned by it before a row of them is loaded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cogroup/scattered_rows.h"

namespace sheaf {

/// Used by one thread at a time.
class BytesByRank {
 public:
  /// All rows of one table more.
  void Add(const ScatteredRows& rows);

  /// Tables added.
  [[nodiscard]] size_t tables() const { return tables_.size(); }

  /// Of the keys below `rank`, which is at most the number of keys. Rows are taken as spread evenly within a partition.
  [[nodiscard]] int64_t Below(int64_t rank) const;

  /// The end of a window of keys from `begin` on, at most up to `most`, which is greater: as many as have at most
  /// `bytes`, and at least one.
  [[nodiscard]] int64_t EndWithin(int64_t begin, int64_t most, int64_t bytes) const;

 private:
  struct Table {
    std::vector<int64_t> first_ranks;
    std::vector<int64_t> sums;  // up to each partition, and of all
  };

  std::vector<Table> tables_;
};

}  // namespace sheaf
