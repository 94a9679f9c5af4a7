// Rows of one table that are appended few at a time and read as a whole: columns in one block of memory,
// each with the place it may fill (segment_layout). None is nested (row_packing).
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
#include "cogroup/segment_layout.h"
#include "cogroup/segment_source.h"

namespace sheaf {

/// Used by one thread at a time.
class Segment {
 public:
  static arrow::Result<std::unique_ptr<Segment>> Open(std::shared_ptr<const SegmentLayout> layout);

  /// Appends as many of the numbered rows as there is room for and returns how many.
  int64_t Append(const SegmentSource& source, std::span<const uint32_t> rows);

  /// Asks for the memory that an append looks at first, and then, once that has come, for the ends of the columns,
  /// where it writes. (Inlined, for the compiler leaves out a call of what does nothing else.)
  [[gnu::always_inline]] void AskForHead() const {
    AskFor(data_, SegmentHead::Bytes(std::ssize(columns_)));
    AskFor(columns_.data(), std::ssize(columns_) * static_cast<int64_t>(sizeof(Column)));
  }
  [[gnu::always_inline]] void AskForEnds() const {
    for (size_t c = 0; c < columns_.size(); ++c) {
      const SegmentLayout::Column& column = layout_->columns()[c];
      __builtin_prefetch(data_ + column.values + num_rows_ * column.stored, /*rw=*/1);
      if (!IsBinary(column.kind)) continue;
      AskFor(data_ + column.heap + column_heads()[c].heap_used, kAskedTexts);
    }
  }

  /// The column that the last append ended for, where it is too narrow for the row that came next.
  [[nodiscard]] std::optional<size_t> too_narrow() const { return too_narrow_; }

  /// The rows, which share the block but for what is narrow there. Nothing is appended after that.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Rows();

  /// The rows as they stand on disk. Nothing is appended after that.
  std::shared_ptr<arrow::Buffer> ToBlock();

  /// The rows of all segments of one layout whose blocks stand in `bytes`, one after another.
  static arrow::Result<std::vector<std::shared_ptr<arrow::RecordBatch>>> FromBlocks(
      const SegmentLayout& layout, const std::shared_ptr<arrow::Buffer>& bytes);

  [[nodiscard]] int64_t num_rows() const { return num_rows_; }
  /// True where rows and texts take less than half of the block.
  [[nodiscard]] bool IsHalfEmpty() const;
  [[nodiscard]] const std::shared_ptr<const SegmentLayout>& layout() const { return layout_; }
  /// Bytes of memory held.
  [[nodiscard]] int64_t bytes() const { return layout_->bytes(); }

 private:
  struct Column {
    bool has_validity = false;  // false: no bit of it is written
  };

  // Bytes of texts that are asked for: what follows comes by itself, as memory that is written in order does.
  static constexpr int64_t kAskedTexts = 256;

  [[gnu::always_inline]] static void AskFor(const void* begin, int64_t bytes) {
    constexpr int64_t kLine = 64;
    for (int64_t at = 0; at < bytes; at += kLine) {
      __builtin_prefetch(static_cast<const uint8_t*>(begin) + at, /*rw=*/1);
    }
  }

  Segment(std::shared_ptr<const SegmentLayout> layout, std::shared_ptr<arrow::Buffer> block);

  void SetBases(const SegmentSource& source, std::span<const uint32_t> rows);
  [[nodiscard]] int64_t Room(const SegmentSource& source, std::span<const uint32_t> rows);
  [[nodiscard]] int64_t Fitting(size_t c, const SegmentSource& source,
                                std::span<const uint32_t> rows);
  [[nodiscard]] int64_t HeapRoom(size_t c, const SegmentSource& source,
                                 std::span<const uint32_t> rows) const;
  void AppendColumn(size_t c, const ColumnRows& source, std::span<const uint32_t> rows);
  void AppendValidity(size_t c, const ColumnRows& source, std::span<const uint32_t> rows);
  template <typename Offset>
  void AppendBinary(size_t c, const ColumnRows& source, std::span<const uint32_t> rows);
  [[nodiscard]] SegmentHead* head() const { return reinterpret_cast<SegmentHead*>(data_); }
  [[nodiscard]] SegmentHead::Column* column_heads() const { return head()->columns(); }

  static arrow::Result<std::shared_ptr<arrow::RecordBatch>> RowsOf(
      const SegmentLayout& layout, const std::shared_ptr<arrow::Buffer>& block);

  const std::shared_ptr<const SegmentLayout> layout_;
  const std::shared_ptr<arrow::Buffer> block_;
  uint8_t* const data_;
  std::vector<Column> columns_;
  int64_t num_rows_ = 0;
  std::optional<size_t> too_narrow_;
};

}  // namespace sheaf
