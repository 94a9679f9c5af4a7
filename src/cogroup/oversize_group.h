// A key whose rows are too many for one batch, in pieces: all of the first table, then those of the next, in
// each piece as many rows as fit, and at least one.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "cogroup/row_sizes.h"
#include "cogroup/table_share.h"

namespace sheaf {

/// Used by one thread at a time.
class OversizeGroup {
 public:
  /// `window` has one key. `max_bytes`: of a piece (see RowSizes).
  OversizeGroup(CutWindow window, int64_t max_bytes);

  /// The key and its rows, as they were given.
  [[nodiscard]] const CutWindow& window() const { return window_; }

  /// The next piece; nullopt where no row is left. Errors: those of the spill file.
  arrow::Result<std::optional<CutWindow>> Next();

 private:
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> NextRows(size_t t, int64_t bytes,
                                                              int64_t min_rows);
  [[nodiscard]] int64_t Left(size_t t) const;

  CutWindow window_;
  int64_t max_bytes_;
  std::vector<RowSizes> sizes_;  // of the rows of each table that are in memory
  std::vector<int64_t> taken_;   // rows of each table
};

}  // namespace sheaf
