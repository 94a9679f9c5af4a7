// A table's rows in partitions of consecutive keys: what the two ways to scatter rows end in, and what
// windows are taken from.
//
//   RankScatter     the keys of the run are known: by rank, and rows of other keys are dropped   --+
//                                                                                                  +--> WindowRows
//   RangeScatter    they are not known yet: by ranges of keys that are learned from the rows     --+
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "cogroup/shared_rows.h"
#include "spill/memory_budget.h"

namespace sheaf {

struct ScatteredRows {
  std::unique_ptr<SharedRows> rows;  ///< A place a partition.
  std::vector<int64_t>
      first_ranks;             ///< Of the first key of each partition, ascending, and the end.
  std::vector<int64_t> bytes;  ///< About how many each partition has.
  bool has_ranks = false;      ///< The last column has the low 32 bits of each row's rank.

  /// Once all rows are there: a partition has as many bytes as its segments, where those are more. Its rows may be
  /// longer than most, or too few to fill them.
  void CountSegments();

  /// Appends all rows to their partitions, but for those beyond the last, and counts their bytes, which it returns. Any
  /// thread may; `mutex` guards `bytes`. Errors: those of the rows.
  arrow::Result<int64_t> Append(const SegmentSource& source, const RowsByPlace& by_partition,
                                std::mutex* mutex);
};

/// What tells how many segments are open at the same time.
struct Scattering {
  size_t partitions;  ///< Of a table.
  size_t tables;      ///< That are scattered at the same time.
  size_t threads;     ///< That scatter the rows of one table.
};

/// Rows of `places` partitions, which may become as many as `scattering` says. As many threads have segments of their
/// own as there is memory for: all that are open take a part of the budget, which outlives the rows.
std::unique_ptr<SharedRows> MakeRows(const std::shared_ptr<arrow::Schema>& schema, size_t places,
                                     const Scattering& scattering, MemoryBudget* budget);

/// For how many partitions of rows with so many columns each of the tables that are scattered at the same time has
/// memory.
int64_t MaxPartitions(size_t at_once, int columns, const MemoryBudget& budget);

}  // namespace sheaf
