// Rows of one table on their way to several places, each place's rows together: in segments in memory,
// and past the memory budget in blocks on disk.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "cogroup/segment.h"
#include "spill/memory_budget.h"
#include "spill/spill_file.h"

namespace sheaf {

/// Used by one thread at a time.
class SegmentedRows {
 public:
  /// `budget` outlives the rows. `segment_bytes`: of one segment; each place has one open.
  SegmentedRows(std::shared_ptr<arrow::Schema> schema, size_t places, int64_t segment_bytes,
                MemoryBudget* budget);
  ~SegmentedRows();
  SegmentedRows(const SegmentedRows&) = delete;
  SegmentedRows& operator=(const SegmentedRows&) = delete;

  /// Appends the numbered rows, which ascend. Moves rows to disk where the budget is exceeded and it is
  /// these that fill it.
  arrow::Status Append(size_t place, const SegmentSource& source, std::span<const uint32_t> rows);

  /// Inserts empty places in front of place `at`.
  void InsertPlaces(size_t at, size_t count);
  /// Removes a place that is empty.
  void RemovePlace(size_t at);

  [[nodiscard]] const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }

  /// Bytes that a row like the last ones takes on average. 0 before the first.
  [[nodiscard]] int64_t row_bytes() const;

  /// Moves all rows to disk if some are there already: what follows needs the memory.
  arrow::Status MakeRoom();

  /// All rows of a place, in pieces; the place is empty then.
  arrow::Result<std::vector<std::shared_ptr<arrow::RecordBatch>>> Take(size_t place);

  /// Calls `visit` with the columns of these numbers, ascending, of all rows of a place, in pieces; the rows
  /// stay.
  arrow::Status Visit(size_t place, const std::vector<int>& columns,
                      const std::function<arrow::Status(const arrow::RecordBatch& piece)>& visit);

  /// Some rows of a place, those in memory first; null where it is empty.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> TakeSome(size_t place);

 private:
  struct Sealed {
    std::shared_ptr<arrow::RecordBatch> rows;
    int64_t bytes;
  };
  struct Place {
    std::unique_ptr<Segment> open;
    std::deque<Sealed> sealed;
    std::deque<SpillFile::Block> spilled;
  };

  bool LayOutFor(const SegmentSource& source);
  arrow::Status Open(Place* place, std::shared_ptr<const SegmentLayout> layout);
  static arrow::Status Seal(Place* place);
  arrow::Status Spill(int64_t bytes);
  arrow::Status SpillSealed(Place* place);
  std::shared_ptr<arrow::RecordBatch> TakeSealed(Place* place);
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> TakeSpilled(Place* place);

  const std::shared_ptr<arrow::Schema> schema_;
  const int64_t segment_bytes_;
  MemoryBudget* const budget_;
  std::shared_ptr<const SegmentLayout> layout_;     // of segments to come
  std::weak_ptr<arrow::RecordBatch> laid_out_for_;  // the rows that it suits
  std::vector<Place> places_;
  int64_t bytes_ = 0;  // in memory
  std::unique_ptr<SpillFile> spill_;
};

}  // namespace sheaf
