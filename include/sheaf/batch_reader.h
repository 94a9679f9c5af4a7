// Reads a job's batches: the heart of sheaf.
//
//   ARROW_ASSIGN_OR_RAISE(auto reader, sheaf::BatchReader::Open(engine, job));
//   while (true) {
//     ARROW_ASSIGN_OR_RAISE(auto batch, reader->Next());
//     if (!batch) break;  // the end; an error never looks like one
//   }
//
// Order    Keys ascend over the whole run, text by bytes, NaN last.
// Whole    A key is in one batch only, or, flagged, in several where its rows are too many (Policy::oversize).
// Errors   The first error is final: Next() repeats it. Batches before it are a right prefix.
// Threads  One caller of Next() at a time, any thread. Cancel() and metrics(): any thread, any time.
// Memory   Job::memory bounds what the reader and an embedded engine hold, but for a batch that exceeds it as a
//          whole: Job::in_parts lets it come in parts. A batch handed out is the caller's.
#pragma once

#include <arrow/result.h>
#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sheaf/batch.h"
#include "sheaf/engine.h"
#include "sheaf/job.h"

namespace sheaf {

/// How many rows of one table the delivered keys have; keys without rows count with zero. All zero
/// while there is no key. Of a linked table the keys are those that delivered rows name: one with rows counts
/// once, one without them once a batch.
struct RowsPerKey {
  struct LargeKey {
    std::shared_ptr<arrow::RecordBatch> key;  ///< One row: the key columns.
    int64_t rows = 0;
  };

  int64_t min = 0;
  double mean = 0;
  /// The fewest rows that at least 50, and 99, of 100 keys do not exceed: exact up to 65,535, above
  /// that up to 1.6 % too small.
  int64_t p50 = 0;
  int64_t p99 = 0;
  int64_t max = 0;
  std::vector<LargeKey> largest;  ///< The ten keys with the most rows, most first.
};

/// What has been seen of one table so far.
struct TableMetrics {
  std::string name;
  int64_t rows_read = 0;
  int64_t rows_delivered = 0;
  /// Rows of keys that were not selected. Not known where the engine filtered by the key set.
  std::optional<int64_t> orphans = 0;
  int64_t null_keys = 0;          ///< Rows whose key is null.
  int64_t duplicates = 0;         ///< Rows left out by policy `duplicate = "first"`.
  int64_t keys_without_rows = 0;  ///< Delivered keys that have no row here.
  RowsPerKey rows_per_key;
};

struct Metrics {
  int64_t batches = 0;
  int64_t keys = 0;
  int64_t rows = 0;
  int64_t dropped_keys = 0;           ///< Keys left out by policy `missing = "drop"`.
  std::optional<int64_t> total_keys;  ///< Keys of the whole run, once they are known.
  std::vector<TableMetrics> tables;   ///< In the job's order.
};

/// How one table will be read.
struct TablePlan {
  std::string name;
  std::string sql;                 ///< As sent to the engine; empty for a stream.
  std::string executions;          ///< How often and why, in a short sentence.
  std::string engine_plan;         ///< The engine's own plan, where the driver tells it.
  bool ordered_by_engine = false;  ///< The engine must sort; false where it streams in order.
};

/// What a run would do and what it promises.
struct Plan {
  Strategy strategy = Strategy::kMerge;
  std::string reason;
  std::vector<TablePlan> tables;
  std::vector<std::string> guarantees;  ///< The guarantee sheet, a sentence each.
};

/// Plans the job without reading a row. Errors: as BatchReader::Open.
arrow::Result<Plan> Explain(const std::shared_ptr<Engine>& engine, const Job& job);

class BatchReader {
 public:
  /// Checks the job against the engine and starts its queries; reads no batch yet. `engine` may be
  /// null where every table is a stream.
  /// Errors: kJob (Job::Check); kEngine: a missing table or column, with the nearest that exists; key
  /// types that don't compare, with both; an error of the engine, with the table's name.
  static arrow::Result<std::unique_ptr<BatchReader>> Open(std::shared_ptr<Engine> engine, Job job);
  /// Cancels what still runs, joins all threads, closes streams and drops temporary tables.
  virtual ~BatchReader() = default;
  BatchReader(const BatchReader&) = delete;
  BatchReader& operator=(const BatchReader&) = delete;

  /// Blocks for the next batch; nullopt once all are read, and on every call after that.
  /// Errors: kStopped after Cancel(); kPolicy; kEngine, naming the table.
  [[nodiscard]] virtual arrow::Result<std::optional<Batch>> Next() = 0;

  /// Asks for a stop and returns at once; may be called more than once.
  virtual void Cancel() = 0;

  [[nodiscard]] virtual Metrics metrics() const = 0;

  /// The schema of Batch::keys(), and of each table in the job's order.
  [[nodiscard]] virtual std::shared_ptr<arrow::Schema> key_schema() const = 0;
  [[nodiscard]] virtual const std::vector<std::shared_ptr<arrow::Schema>>& table_schemas()
      const = 0;
  [[nodiscard]] virtual const Plan& plan() const = 0;

 protected:
  BatchReader() = default;
};

}  // namespace sheaf
