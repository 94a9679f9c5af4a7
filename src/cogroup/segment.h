// Rows of one table that are appended few at a time and read as a whole: columns in one block of memory,
// each with the place it may fill.
//
//   | head: what is filled | id: validity | id: 1 to 8 bytes a row | name: validity | name: lengths | name: bytes ... |
//
// A segment is full when any column is. Fixed-width values that lie close together take fewer bytes (narrow_values),
// and so do the lengths of short texts. A value that does not fit so ends the segment too: the next one has more room
// for it. Its rows are an Arrow record batch; what is not narrow in it stands in the block. On disk it is the same
// block: the head says what is in it.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "cogroup/column_rows.h"
#include "cogroup/narrow_values.h"
#include "spill/block_store.h"

namespace sheaf {

class SegmentSource;

/// Bytes that a value takes in a segment, or the length of a text, of each column; 0 of columns that have neither.
using StoredWidths = std::vector<int>;

/// How a table's segments divide their blocks. Immutable; shared by them.
class SegmentLayout {
 public:
  /// Blocks of about `bytes` for rows like those of `sample`, which has some. `schema`: its plain types.
  static std::shared_ptr<const SegmentLayout> ForRowsLike(
      const std::shared_ptr<arrow::Schema>& schema, const SegmentSource& sample,
      const StoredWidths& widths, int64_t bytes);
  /// A block for one row, number `row` of `rows`, however long it is.
  static std::shared_ptr<const SegmentLayout> ForRow(const std::shared_ptr<arrow::Schema>& schema,
                                                     const arrow::RecordBatch& rows, uint32_t row);

  [[nodiscard]] int64_t rows() const { return rows_; }
  [[nodiscard]] int64_t bytes() const { return bytes_; }
  /// Bytes that a row of plain types takes on average.
  [[nodiscard]] int64_t plain_row_bytes() const { return plain_bytes_ / rows_; }
  [[nodiscard]] StoredWidths widths() const;

 private:
  friend class Segment;
  struct Column {
    ColumnKind kind;
    int width = 0;           // bytes a value, or an offset
    int stored = 0;          // bytes a value in the block, or a length
    int64_t values = 0;      // where in the block: values, or lengths
    int64_t validity = 0;    // where
    int64_t heap = 0;        // where, of binary columns
    int64_t heap_bytes = 0;  // how long

    [[nodiscard]] bool is_narrow() const { return kind == ColumnKind::kFixed && stored < width; }
    // What so many values take that do not stand in the block as they are.
    [[nodiscard]] int64_t WideBytes(int64_t rows) const;
  };
  SegmentLayout(std::shared_ptr<arrow::Schema> schema, int64_t num_rows, const StoredWidths& widths,
                const std::vector<int64_t>& heap_bytes);
  static int64_t HeadBytes(int64_t columns);

  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::Schema> others_;  // the columns of kOther
  std::vector<Column> columns_;
  int64_t rows_ = 0;
  int64_t bytes_ = 0;
  int64_t plain_bytes_ = 0;
};

/// The columns of a record batch, ready to be appended from. Text may be views.
class SegmentSource {
 public:
  explicit SegmentSource(std::shared_ptr<arrow::RecordBatch> rows);
  [[nodiscard]] const std::shared_ptr<arrow::RecordBatch>& rows() const { return rows_; }

  /// The widths in which the numbered rows fit, and others that are some more different from each other.
  [[nodiscard]] StoredWidths WidthsOf(std::span<const uint32_t> rows) const;

 private:
  friend class Segment;
  friend class SegmentLayout;
  std::shared_ptr<arrow::RecordBatch> rows_;
  std::vector<ColumnRows> columns_;
  std::vector<ColumnKind> kinds_;
  std::vector<std::optional<ValueSpan>> spans_;  // of columns that may be narrow
  std::vector<int64_t> longest_;                 // bytes of a text, of each column
};

/// Used by one thread at a time.
class Segment {
 public:
  static arrow::Result<std::unique_ptr<Segment>> Open(std::shared_ptr<const SegmentLayout> layout);

  /// Appends as many of the numbered rows as there is room for and returns how many.
  arrow::Result<int64_t> Append(const SegmentSource& source, std::span<const uint32_t> rows);

  /// The column that the last append ended for, where it is too narrow for the row that came next.
  [[nodiscard]] std::optional<size_t> too_narrow() const { return too_narrow_; }

  /// The rows, which share the block but for what is narrow there. Nothing is appended after that.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Rows();

  /// The rows as they stand on disk. Nothing is appended after that.
  arrow::Result<BlockStore::Blocks> ToBlocks();

  /// The rows of all segments of one layout whose blocks stand in `bytes`, one after another.
  static arrow::Result<std::vector<std::shared_ptr<arrow::RecordBatch>>> FromBlocks(
      const SegmentLayout& layout, const std::shared_ptr<arrow::Buffer>& bytes);

  [[nodiscard]] int64_t num_rows() const { return num_rows_; }
  /// True where it holds less than half of the rows that its layout is for.
  [[nodiscard]] bool IsHalfEmpty() const { return num_rows_ < layout_->rows() / 2; }
  [[nodiscard]] const std::shared_ptr<const SegmentLayout>& layout() const { return layout_; }
  /// Bytes of memory held.
  [[nodiscard]] int64_t bytes() const { return layout_->bytes() + other_bytes_; }

 private:
  friend class SegmentLayout;
  // What a block says of a column, and before that of all of them.
  struct ColumnHead {
    int64_t base = 0;  // of narrow values
    int64_t heap_used = 0;
    int64_t nulls = 0;
  };
  struct Head {
    int64_t rows = 0;
    int64_t others =
        0;  // bytes of the message that holds the columns of kOther; it follows the block
  };
  struct Column {
    bool has_validity = false;                          // false: no bit of it is written
    std::vector<std::shared_ptr<arrow::Array>> pieces;  // of kOther
  };

  Segment(std::shared_ptr<const SegmentLayout> layout, std::shared_ptr<arrow::Buffer> block);

  void SetBases(const SegmentSource& source, std::span<const uint32_t> rows);
  [[nodiscard]] int64_t Room(const SegmentSource& source, std::span<const uint32_t> rows);
  [[nodiscard]] int64_t Fitting(size_t c, const SegmentSource& source,
                                std::span<const uint32_t> rows) const;
  [[nodiscard]] int64_t HeapRoom(size_t c, const SegmentSource& source,
                                 std::span<const uint32_t> rows) const;
  void AppendColumn(size_t c, const ColumnRows& source, std::span<const uint32_t> rows);
  void AppendValidity(size_t c, const ColumnRows& source, std::span<const uint32_t> rows);
  template <typename Offset>
  void AppendBinary(size_t c, const ColumnRows& source, std::span<const uint32_t> rows);
  arrow::Status AppendOther(size_t c, const arrow::Array& source, std::span<const uint32_t> rows);
  [[nodiscard]] arrow::Result<arrow::ArrayVector> Others() const;
  [[nodiscard]] Head* head() const { return reinterpret_cast<Head*>(data_); }
  [[nodiscard]] ColumnHead* column_heads() const {
    return reinterpret_cast<ColumnHead*>(data_ + sizeof(Head));
  }

  static arrow::Result<std::shared_ptr<arrow::RecordBatch>> RowsOf(
      const SegmentLayout& layout, const std::shared_ptr<arrow::Buffer>& block,
      const arrow::ArrayVector& others);

  const std::shared_ptr<const SegmentLayout> layout_;
  const std::shared_ptr<arrow::Buffer> block_;
  uint8_t* const data_;
  std::vector<Column> columns_;
  int64_t num_rows_ = 0;
  int64_t other_bytes_ = 0;
  std::optional<size_t> too_narrow_;
};

}  // namespace sheaf
