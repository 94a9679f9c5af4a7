// Rows of one table that are appended few at a time and read as a whole: columns in one block of memory,
// each with the place it may fill.
//
//   | id: 8 bytes a row | validity | name: offsets | name: bytes ...      | places |
//
// A segment is full when any column is. Sealed, it is an Arrow record batch that stands in the block.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cogroup/column_rows.h"

namespace sheaf {

/// How a table's segments divide their blocks. Immutable; shared by them.
class SegmentLayout {
 public:
  /// Blocks of about `bytes` for rows like those of `sample`, which has some.
  static std::shared_ptr<const SegmentLayout> ForRowsLike(const arrow::RecordBatch& sample,
                                                          int64_t bytes);
  /// A block for one row, number `row` of `rows`, however long it is.
  static std::shared_ptr<const SegmentLayout> ForRow(const arrow::RecordBatch& rows, uint32_t row);

  [[nodiscard]] int64_t rows() const { return rows_; }
  [[nodiscard]] int64_t bytes() const { return bytes_; }

 private:
  friend class Segment;
  struct Column {
    ColumnKind kind;
    int width = 0;           // bytes a value, or an offset
    int64_t values = 0;      // where in the block: values, or offsets
    int64_t validity = 0;    // where
    int64_t heap = 0;        // where, of binary columns
    int64_t heap_bytes = 0;  // how long
  };
  SegmentLayout(const arrow::RecordBatch& rows, int64_t num_rows,
                const std::vector<int64_t>& heap_bytes);

  std::shared_ptr<arrow::Schema> schema_;
  std::vector<Column> columns_;
  int64_t rows_ = 0;
  int64_t bytes_ = 0;
};

/// The columns of a record batch, ready to be appended from.
class SegmentSource {
 public:
  explicit SegmentSource(std::shared_ptr<arrow::RecordBatch> rows);
  [[nodiscard]] const std::shared_ptr<arrow::RecordBatch>& rows() const { return rows_; }

 private:
  friend class Segment;
  std::shared_ptr<arrow::RecordBatch> rows_;
  std::vector<ColumnRows> columns_;
};

/// Used by one thread at a time.
class Segment {
 public:
  static arrow::Result<std::unique_ptr<Segment>> Open(std::shared_ptr<const SegmentLayout> layout);

  /// Appends as many of the numbered rows as there is room for and returns how many.
  arrow::Result<int64_t> Append(const SegmentSource& source, std::span<const uint32_t> rows);

  /// The rows, which share the block. The last call.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Seal();

  [[nodiscard]] int64_t num_rows() const { return num_rows_; }
  /// True where it holds less than half of the rows that its layout is for.
  [[nodiscard]] bool IsHalfEmpty() const { return num_rows_ < layout_->rows() / 2; }
  /// Bytes of memory held.
  [[nodiscard]] int64_t bytes() const { return layout_->bytes() + other_bytes_; }

 private:
  struct Column {
    int64_t heap_used = 0;
    int64_t nulls = 0;
    bool has_validity = false;                          // false: no bit of it is written
    std::vector<std::shared_ptr<arrow::Array>> pieces;  // of kOther
  };

  Segment(std::shared_ptr<const SegmentLayout> layout, std::shared_ptr<arrow::Buffer> block);

  [[nodiscard]] int64_t Room(const SegmentSource& source, std::span<const uint32_t> rows) const;
  void AppendColumn(size_t c, const ColumnRows& source, std::span<const uint32_t> rows);
  void AppendValidity(size_t c, const ColumnRows& source, std::span<const uint32_t> rows);
  template <typename Offset>
  void AppendBinary(size_t c, const ColumnRows& source, std::span<const uint32_t> rows);
  arrow::Status AppendOther(size_t c, const arrow::Array& source, std::span<const uint32_t> rows);
  [[nodiscard]] std::shared_ptr<arrow::Buffer> Slice(int64_t offset, int64_t length) const;

  const std::shared_ptr<const SegmentLayout> layout_;
  const std::shared_ptr<arrow::Buffer> block_;
  uint8_t* const data_;
  std::vector<Column> columns_;
  int64_t num_rows_ = 0;
  int64_t other_bytes_ = 0;
};

}  // namespace sheaf
