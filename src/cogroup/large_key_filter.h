// Parts the rows of keys that have too many of them from all others, as the rows of a partition are loaded.
//
//   pieces of a partition --> rows of large keys --> LargeGroups
//                         --> the others, in memory
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "cogroup/gather.h"
#include "cogroup/large_groups.h"
#include "cogroup/row_packing.h"
#include "spill/row_memory.h"

namespace sheaf {

/// Used by one thread at a time.
class LargeKeyFilter {
 public:
  /// Rows, and the place of each one's key among the partition's keys; of other keys as many as there are, or
  /// more.
  struct Placed {
    std::shared_ptr<arrow::RecordBatch> piece;
    RowVector<uint32_t> places;
  };

  /// `packing`: of the pieces, which may have columns behind those of the table. `keys`: how many the partition has, of
  /// which the first is group `first` of `large`. Both outlive the filter.
  LargeKeyFilter(const RowPacking* packing, int64_t first, int64_t keys, LargeGroups* large);

  arrow::Status Add(Placed rows);

  /// The rows of all other keys. The last call.
  [[nodiscard]] std::vector<Placed> Finish() { return std::move(kept_); }

 private:
  bool Count(const Placed& added);
  [[nodiscard]] bool IsLarge(uint32_t place) const;
  arrow::Status Part(Placed* kept);
  arrow::Status MoveRows(const std::shared_ptr<arrow::RecordBatch>& piece, uint32_t place,
                         std::span<const RowRef> rows);

  const RowPacking* const packing_;
  const int64_t first_;
  LargeGroups* const large_;
  std::vector<int64_t> rows_of_;  // of each key
  std::vector<bool> is_large_;    // each key
  bool any_large_ = false;
  int64_t rows_ = 0;   // of all keys
  int64_t bytes_ = 0;  // of all keys
  std::vector<Placed> kept_;
};

}  // namespace sheaf
