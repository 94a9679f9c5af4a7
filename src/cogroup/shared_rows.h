// SegmentedRows that several threads append to at the same time: each has segments of its own, which stay in its core's
// cache, and waits for no other, as far as there is memory for so many open segments.
//
//                 place:   0     1     2   ...
//   a thread's rows     [ = ] [ = ] [ - ]
//   another's           [ - ] [ = ] [ = ]          a place's rows are those of all threads
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "cogroup/rows_by_place.h"
#include "cogroup/segmented_rows.h"
#include "spill/memory_budget.h"

namespace sheaf {

/// Any thread may call AppendAll(); while one does, nothing else is called. Places, pieces and errors are those of
/// SegmentedRows.
class SharedRows {
 public:
  using Pieces = SegmentedRows::Pieces;

  /// `writers`: how many threads may append at the same time, each with an open segment a place; one at least. `budget`
  /// outlives the rows.
  SharedRows(const std::shared_ptr<arrow::Schema>& schema, size_t places, int64_t segment_bytes,
             size_t writers, MemoryBudget* budget);

  arrow::Result<int64_t> AppendAll(const SegmentSource& source, const RowsByPlace& rows,
                                   std::vector<int64_t>* bytes);

  void InsertPlaces(size_t at, size_t count);
  void RemovePlace(size_t at);

  [[nodiscard]] const std::shared_ptr<arrow::Schema>& schema() const;
  [[nodiscard]] int64_t row_bytes() const;
  [[nodiscard]] int64_t BytesOf(size_t place) const;

  /// Moves all rows to disk if some are there already, else so many that a quarter of the budget is left: what
  /// follows needs the memory.
  arrow::Status MakeRoom();

  SegmentedRows::Taken Take(size_t place);
  arrow::Status Visit(size_t place,
                      const std::function<arrow::Status(const arrow::RecordBatch& piece)>& visit);
  arrow::Result<Pieces> TakeSome(size_t place);

 private:
  struct Writer {
    std::mutex mutex;
    std::unique_ptr<SegmentedRows> rows;  // guarded by mutex while threads append
  };

  Writer& OwnWriter();

  MemoryBudget* const budget_;
  std::vector<Writer> writers_;
  std::mutex mutex_;
  std::vector<std::thread::id> threads_;  // that have appended; guarded by mutex_
};

}  // namespace sheaf
