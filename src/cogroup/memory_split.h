// How a run shares its memory budget: a part for the engine's queries, the rest for rows on their way
// into a batch.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace sheaf {

/// Rows a batch of queries that don't sort: each batch costs a wake-up of its reader and some objects a
/// column, and twice DataFusion's own number takes a tenth off a run. (Sorts and very little memory need small
/// batches.)
constexpr int kScanBatchRows = 16384;

/// The part of the memory for rows that their keys may take.
constexpr int64_t kMaxKeysPart = 2;

/// A batch, or a part of one, that is consumed, the next one, the one being made, the rows that it is made of, and what
/// these leave behind.
constexpr int64_t kBatchesAtOnce = 5;

struct MemorySplit {
  int64_t query;            ///< Bytes an embedded engine may hold for one query.
  int64_t read_ahead;       ///< Bytes of rows that wait to be cut, a table.
  int64_t rows;             ///< Bytes of rows that `partition` holds before it moves rows to disk.
  int64_t key_search;       ///< Bytes of a selecting table read before the other tables are asked.
  int64_t partition;        ///< Bytes of one partition, over all tables, that are loaded at once.
  int64_t table_partition;  ///< The same of one table.
  int64_t batch_part;       ///< Bytes of a part of a batch, where a batch may come in parts.
  int scans;                ///< How many queries that don't sort may run at the same time.
  int batch_rows;           ///< Rows a batch of such a query; 0: the engine's own number.
};

/// Half the budget goes to the engine, which alone can need it whole (a sort); an eighth to reading
/// ahead. What is left holds the batch being cut, the batch that waits and the one being consumed. The
/// queries of `partition` need not sort: its rows take all but what scans and batches do.
inline MemorySplit SplitMemory(int64_t budget, size_t tables) {
  const auto n = static_cast<int64_t>(std::max<size_t>(tables, 1));
  constexpr int64_t kMaxReadAhead = int64_t{2} << 20;  // more only costs page faults
  constexpr int64_t kMaxKeySearch = int64_t{8} << 20;
  constexpr int64_t kScansAndBatches = int64_t{416} << 20;
  // Larger ones are no faster, and leave less to whoever writes them.
  constexpr int64_t kMaxBatchPart = int64_t{16} << 20;
  // An engine's scan of compressed files holds tens of MiB that no limit of its own counts.
  constexpr int64_t kScan = int64_t{256} << 20;
  constexpr int64_t kLittle = int64_t{128} << 20;
  const auto scans = static_cast<int>(std::clamp<int64_t>(budget / kScan, 1, 64));
  return {budget / 2 / n,
          std::min(budget / 8 / n, kMaxReadAhead),
          std::max(budget * 5 / 16, budget - kScansAndBatches),
          std::min(budget / 8, kMaxKeySearch),
          budget / 2,
          budget / 2 / n,
          std::min(budget / 2 / kBatchesAtOnce, kMaxBatchPart),
          scans,
          budget < kLittle ? 0 : kScanBatchRows};
}

}  // namespace sheaf
