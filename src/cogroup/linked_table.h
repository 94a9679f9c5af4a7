// A reference table or a grandchild: read once, whole, in a thread of its own, then looked up for the rows
// of another table that each batch holds. Rows and keys that exceed memory wait on disk.
#pragma once

#include <arrow/result.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "cogroup/chunk_reader.h"
#include "cogroup/counters.h"
#include "cogroup/group_sizes.h"
#include "cogroup/keyed_rows.h"
#include "cogroup/memory_split.h"
#include "cogroup/memory_turns.h"
#include "cogroup/range_scatter.h"
#include "cogroup/table_input.h"
#include "key/key_set.h"
#include "sheaf/batch.h"
#include "sheaf/batch_reader.h"
#include "spill/memory_budget.h"

namespace sheaf {

/// What the linked tables of a run share.
struct LinkedMemory {
  LinkedMemory(int64_t bytes, size_t tables)
      : tables(tables),
        split(SplitMemory(bytes, tables)),
        loading(split.rows / 2),
        resident(split.rows / 2),
        scans(split.scans) {}

  const size_t tables;
  const MemorySplit split;
  MemoryBudget loading;   ///< Rows on their way into key order, and keys that are collected.
  MemoryBudget resident;  ///< Rows in key order, and keys.
  MemoryTurns scans;
};

/// Threads: one caller at a time; Cancel() and metrics() from any.
class LinkedTable {
 public:
  using OnError = std::function<void(const arrow::Status&)>;

  /// `on_error` is called from the thread of this object, with the table's name in the message; it must
  /// Cancel() this table. All references outlive the table.
  LinkedTable(TableInput input, const Policy& policy, LinkedMemory* memory, OnError on_error);
  ~LinkedTable();  ///< Cancel(), then Join().
  LinkedTable(const LinkedTable&) = delete;
  LinkedTable& operator=(const LinkedTable&) = delete;

  /// Starts to read. Called once.
  void Start();

  /// Blocks until the whole table is read; false once it failed or was cancelled.
  bool WaitUntilLoaded();

  /// The rows that hang on the rows of `other`, the share of the table that this one's link names.
  /// Called only once the table is loaded. Errors: kPolicy, naming table and key.
  arrow::Result<BatchTable> Follow(const BatchTable& other);

  /// No Follow() comes any more: rows that none of them found are orphans.
  void CountOrphans();

  /// Ends the reading soon.
  void Cancel();

  /// Waits for the thread: `on_error` is not called any more.
  void Join();

  [[nodiscard]] const TableInput& input() const { return input_; }
  [[nodiscard]] TableMetrics metrics() const;

 private:
  /// Which keys the rows of the other table name.
  struct Named {
    std::vector<int64_t> ranks;    // of each row; -1: none, or a key without rows
    std::vector<int64_t> missing;  // the rows that name a key without rows
  };

  arrow::Status Load();
  [[nodiscard]] bool HasStopped();
  arrow::Result<std::unique_ptr<KeySet>> ReadRows(RangeScatter* rows, int64_t* num_rows);
  arrow::Result<Named> Look(const arrow::ArrayVector& columns);
  arrow::Status CheckMissing(const arrow::ArrayVector& columns, const Named& named);
  arrow::Result<BatchTable> TakeReferenced(const std::vector<int64_t>& ranks);
  arrow::Result<BatchTable> TakeChildren(std::vector<int64_t> ranks);
  arrow::Result<BatchTable> TakeRows(const std::vector<int64_t>& ranks);
  arrow::Status CheckCardinality(BatchTable* table);
  arrow::Status CountGroups(const std::vector<int64_t>& ranks, const BatchTable& table);
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> KeysOf(const BatchTable& table,
                                                            const arrow::Array& rows) const;

  const TableInput input_;
  const Policy& policy_;
  LinkedMemory* const memory_;
  const OnError on_error_;
  TableCounters counters_;
  std::unique_ptr<KeySet> keys_;     // of all its rows
  std::unique_ptr<KeyedRows> rows_;  // by rank in keys_
  std::vector<bool> found_;          // by rank: some Follow() had the key
  int64_t orphans_ = 0;              // rows of keys not found so far
  GroupSizes group_sizes_;           // of keys found, each once, and of those without rows

  std::mutex mutex_;
  std::condition_variable changed_;
  bool loaded_ = false;   // guarded by mutex_
  bool stopped_ = false;  // guarded by mutex_
  ChunkReader reader_;
  std::thread thread_;
};

}  // namespace sheaf
