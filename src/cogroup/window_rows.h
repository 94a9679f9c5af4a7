// Takes a table's rows out of their partitions, window by window, in key order.
//
//   ranks of a window      3       4    5         6 7 8
//   partitions             | 0 ... 4 |  5 ...  | 6 ... 9 |
//
// Within a partition a counting sort by rank brings the rows in key order: no row is compared with another.
// A window takes from several partitions, or from a part of one. A partition that is too large for memory is
// scattered once more, into parts. The rows of a key that is too large for memory are put in order on disk.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <future>
#include <memory>
#include <optional>
#include <vector>

#include "cogroup/column_builder.h"
#include "cogroup/counters.h"
#include "cogroup/large_groups.h"
#include "cogroup/large_key_filter.h"
#include "cogroup/row_packing.h"
#include "cogroup/scattered_rows.h"
#include "cogroup/share_builder.h"
#include "cogroup/table_input.h"
#include "cogroup/table_share.h"
#include "key/key_set.h"
#include "parallel/task_queue.h"
#include "spill/row_memory.h"

namespace sheaf {

/// Keys of consecutive ranks.
struct RankRange {
  int64_t begin;
  int64_t end;
  [[nodiscard]] int64_t size() const { return end - begin; }
};

/// Used by one thread at a time.
class WindowRows {
 public:
  /// `max_loaded`: bytes of a partition that may be loaded as a whole. Rows of keys that the set lacks are
  /// counted as orphans and dropped, where that was not done before. `groups`: what may be held of one key;
  /// nullopt where all of it must be. All references outlive the rows.
  WindowRows(const TableInput& input, const KeySet& keys, ScatteredRows rows, int64_t max_loaded,
             MemoryBudget* budget, TableCounters* counters,
             std::optional<GroupMemory> groups = std::nullopt);

  /// The rows of a window's keys, group after group, in order. Each window begins where the one before it
  /// has ended, the first at 0.
  arrow::Result<TableShare> Take(const RankRange& window);

 private:
  // Partitions, and which of them is loaded next.
  struct Source {
    ScatteredRows scattered;
    size_t next = 0;
    [[nodiscard]] RankRange NextRanks() const {
      return {scattered.first_ranks[next], scattered.first_ranks[next + 1]};
    }
    [[nodiscard]] bool HasNext() const { return next < scattered.bytes.size(); }
  };

  // A partition, or a part of one, with its rows in order. It is counted as long as it is in memory.
  struct Loaded {
    Loaded(RankRange of, int64_t size, std::atomic<int64_t>* counter)
        : ranks(of), bytes(size), loaded_bytes(counter) {
      *loaded_bytes += bytes;
    }
    ~Loaded() { *loaded_bytes -= bytes; }
    Loaded(const Loaded&) = delete;
    Loaded& operator=(const Loaded&) = delete;

    const RankRange ranks;
    const int64_t bytes;
    std::atomic<int64_t>* const loaded_bytes;
    std::vector<std::shared_ptr<arrow::RecordBatch>> pieces;
    RowVector<int64_t> counts;  // rows of each key
    RowVector<RowRef> order;    // the rows by key, each group in order; empty where they stand so
    int64_t taken = 0;          // rows, by the windows before
  };

  // A partition to load. Its first rows are on their way from the disk.
  struct Due {
    RankRange ranks;
    bool has_ranks;
    int64_t bytes;
    SegmentedRows::Taken rows;
  };

  arrow::Status AddRows(const RankRange& ranks, const std::shared_ptr<Loaded>& from);
  arrow::Status ReadAhead(int64_t rank);
  void StartRead(Source* source);
  arrow::Status LoadAhead(int64_t rank);
  [[nodiscard]] bool MayLoad(int64_t rank) const;
  void StartLoad();
  arrow::Status Load(Due due, Loaded* loaded);
  arrow::Result<std::vector<LargeKeyFilter::Placed>> TakePlaced(Due* due);
  arrow::Status ScatterParts();
  arrow::Result<RowVector<uint32_t>> Places(bool has_ranks, const arrow::RecordBatch& piece,
                                            int64_t first) const;

  const TableInput& input_;
  const RowPacking packing_;
  const KeySet& keys_;
  const int64_t max_loaded_;
  MemoryBudget* const budget_;
  TableCounters* const counters_;
  Source whole_;
  Source parts_;                    // of the partition before whole_.next
  std::shared_ptr<Loaded> loaded_;  // the partition that rows are taken from
  std::shared_ptr<Loaded> used_;    // the one before, to be freed aside
  std::atomic<int64_t> loaded_bytes_ = 0;
  ShareBuilder share_;
  std::optional<LargeGroups> large_;  // by rank; nullopt where none is kept apart
  std::deque<Due> due_;               // the partitions after those that are loaded
  int64_t due_bytes_ = 0;
  std::deque<std::future<arrow::Result<std::shared_ptr<Loaded>>>>
      loading_;        // the partitions after loaded_
  TaskQueue loaders_;  // last, for loading uses all above
};

}  // namespace sheaf
