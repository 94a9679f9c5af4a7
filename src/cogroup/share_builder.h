// Puts a table's share of a window together, portion by portion: each has the rows of the keys that follow.
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cogroup/row_builder.h"
#include "cogroup/row_packing.h"
#include "cogroup/table_input.h"
#include "cogroup/table_share.h"

namespace sheaf {

/// Used by one thread at a time. Rows are copied once, but for ties = "fixed".
class ShareBuilder {
 public:
  using Pieces = RowBuilder::Pieces;

  /// `packing`: of the rows that are added; null where they are not packed. Both outlive the builder.
  explicit ShareBuilder(const TableInput& input, const RowPacking* packing = nullptr)
      : input_(input),
        packing_(packing),
        rows_(packing == nullptr ? input.schema : packing->schema()) {}

  /// Of about how many portions of one size the first share is made.
  void Expect(int64_t portions) { rows_.Expect(portions); }

  /// Keys of which the share has the rows.
  [[nodiscard]] int64_t num_keys() const { return std::ssize(offsets_) - 1; }

  /// The rows of the keys that follow, which stand in key order in `runs`; `counts`: rows a key. Each group is put in
  /// the table's order.
  /// Errors, here and below: kEngine where the rows of one window exceed what Arrow's offsets hold.
  arrow::Status Add(const Pieces& pieces, std::span<const RowRun> runs,
                    std::span<const int64_t> counts);

  /// The same for rows that OrderRows() has put in order, each listed once. They may be copied later, by another
  /// thread: `holds` keeps the pieces and the names.
  arrow::Status AddOrdered(const Pieces& pieces, const RowList& rows,
                           std::span<const int64_t> counts, std::shared_ptr<const void> holds);

  /// Groups whose rows wait on disk; their numbers count from the share's first key.
  void AddLarge(std::vector<LargeGroup> groups);

  /// The share so far. What is added next begins a new one, which is taken to be as large.
  arrow::Result<TableShare> Finish();

 private:
  arrow::Status AddOffsets(std::span<const int64_t> counts);
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> FinishRows();

  const TableInput& input_;
  const RowPacking* const packing_;
  RowBuilder rows_;
  std::vector<int32_t> offsets_ = {0};
  std::vector<LargeGroup> large_;
};

}  // namespace sheaf
