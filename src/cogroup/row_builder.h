// Puts rows of many record batches together in one, portion by portion.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <future>
#include <memory>
#include <span>
#include <vector>

#include "cogroup/column_builder.h"
#include "parallel/task_queue.h"

namespace sheaf {

/// Used by one thread at a time.
class RowBuilder {
 public:
  using Pieces = std::vector<std::shared_ptr<arrow::RecordBatch>>;

  /// `schema` has plain types.
  explicit RowBuilder(std::shared_ptr<arrow::Schema> schema);
  ~RowBuilder();
  RowBuilder(const RowBuilder&) = delete;
  RowBuilder& operator=(const RowBuilder&) = delete;

  /// What is appended first is about one of so many parts of the batch; room is made for all of them.
  void Expect(int64_t parts);

  /// Appends rows; by all cores where they are named and many. A column of text may be views in a piece.
  /// Errors, here and below: CapacityError where the bytes of a column exceed what its offsets hold.
  arrow::Status Append(const Pieces& pieces, const RowList& rows);

  /// The same of rows that are listed once each; and a few such appends, where the rows are named, may still be under
  /// way when the next one is made: several cores are busy with the rows of one table, and none waits for another.
  /// `holds` keeps the pieces and the names of the rows; nothing looks at the runs later.
  arrow::Status AppendOnce(const Pieces& pieces, const RowList& rows,
                           std::shared_ptr<const void> holds);

  /// The rows so far. What is appended next begins a new batch, which is taken to be as large.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Finish();

 private:
  // Rows that have room, and wait to be filled in.
  struct Placed {
    std::vector<RowRange> chunks;
    std::vector<ColumnAppend> appends;  // of the columns that are not left to Arrow
    void Fill(size_t chunk) const;
  };

  [[nodiscard]] std::vector<RowRange> ChunksOf(const RowList& rows) const;
  arrow::Result<Placed> Place(const Pieces& pieces, RowList rows);
  void Settle();

  const std::shared_ptr<arrow::Schema> schema_;
  std::vector<ColumnBuilder> columns_;
  int64_t num_rows_ = 0;
  std::shared_ptr<TaskQueue> threads_;    // that fill aside
  std::vector<std::future<void>> aside_;  // what they fill
};

}  // namespace sheaf
