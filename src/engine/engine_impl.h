// What the rest of sheaf needs of an engine: connections, each with one open result at most.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sheaf/engine.h"

namespace sheaf {

class Dialect;

/// How a query is run; 0: as the engine does by itself.
struct Scan {
  int partitions = 0;  ///< Parts of the query at the same time.
  int batch_rows = 0;  ///< Rows a batch, at most.
  int ahead = 0;       ///< Ranges of ordered files that are read at the same time.
  bool views = false;  ///< Text that a query hands on as it is may come as views.
};

/// A state of the data, for other connections to show too.
struct Snapshot {
  std::string name;
  std::string state;  ///< What SnapshotSql::state tells of it.
};

/// One ADBC connection, with the session settings (SET, USE, PRAGMA) of the engine's set-up. ADBC
/// lets a driver break a first result when a second is opened on the same connection (DuckDB does),
/// so a stream never shares its connection. Temporary tables live and die with it. Threads: one
/// caller at a time, but for Cancel().
class Connection {
 public:
  virtual ~Connection() = default;  ///< Closes the open result and drops temporary tables.

  /// Runs a statement that returns no rows.
  virtual arrow::Status Execute(const std::string& sql) = 0;

  /// The schema of a query's result; reads no rows.
  virtual arrow::Result<std::shared_ptr<arrow::Schema>> QuerySchema(const std::string& sql) = 0;

  /// Starts a query. `memory_limit` (bytes; 0: the engine's own) bounds what sheaf's DataFusion
  /// driver holds for it; other engines ignore it. `parameters`: one row, a column for each of $1,
  /// $2, ... in `sql`; null where it has none. Errors of the reader are kEngine, with the driver's
  /// own text. Drop the reader before the connection: until then the connection stays open.
  virtual arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Query(
      const std::string& sql, int64_t memory_limit,
      const std::shared_ptr<arrow::RecordBatch>& parameters) = 0;
  arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Query(const std::string& sql,
                                                                 int64_t memory_limit) {
    return Query(sql, memory_limit, nullptr);
  }

  using Readers = std::vector<std::shared_ptr<arrow::RecordBatchReader>>;
  /// As Query, but the rows come in parts, one at least, each for a thread of its own: it computes what it reads, and
  /// what it has decoded is still in its core's cache when it goes on with the rows. Of engines other than sheaf's
  /// DataFusion driver, and of queries that do more than look at each row of a scan, all rows are one part, which
  /// threads of the engine compute.
  virtual arrow::Result<Readers> QueryParts(const std::string& sql, int64_t memory_limit) = 0;

  /// How sheaf's DataFusion driver runs queries from the next one on. What the user has set stays, and
  /// other engines ignore it.
  virtual void SetScan(const Scan& scan) = 0;

  /// As QuerySchema, Query and QueryParts, of a serialized Substrait plan.
  virtual arrow::Result<std::shared_ptr<arrow::Schema>> PlanSchema(const std::string& plan) = 0;
  virtual arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> RunPlan(
      const std::string& plan, int64_t memory_limit) = 0;
  virtual arrow::Result<Readers> RunPlanParts(const std::string& plan, int64_t memory_limit) = 0;

  /// Creates a temporary table, visible on this connection only, from the rows of `reader`.
  virtual arrow::Status CreateTemporaryTable(
      const std::string& name, const std::shared_ptr<arrow::RecordBatchReader>& reader) = 0;

  /// Drops a table that CreateTemporaryTable() has made on this connection; no result is open.
  virtual arrow::Status DropTemporaryTable(const std::string& name) = 0;

  /// From now on, until it is closed, the connection shows the state of the data that it has now; what it writes is lost
  /// then, and no statement may fail. Returns what ImportSnapshot() of others takes, so that they show the same state.
  /// Errors: NotImplemented where the engine has no such thing; all is as before then.
  virtual arrow::Result<Snapshot> ExportSnapshot() = 0;
  /// Called while the connection that has exported it is open. Errors: kEngine.
  virtual arrow::Status ImportSnapshot(const Snapshot& snapshot) = 0;

  /// How many rows the engine expects of a query, when first asked; nullopt where it does not tell.
  virtual std::optional<int64_t> EstimateRows(const std::string& sql) = 0;

  /// The engine's own plan of a query as text; empty where it does not tell.
  virtual std::string ExplainPlan(const std::string& sql) = 0;

  /// Stops what runs, from any thread, and refuses what comes after: both fail with kStopped. A
  /// cancelled connection is only good for closing.
  virtual void Cancel() = 0;
};

/// Whether a plan of Connection::ExplainPlan sorts rows; only those of DataFusion are understood.
bool HasSort(const std::string& engine_plan);

/// A table or view of the engine.
struct FoundTable {
  std::string sql;  ///< Its name in SQL.
  std::shared_ptr<arrow::Schema> schema;
};

/// Shared by all connections: the driver and the open database. Any thread may use it.
class Engine::Impl {
 public:
  virtual ~Impl() = default;
  virtual arrow::Result<std::unique_ptr<Connection>> Connect() = 0;

  /// The SQL dialect of this engine. Lives as long as the engine.
  [[nodiscard]] virtual const Dialect& dialect() const = 0;
  /// True where the engine runs inside this process, so that its memory is part of the job's.
  [[nodiscard]] virtual bool embedded() const = 0;
  /// Names of all tables and views of the default catalog and schema, as a job writes them, for "did you mean".
  virtual arrow::Result<std::vector<std::string>> TableNames() = 0;

  /// The table or view that a job calls `name` (Dialect::QuoteTable), as `connection` sees it; nullopt
  /// where the engine has none. Letter case counts, but where there is no such table, the only one
  /// that differs in nothing else is meant: unquoted SQL folds `Logs` to `logs` or `LOGS`.
  virtual arrow::Result<std::optional<FoundTable>> FindTable(const std::string& name,
                                                             Connection* connection) = 0;
  /// As FindTable. Errors: kEngine where there is none, naming the nearest that exists.
  arrow::Result<FoundTable> ResolveTable(const std::string& name, Connection* connection);

  std::string vendor_name;
  std::string vendor_version;
  std::string driver_name;
  std::string driver_version;
};

}  // namespace sheaf
