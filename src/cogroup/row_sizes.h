// How many bytes rows have, by their values alone: however their arrays were cut, joined or read back from
// disk, a row has the same size. So every strategy ends a batch at the same row.
//
//   value                 bytes
//   number, date, ...     its width
//   boolean               1
//   text, binary          its length (null: 0), and an offset of 4 or 8
//   list, map             its elements (null: none), and an offset of 4 or 8
//   struct                its fields (null: none)
//
// The bits that say what is null are left out.
#pragma once

#include <arrow/record_batch.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace sheaf {

/// A view of some rows. Immutable; keeps them alive.
class RowSizes {
 public:
  explicit RowSizes(std::shared_ptr<arrow::RecordBatch> rows);

  /// Of rows [begin, end). Takes the same time for any number of rows.
  [[nodiscard]] int64_t Of(int64_t begin, int64_t end) const;
  [[nodiscard]] int64_t Of(int64_t row) const { return Of(row, row + 1); }
  [[nodiscard]] int64_t OfAll() const { return Of(0, rows_->num_rows()); }

  /// How many rows from `begin` on have at most `bytes` together.
  [[nodiscard]] int64_t Fitting(int64_t begin, int64_t bytes) const;

 private:
  // A column of texts whose offsets tell all.
  template <typename Offset>
  struct Texts {
    const Offset* offsets;
  };

  template <typename Offset>
  void AddTexts(const arrow::ArrayData& column, std::vector<Texts<Offset>>* texts);
  void AddSummed(const arrow::ArrayData& column);

  const std::shared_ptr<arrow::RecordBatch> rows_;
  int64_t fixed_ = 0;  // bytes of each row, whatever its values
  std::vector<Texts<int32_t>> texts_;
  std::vector<Texts<int64_t>> large_texts_;
  std::vector<std::vector<int64_t>> sums_;  // of other columns: the bytes above each row
};

}  // namespace sheaf
