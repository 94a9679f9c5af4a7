// How many rows the keys of one table have: counted window by window.
//
// Memory   At most 1 MiB a table, whatever the data: exact counts of groups up to 65,535 rows, above
//          that a count for each 64th of a power of two.
#pragma once

#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/status.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "sheaf/batch_reader.h"

namespace sheaf {

/// Threads: one adds, any number may ask meanwhile.
class GroupSizes {
 public:
  /// Adds the groups of a window. `rows`: of each group; `keys`: a row a group.
  arrow::Status Add(std::span<const int64_t> rows, const arrow::RecordBatch& keys);
  /// The same, from where each group starts and the end.
  arrow::Status Add(const arrow::Int32Array& offsets, const arrow::RecordBatch& keys);

  /// Adds groups without a row.
  void AddEmpty(int64_t groups);

  /// Groups without a row.
  [[nodiscard]] int64_t empty() const;

  [[nodiscard]] RowsPerKey Summary() const;

 private:
  struct LargeGroup {
    int64_t rows = 0;
    int64_t index = 0;                        // in the window that is being added
    std::shared_ptr<arrow::RecordBatch> key;  // one row; null while the window is being added
  };

  void Count(int64_t rows);
  void Consider(int64_t rows, int64_t index);
  [[nodiscard]] int64_t Percentile(int64_t percent) const;

  mutable std::mutex mutex_;     // guards all that follows
  std::vector<int64_t> counts_;  // of the groups in each bucket
  int64_t groups_ = 0;
  int64_t rows_ = 0;
  int64_t min_ = 0;
  std::vector<LargeGroup> largest_;  // most rows first
};

}  // namespace sheaf
