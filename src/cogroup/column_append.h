// Rows of many record batches on their way into one column, without a copy in between.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <cstddef>
#include <cstdint>
#include <limits>
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

/// Rows of a record batch in a list of them that stand one behind the other.
struct RowRun {
  uint32_t piece;
  int64_t begin;
  int64_t end;
  [[nodiscard]] int64_t num_rows() const { return end - begin; }
};

int64_t NumRows(std::span<const RowRun> runs);

/// Rows [begin, end) of all rows of the pieces, as they stand; by default all.
std::vector<RowRun> RunsOf(std::span<const std::shared_ptr<arrow::RecordBatch>> pieces,
                           int64_t begin = 0, int64_t end = std::numeric_limits<int64_t>::max());

/// Rows of a list of pieces: those that `refs` names, in that order, or where it names none those of `runs`. Where
/// both are given they are the same rows, and what `runs` tells of them together is not asked row by row.
struct RowList {
  RowList(std::span<const RowRef> named, std::span<const RowRun> standing);

  std::span<const RowRef> refs;
  std::span<const RowRun> runs;
  int64_t count;
};

/// Numbers of rows in a list.
struct RowRange {
  int64_t begin;
  int64_t end;
};

/// Its rows are taken in chunks: Measure() of each; PutAt() once the column has room; FillBits() and Fill() of each.
/// Different threads may take different chunks, but for FillBits() where the rows of two share a byte of bits.
class ColumnAppend {
 public:
  using Pieces = std::span<const std::shared_ptr<arrow::RecordBatch>>;

  /// Where rows go in the memory of a column.
  struct Room {
    uint8_t* validity;  ///< Null where no row of the column is.
    uint8_t* values;    ///< Values, bits, or offsets.
    uint8_t* heap;      ///< The bytes of texts.
    int64_t row;        ///< Rows that come before.
    int64_t heap_size;  ///< Bytes of their texts.
  };

  /// `column`: its number in all pieces, which outlive the append, as do the names of the rows. `type`: a plain one;
  /// text may be views in a piece.
  ColumnAppend(int column, const arrow::DataType& type, Pieces pieces, RowList rows, size_t chunks);

  [[nodiscard]] int64_t num_rows() const { return rows_.count; }
  /// Whether any piece may have a null.
  [[nodiscard]] bool has_nulls() const;

  /// Where there are runs all rows are one chunk, whose texts are measured by the run.
  void Measure(size_t chunk, RowRange rows);
  /// Of all texts, once all chunks are measured.
  [[nodiscard]] int64_t heap_bytes() const;

  void PutAt(const Room& room);
  /// Which rows are null, and the values of a column of bits.
  void FillBits(size_t chunk, RowRange rows);
  void Fill(size_t chunk, RowRange rows) const;
  /// Once the bits of all chunks are filled.
  [[nodiscard]] int64_t null_count() const;

 private:
  template <typename Visit>
  void WithRows(RowRange range, const Visit& visit) const;
  template <typename Offset>
  [[nodiscard]] int64_t BytesOf(RowRange range) const;
  [[nodiscard]] int64_t FillValidity(RowRange range) const;
  void FillBool(RowRange range) const;
  void FillFixed(RowRange range) const;
  template <typename Offset>
  void FillBinary(size_t chunk, RowRange range) const;

  ColumnKind kind_;
  int width_;  // of a value, where the kind has fixed ones
  RowList rows_;
  std::vector<ColumnRows> sources_;  // of the pieces
  std::vector<int64_t> nulls_;       // of each chunk
  std::vector<int64_t> bytes_;       // of each chunk's texts
  Room room_{};
};

}  // namespace sheaf
