// The columns of a record batch, ready to be appended to segments, and how they may stand there.
#pragma once

#include <arrow/record_batch.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "cogroup/column_rows.h"
#include "cogroup/narrow_values.h"

namespace sheaf {

/// Bytes that a value takes in a segment, or the length of a text, of each column; 0 of bits.
using StoredWidths = std::vector<int>;

/// Immutable. Text may be views.
class SegmentSource {
 public:
  struct Column {
    ColumnKind kind;
    ColumnRows rows;
    int64_t longest = 0;  ///< Bytes of a text.
  };

  explicit SegmentSource(std::shared_ptr<arrow::RecordBatch> rows);
  [[nodiscard]] const std::shared_ptr<arrow::RecordBatch>& rows() const { return rows_; }
  [[nodiscard]] const Column& column(size_t c) const { return columns_[c]; }

  /// The widths in which the numbered rows fit, and others that are some more different from each other.
  [[nodiscard]] StoredWidths WidthsOf(std::span<const uint32_t> rows) const;

 private:
  std::shared_ptr<arrow::RecordBatch> rows_;
  std::vector<Column> columns_;
};

}  // namespace sheaf
