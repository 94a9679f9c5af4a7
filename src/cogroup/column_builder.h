// Appends a column of rows of many record batches to one array, in memory from RowMemory(), without a copy in
// between.
#pragma once

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cogroup/column_rows.h"

namespace sheaf {

/// A row of a list of record batches.
struct RowRef {
  uint32_t piece;
  uint32_t row;
};

/// Rows of a list of pieces by name, or where there are no names all rows of the first piece.
struct RowList {
  std::span<const RowRef> refs;
  int64_t count;
};

/// Numbers of rows in a list.
struct RowRange {
  int64_t begin;
  int64_t end;
};

/// Append() is for one thread. For several, an append takes its rows in chunks: Begin(), Measure() of each chunk,
/// Reserve(), Fill() of each chunk, End(). Different threads may measure, and fill, different chunks whose rows share
/// no byte of bits.
class ColumnBuilder {
 public:
  using Pieces = std::span<const std::shared_ptr<arrow::RecordBatch>>;

  /// `column`: its number in all pieces. `type`: a plain one; text may be views in a piece.
  ColumnBuilder(int column, std::shared_ptr<arrow::DataType> type);

  /// Nested columns and the rest go through Arrow's kernels, by AppendOther() alone.
  [[nodiscard]] bool is_other() const { return kind_ == ColumnKind::kOther; }

  /// What comes first is about one of so many parts of the array; room is made for all of them.
  void Expect(int64_t parts) { parts_ = parts; }

  /// Errors: as Reserve(), and those of Arrow's kernels.
  arrow::Status Append(Pieces pieces, RowList rows);

  /// The pieces outlive the append.
  void Begin(Pieces pieces, RowList rows, size_t chunks);
  void Measure(size_t chunk, RowRange rows);
  /// Errors: CapacityError where the bytes of a column exceed what its offsets hold.
  arrow::Status Reserve();
  void Fill(size_t chunk, RowRange rows);
  void End();

  arrow::Status AppendOther(Pieces pieces, RowList rows);

  /// The array so far. What is appended next begins a new one, which is taken to be as large.
  arrow::Result<std::shared_ptr<arrow::Array>> Finish();

 private:
  // Grows as bytes are needed.
  struct Bytes {
    std::unique_ptr<arrow::ResizableBuffer> buffer;
    int64_t size = 0;
    int64_t last_size = 0;  // of the array before
    [[nodiscard]] uint8_t* data() const { return buffer->mutable_data(); }
  };

  arrow::Status Grow(Bytes* bytes, int64_t added) const;
  static arrow::Result<std::shared_ptr<arrow::Buffer>> Take(Bytes* bytes);
  arrow::Status ReserveValidity();
  template <typename Offset>
  arrow::Status ReserveBinary();

  template <typename Visit>
  void WithRows(const Visit& visit) const;
  template <typename Rows>
  void MeasureRows(const Rows& rows, size_t chunk, RowRange range);
  template <typename Rows>
  void FillRows(const Rows& rows, size_t chunk, RowRange range);
  template <typename Rows>
  int64_t FillValidity(const Rows& rows, RowRange range) const;
  template <typename Rows>
  void FillFixed(const Rows& rows, RowRange range) const;
  template <typename Rows>
  void FillBool(const Rows& rows, RowRange range) const;
  template <typename Offset, typename Rows>
  void FillBinary(const Rows& rows, size_t chunk, RowRange range) const;

  const int column_;
  const std::shared_ptr<arrow::DataType> type_;
  const ColumnKind kind_;
  int64_t parts_ = 1;
  int64_t length_ = 0;  // rows before this append
  int64_t null_count_ = 0;
  Bytes validity_;  // none where no row is null
  Bytes values_;    // values, bits, or offsets
  Bytes heap_;      // the bytes of texts
  arrow::ArrayVector others_;

  // Of this append:
  RowList rows_{};
  std::vector<ColumnRows> sources_;
  std::vector<int64_t> nulls_;  // of each chunk
  std::vector<int64_t> bytes_;  // of each chunk's texts; once room is made, where they begin
};

}  // namespace sheaf
