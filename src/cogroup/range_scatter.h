// Scatters a table's rows to partitions by ranges of their keys, as they arrive, where the keys of the run
// are not known yet: the table is one of those that select them.
//
// All rows go to one partition until that is large enough to tell how the keys are spread; then it is cut into
// many of about the same size. A partition that grows far beyond the others, for rows may come in the order of
// their keys, or nears what can be loaded at once is cut again. So most rows are copied once.
#pragma once

#include <arrow/result.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <vector>

#include "cogroup/chunk.h"
#include "cogroup/row_packing.h"
#include "cogroup/rows_by_place.h"
#include "cogroup/scattered_rows.h"
#include "cogroup/table_input.h"
#include "key/key_bounds.h"
#include "key/key_set.h"

namespace sheaf {

/// Used by one thread at a time, but for Add().
class RangeScatter {
 public:
  /// Learns the ranges. `at_once`: how many tables are scattered at the same time. `max_loaded`: bytes of a
  /// partition that may be loaded as a whole. All references outlive the rows.
  RangeScatter(const TableInput& input, size_t at_once, int64_t max_loaded, MemoryBudget* budget);
  /// Scatters to the given ranges.
  RangeScatter(const TableInput& input, KeyBounds ranges, size_t at_once, MemoryBudget* budget);

  /// Any thread may add chunks.
  arrow::Status Add(const Chunk& chunk);

  /// Leaves memory to others, where more rows are still to be read of other tables before Finish().
  [[nodiscard]] arrow::Status MakeRoom() const { return scattered_.rows->MakeRoom(); }

  /// The keys of all rows, on disk, where memory has no room for them. `max_bytes`: as DiskKeySet says. `stopped` tells
  /// several threads whether the run has ended, for this may take a while: then it fails as kStopped.
  arrow::Result<std::unique_ptr<KeySet>> MakeKeySet(int64_t max_bytes,
                                                    const std::function<bool()>& stopped);

  /// The rows by the ranks of their keys in `keys`, which has all keys that ranges were learned from. The last
  /// call.
  arrow::Result<ScatteredRows> Finish(const KeySet& keys);

 private:
  arrow::Status Append(const SegmentSource& rows, const RowsByPlace& by_partition);
  [[nodiscard]] std::optional<size_t> LastDue(size_t end) const;
  arrow::Status CutDue();
  arrow::Status Cut(size_t partition);
  arrow::Status PutBack(size_t partition, std::shared_ptr<arrow::RecordBatch> rows) const;
  arrow::Result<KeyVector> KeysOf(const arrow::RecordBatch& rows) const;

  const TableInput& input_;
  const RowPacking packing_;
  const size_t cuts_;            // parts that the first partition is cut into; 0: ranges are given
  const int64_t max_bytes_;      // of a partition, as long as there may be more of them
  const size_t max_partitions_;  // that there is memory for
  std::shared_mutex places_mutex_;           // held alone while partitions are cut
  std::shared_ptr<const KeyBounds> ranges_;  // guarded by places_mutex_, as is all below
  std::vector<int64_t> limits_;              // bytes of each partition from which on it is cut
  ScatteredRows scattered_;
  std::mutex mutex_;                // guards its bytes where places_mutex_ is shared
  std::atomic<int64_t> bytes_ = 0;  // of all partitions
};

}  // namespace sheaf
