// Rows of one table that are appended few at a time and read as a whole: columns in one block of memory,
// each with the place it may fill.
//
//   | head: what is filled | id: validity | id: 8 bytes a row | name: validity | name: offsets | name: bytes ... |
//
// A segment is full when any column is. Its rows are an Arrow record batch that stands in the block. On disk it is
// the same block: the head says what is in it.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cogroup/column_rows.h"
#include "spill/block_file.h"

namespace sheaf {

/// How a table's segments divide their blocks. Immutable; shared by them.
class SegmentLayout {
 public:
  /// Blocks of about `bytes` for rows like those of `sample`, which has some. `schema`: its plain types.
  static std::shared_ptr<const SegmentLayout> ForRowsLike(
      const std::shared_ptr<arrow::Schema>& schema, const arrow::RecordBatch& sample,
      int64_t bytes);
  /// A block for one row, number `row` of `rows`, however long it is.
  static std::shared_ptr<const SegmentLayout> ForRow(const std::shared_ptr<arrow::Schema>& schema,
                                                     const arrow::RecordBatch& rows, uint32_t row);

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
  SegmentLayout(std::shared_ptr<arrow::Schema> schema, int64_t num_rows,
                const std::vector<int64_t>& heap_bytes);
  static int64_t HeadBytes(int64_t columns);

  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::Schema> others_;  // the columns of kOther
  std::vector<Column> columns_;
  int64_t rows_ = 0;
  int64_t bytes_ = 0;
};

/// The columns of a record batch, ready to be appended from. Text may be views.
class SegmentSource {
 public:
  explicit SegmentSource(std::shared_ptr<arrow::RecordBatch> rows);
  [[nodiscard]] const std::shared_ptr<arrow::RecordBatch>& rows() const { return rows_; }

 private:
  friend class Segment;
  std::shared_ptr<arrow::RecordBatch> rows_;
  std::vector<ColumnRows> columns_;
  std::vector<int64_t> longest_;  // bytes of a text, of each column
};

/// Used by one thread at a time.
class Segment {
 public:
  static arrow::Result<std::unique_ptr<Segment>> Open(std::shared_ptr<const SegmentLayout> layout);

  /// Appends as many of the numbered rows as there is room for and returns how many.
  arrow::Result<int64_t> Append(const SegmentSource& source, std::span<const uint32_t> rows);

  /// The rows, which share the block. Nothing is appended after that.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Rows();

  /// The rows as they stand on disk. Nothing is appended after that.
  arrow::Result<BlockFile::Blocks> ToBlocks();

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

  [[nodiscard]] int64_t Room(const SegmentSource& source, std::span<const uint32_t> rows) const;
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

  static std::shared_ptr<arrow::RecordBatch> RowsOf(const SegmentLayout& layout,
                                                    const std::shared_ptr<arrow::Buffer>& block,
                                                    const arrow::ArrayVector& others);

  const std::shared_ptr<const SegmentLayout> layout_;
  const std::shared_ptr<arrow::Buffer> block_;
  uint8_t* const data_;
  std::vector<Column> columns_;
  int64_t num_rows_ = 0;
  int64_t other_bytes_ = 0;
};

}  // namespace sheaf
