// How a block of memory is divided into the columns of some rows.
//
//   | head: what is filled | id: validity | id: 1 to 8 bytes a row | name: validity | name: lengths | name: bytes ... |
#pragma once

#include <arrow/record_batch.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "cogroup/column_rows.h"
#include "cogroup/segment_source.h"

namespace sheaf {

/// What a block says of all columns, and after that of each.
struct SegmentHead {
  int64_t rows = 0;

  struct Column {
    int64_t base = 0;  ///< Of narrow values.
    int64_t heap_used = 0;
    int64_t nulls = 0;
  };

  /// Bytes that the head of a block takes, with those of so many columns.
  static int64_t Bytes(int64_t columns);
  /// The heads of the columns, which follow this.
  [[nodiscard]] Column* columns() { return reinterpret_cast<Column*>(this + 1); }
  [[nodiscard]] const Column* columns() const { return reinterpret_cast<const Column*>(this + 1); }
};

/// `bytes` rounded up to where a column may begin.
int64_t SegmentAligned(int64_t bytes);

/// Bytes of a block for so many columns that hold none of their values, at most.
int64_t SegmentPadding(int64_t columns);

/// How a table's segments divide their blocks. Immutable; shared by them.
class SegmentLayout {
 public:
  /// Where a column stands in a block.
  struct Column {
    ColumnKind kind;
    int width = 0;           ///< Bytes a value, or an offset.
    int stored = 0;          ///< Bytes a value in the block, or a length.
    int64_t values = 0;      ///< Where in the block: values, or lengths.
    int64_t validity = 0;    ///< Where.
    int64_t heap = 0;        ///< Where, of binary columns.
    int64_t heap_bytes = 0;  ///< How long.

    [[nodiscard]] bool is_narrow() const { return kind == ColumnKind::kFixed && stored < width; }
    /// Bytes of so many values, or offsets, that do not stand in the block as they are.
    [[nodiscard]] int64_t WideBytes(int64_t rows) const;
  };

  /// Blocks of about `bytes` for rows like those of `sample`, which has some: for one row that is shorter where these
  /// are too long. `schema`: its plain types.
  static std::shared_ptr<const SegmentLayout> ForRowsLike(
      const std::shared_ptr<arrow::Schema>& schema, const SegmentSource& sample,
      const StoredWidths& widths, int64_t bytes);
  /// A block for one row, number `row` of `rows`, however long it is. The same as `last`, that of another such row or
  /// null, where that is not much too large: what is kept of layouts is for few, and blocks on disk for many.
  static std::shared_ptr<const SegmentLayout> ForRow(
      const std::shared_ptr<arrow::Schema>& schema, const arrow::RecordBatch& rows, uint32_t row,
      const std::shared_ptr<const SegmentLayout>& last);

  [[nodiscard]] int64_t rows() const { return rows_; }
  [[nodiscard]] int64_t bytes() const { return bytes_; }
  /// Bytes that a row takes in a batch on average.
  [[nodiscard]] int64_t plain_row_bytes() const { return plain_bytes_ / rows_; }
  [[nodiscard]] StoredWidths widths() const;
  [[nodiscard]] const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }
  [[nodiscard]] const std::vector<Column>& columns() const { return columns_; }

 private:
  SegmentLayout(std::shared_ptr<arrow::Schema> schema, int64_t num_rows, const StoredWidths& widths,
                const std::vector<int64_t>& heap_bytes);

  std::shared_ptr<arrow::Schema> schema_;
  std::vector<Column> columns_;
  int64_t rows_ = 0;
  int64_t bytes_ = 0;
  int64_t plain_bytes_ = 0;
};

}  // namespace sheaf
