// The memory of a column to which rows of many record batches are appended: one array, in memory from RowMemory().
#pragma once

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "cogroup/column_append.h"

namespace sheaf {

/// Used by one thread at a time. Append() is for one thread. For several, an append is one of its own: Begin(), its
/// chunks measured, Reserve(), its bits filled, End(); and its other values filled by the time that Finish() is
/// called, whatever is appended meanwhile.
class ColumnBuilder {
 public:
  using Pieces = ColumnAppend::Pieces;

  /// `column`: its number in all pieces. `type`: a plain one; text may be views in a piece.
  ColumnBuilder(int column, std::shared_ptr<arrow::DataType> type);

  /// Nested columns and the rest go through Arrow's kernels, by AppendOther() alone.
  [[nodiscard]] bool is_other() const { return kind_ == ColumnKind::kOther; }

  /// What comes first is about one of so many parts of the array; room is made for all of them.
  void Expect(int64_t parts) { parts_ = parts; }

  /// Errors: as Reserve(), and those of Arrow's kernels.
  arrow::Status Append(Pieces pieces, RowList rows);

  [[nodiscard]] ColumnAppend Begin(Pieces pieces, RowList rows, size_t chunks) const;
  /// Makes room for what is measured. `settle` is called before memory moves: it waits for those who fill it.
  /// Errors: CapacityError where the bytes of a column exceed what its offsets hold.
  arrow::Status Reserve(ColumnAppend* append, const std::function<void()>& settle);
  void End(const ColumnAppend& append) { null_count_ += append.null_count(); }

  arrow::Status AppendOther(Pieces pieces, RowList rows);

  /// The array so far. What is appended next begins a new one, which is taken to be as large.
  arrow::Result<std::shared_ptr<arrow::Array>> Finish();

 private:
  // Grows as bytes are needed.
  struct Bytes {
    std::unique_ptr<arrow::ResizableBuffer> buffer;
    int64_t size = 0;
    int64_t last_size = 0;  // of the array before
    [[nodiscard]] uint8_t* data() const {
      return buffer == nullptr ? nullptr : buffer->mutable_data();
    }
  };

  arrow::Result<arrow::ArrayVector> TakeFew(Pieces pieces, std::span<const RowRef> refs,
                                            std::vector<int64_t>* numbers) const;
  arrow::Status Grow(Bytes* bytes, int64_t added, const std::function<void()>& settle) const;
  static arrow::Result<std::shared_ptr<arrow::Buffer>> Take(Bytes* bytes);
  arrow::Status ReserveValidity(int64_t rows, const std::function<void()>& settle);
  template <typename Offset>
  arrow::Status ReserveBinary(const ColumnAppend& append, const std::function<void()>& settle);

  const int column_;
  const std::shared_ptr<arrow::DataType> type_;
  const ColumnKind kind_;
  int64_t parts_ = 1;
  int64_t length_ = 0;
  int64_t null_count_ = 0;
  Bytes validity_;  // none where no row is null
  Bytes values_;    // values, bits, or offsets
  Bytes heap_;      // the bytes of texts
  arrow::ArrayVector others_;
};

}  // namespace sheaf
