// Rows of one table on their way to several places, each place's rows together: in segments in memory, and past
// the memory budget on disk, as they stand.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "cogroup/rows_by_place.h"
#include "cogroup/segment.h"
#include "spill/block_store.h"
#include "spill/memory_budget.h"

namespace sheaf {

/// Used by one thread at a time.
class SegmentedRows {
 private:
  // Segments of one layout, one after another on disk.
  struct Extent {
    std::shared_ptr<const SegmentLayout> layout;
    BlockStore* store;  // outlives this
    BlockStore::Place place;
  };

  // An extent that is read.
  struct ComingExtent {
    Extent extent;
    BlockStore::Coming bytes;
  };

 public:
  using Pieces = std::vector<std::shared_ptr<arrow::RecordBatch>>;

  /// The rows of one place, which has them no more. They count for no budget.
  class Taken {
   public:
    Taken() = default;
    ~Taken() = default;
    Taken(Taken&&) noexcept = default;
    Taken& operator=(Taken&&) noexcept = default;
    Taken(const Taken&) = delete;
    Taken& operator=(const Taken&) = delete;

    /// Starts to read what is on disk, beside the caller: about so many bytes, and from then on each time as
    /// much ahead of what is loaded.
    void ReadAhead(int64_t max_bytes);

    /// Some of the rows that are left, those on disk first; none at the end. Other threads may load other
    /// places meanwhile.
    arrow::Result<Pieces> LoadSome();

    /// Adds rows that none is loaded of.
    void Add(Taken other);

   private:
    friend class SegmentedRows;
    void ReadOn();

    std::deque<Extent> spilled_;
    std::deque<ComingExtent> coming_;
    int64_t coming_bytes_ = 0;
    int64_t max_ahead_ = 0;
    std::deque<std::unique_ptr<Segment>> segments_;
  };

  /// `schema` has no nested columns. `budget` outlives the rows. `segment_bytes`: of one segment; each place has one open. `writers`: how many such
  /// objects have rows of the table.
  SegmentedRows(std::shared_ptr<arrow::Schema> schema, size_t places, int64_t segment_bytes,
                MemoryBudget* budget, size_t writers = 1);
  ~SegmentedRows();
  SegmentedRows(const SegmentedRows&) = delete;
  SegmentedRows& operator=(const SegmentedRows&) = delete;

  /// Appends the numbered rows, which ascend. Moves rows to disk where the budget is exceeded and it is
  /// these that fill it.
  arrow::Status Append(size_t place, const SegmentSource& source, std::span<const uint32_t> rows);

  /// Appends all rows to the places that they go to, but for those of places beyond the last. Adds the bytes that each
  /// place gets to `bytes`, as row_bytes() tells them, and returns their sum.
  arrow::Result<int64_t> AppendAll(const SegmentSource& source, const RowsByPlace& rows,
                                   std::vector<int64_t>* bytes);

  /// Inserts empty places in front of place `at`, whose rows they are for.
  void InsertPlaces(size_t at, size_t count);
  /// Removes a place that is empty.
  void RemovePlace(size_t at);

  [[nodiscard]] const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }

  /// Bytes that a row like the last ones takes in a batch on average. 0 before the first.
  [[nodiscard]] int64_t row_bytes() const;

  /// In memory.
  [[nodiscard]] int64_t bytes() const { return bytes_; }
  /// Bytes of a place's segments, in memory and on disk.
  [[nodiscard]] int64_t BytesOf(size_t place) const;
  /// Whether any rows were moved to disk.
  [[nodiscard]] bool has_spilled() const { return store_ != nullptr; }
  /// Moves so many bytes of rows to disk, or all.
  arrow::Status Spill(int64_t bytes);

  /// All rows of a place, which is empty then.
  Taken Take(size_t place);

  /// Calls `visit` with all rows of a place, in pieces; the rows stay. Other threads may visit other places meanwhile.
  arrow::Status Visit(size_t place,
                      const std::function<arrow::Status(const arrow::RecordBatch& piece)>& visit);

  /// Some rows of a place, those in memory first; none where it is empty.
  arrow::Result<Pieces> TakeSome(size_t place);

 private:
  struct Place {
    std::unique_ptr<Segment> open;
    std::deque<std::unique_ptr<Segment>> sealed;  // nothing is appended any more
    int64_t sealed_bytes = 0;
    std::deque<Extent> spilled;
  };

  void AskAhead(const RowsByPlace& rows, size_t place) const;
  bool LayOutFor(const SegmentSource& source, std::span<const uint32_t> rows);
  void MakeWider(const SegmentLayout& layout, size_t column, const SegmentSource& source);
  arrow::Status Open(Place* place, std::shared_ptr<const SegmentLayout> layout);
  static void Seal(Place* place);
  arrow::Status SpillSealed(Place* place);
  arrow::Status SpillRun(Place* place);
  std::unique_ptr<Segment> TakeSealed(Place* place);

  const std::shared_ptr<arrow::Schema> schema_;
  const int64_t segment_bytes_;
  MemoryBudget* const budget_;
  const int64_t least_spill_;  // bytes: with less it is for others to move rows to disk
  std::shared_ptr<const SegmentLayout> layout_;      // of segments to come
  std::weak_ptr<arrow::RecordBatch> laid_out_for_;   // the rows that it suits
  std::shared_ptr<const SegmentLayout> row_layout_;  // of the last row that was too long for it
  std::vector<Place> places_;
  int64_t bytes_ = 0;                  // in memory
  std::unique_ptr<BlockStore> store_;  // null where nothing is on disk
};

}  // namespace sheaf
