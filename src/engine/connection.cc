#include "engine/connection.h"

#include <arrow/array.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include <atomic>
#include <map>
#include <mutex>
#include <utility>

#include "sheaf/error.h"
#include "spill/unnamed_file.h"

namespace sheaf {
namespace {

constexpr char kMemoryLimit[] = "datafusion.memory_limit";
constexpr char kSpillPath[] = "datafusion.spill_path";
constexpr char kPartitions[] = "datafusion.target_partitions";
constexpr char kBatchRows[] = "datafusion.batch_size";
constexpr char kScanAhead[] = "datafusion.scan_ahead";
constexpr char kTextViews[] = "datafusion.text_views";
constexpr char kEstimatedRows[] = "datafusion.estimated_rows";
constexpr char kExplain[] = "datafusion.explain";

constexpr char kSavepoint[] = "SAVEPOINT sheaf";
constexpr char kBackToSavepoint[] = "ROLLBACK TO SAVEPOINT sheaf";
constexpr char kReleaseSavepoint[] = "RELEASE SAVEPOINT sheaf";

/// What Cancel() shares with a running statement. The statement keeps its connection and database
/// alive, so whoever drops the last reference may do so on any thread.
class Cancellation {
 public:
  /// Names what runs from now on. Errors: kStopped, once cancelled.
  arrow::Status Start(const std::shared_ptr<adbc::Statement>& statement) {
    const std::lock_guard lock(mutex_);
    running_ = statement;
    return Check();
  }

  void Cancel() {
    cancelled_ = true;
    std::shared_ptr<adbc::Statement> running;
    {
      const std::lock_guard lock(mutex_);
      running = running_.lock();
    }
    if (running) running->Cancel();
  }

  [[nodiscard]] arrow::Status Check() const {
    if (!cancelled_) return arrow::Status::OK();
    return MakeError(ErrorKind::kStopped, "the query was cancelled");
  }

  /// What a failure, or even a success, of the driver means: a stop where one was asked for.
  [[nodiscard]] arrow::Status Check(const arrow::Status& status) const {
    ARROW_RETURN_NOT_OK(Check());
    return status;
  }

 private:
  std::atomic<bool> cancelled_ = false;
  std::mutex mutex_;
  std::weak_ptr<adbc::Statement> running_;
};

// The schema of a result, with a mark where a column has no value that its type could be guessed from.
arrow::Result<std::shared_ptr<arrow::Schema>> MarkUntyped(arrow::RecordBatchReader* reader) {
  ARROW_ASSIGN_OR_RAISE(const auto rows, reader->Next());
  arrow::FieldVector fields = reader->schema()->fields();
  for (int c = 0; c < reader->schema()->num_fields(); ++c) {
    auto& field = fields[static_cast<size_t>(c)];
    const bool has_value = rows != nullptr && rows->column(c)->null_count() < rows->num_rows();
    if (!has_value) field = AsUntyped(*field);
  }
  return arrow::schema(std::move(fields), reader->schema()->metadata());
}

/// An open result. Drops the driver's stream before its statement.
class ResultReader final : public arrow::RecordBatchReader {
 public:
  ResultReader(std::shared_ptr<adbc::Statement> statement,
               std::shared_ptr<arrow::RecordBatchReader> stream,
               std::shared_ptr<Cancellation> cancellation)
      : cancellation_(std::move(cancellation)),
        statement_(std::move(statement)),
        schema_(stream->schema()),
        stream_(std::move(stream)) {}

  [[nodiscard]] std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    batch->reset();
    ARROW_RETURN_NOT_OK(cancellation_->Check());
    if (!stream_) return arrow::Status::OK();
    const arrow::Status status = stream_->ReadNext(batch);
    // A driver that was interrupted may end its stream without an error: that is no end.
    const arrow::Status checked = cancellation_->Check(statement_->message().ToStatus(status));
    if (!checked.ok()) batch->reset();
    return checked;
  }

  arrow::Status Close() override {
    stream_.reset();
    statement_.reset();
    return arrow::Status::OK();
  }

 private:
  std::shared_ptr<Cancellation> cancellation_;
  std::shared_ptr<adbc::Statement> statement_;
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::RecordBatchReader> stream_;
};

class AdbcConnection final : public Connection {
 public:
  AdbcConnection(std::shared_ptr<adbc::Connection> connection,
                 std::shared_ptr<const Dialect> dialect, bool is_own_driver, TakenOptions takes)
      : connection_(std::move(connection)),
        dialect_(std::move(dialect)),
        is_own_driver_(is_own_driver),
        takes_(takes) {}

  arrow::Status Execute(const std::string& sql) override {
    ARROW_ASSIGN_OR_RAISE(const auto statement, Start(sql));
    return cancellation_->Check(statement->Execute());
  }

  arrow::Result<std::shared_ptr<arrow::Schema>> QuerySchema(const std::string& sql) override {
    ARROW_ASSIGN_OR_RAISE(const auto statement, Start(sql));
    auto schema = statement->ExecuteSchema();
    if (!schema.status().IsNotImplemented()) {
      ARROW_RETURN_NOT_OK(cancellation_->Check(statement->message().ToStatus(schema.status())));
      return schema;
    }
    ARROW_ASSIGN_OR_RAISE(const auto reader, Query(dialect_->SchemaQuery(sql), 0));
    return dialect_->GuessesTypes() ? MarkUntyped(reader.get()) : reader->schema();
  }

  using Connection::Query;

  arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Query(
      const std::string& sql, int64_t memory_limit,
      const std::shared_ptr<arrow::RecordBatch>& parameters) override {
    ARROW_ASSIGN_OR_RAISE(auto statement, Start(sql));
    if (parameters != nullptr) {
      ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::RecordBatchReader::Make({parameters}));
      ARROW_RETURN_NOT_OK(statement->BindStream(reader));
    }
    return Open(std::move(statement), memory_limit);
  }

  arrow::Result<Readers> QueryParts(const std::string& sql, int64_t memory_limit) override {
    ARROW_ASSIGN_OR_RAISE(auto statement, Start(sql));
    return OpenParts(std::move(statement), memory_limit);
  }

  arrow::Result<std::shared_ptr<arrow::Schema>> PlanSchema(const std::string& plan) override {
    ARROW_ASSIGN_OR_RAISE(const auto statement, StartPlan(plan));
    auto schema = statement->ExecuteSchema();
    ARROW_RETURN_NOT_OK(cancellation_->Check(statement->message().ToStatus(schema.status())));
    return schema;
  }

  arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> RunPlan(const std::string& plan,
                                                                   int64_t memory_limit) override {
    ARROW_ASSIGN_OR_RAISE(auto statement, StartPlan(plan));
    return Open(std::move(statement), memory_limit);
  }

  arrow::Result<Readers> RunPlanParts(const std::string& plan, int64_t memory_limit) override {
    ARROW_ASSIGN_OR_RAISE(auto statement, StartPlan(plan));
    return OpenParts(std::move(statement), memory_limit);
  }

  arrow::Status CreateTemporaryTable(
      const std::string& name, const std::shared_ptr<arrow::RecordBatchReader>& reader) override {
    if (in_snapshot_) ARROW_RETURN_NOT_OK(Execute(kSavepoint));
    ARROW_ASSIGN_OR_RAISE(const auto statement, adbc::Statement::Make(connection_));
    ARROW_RETURN_NOT_OK(cancellation_->Start(statement));
    ARROW_RETURN_NOT_OK(statement->SetOption(ADBC_INGEST_OPTION_TARGET_TABLE, name));
    ARROW_RETURN_NOT_OK(
        statement->SetOption(ADBC_INGEST_OPTION_MODE, ADBC_INGEST_OPTION_MODE_CREATE));
    ARROW_RETURN_NOT_OK(
        statement->SetOption(ADBC_INGEST_OPTION_TEMPORARY, ADBC_OPTION_VALUE_ENABLED));
    ARROW_RETURN_NOT_OK(statement->BindStream(reader));
    return cancellation_->Check(statement->Execute());
  }

  // What a transaction locks it locks to its end, and tables may be many: so one that is dropped was never made.
  arrow::Status DropTemporaryTable(const std::string& name) override {
    if (!in_snapshot_) return Execute("DROP TABLE " + dialect_->Quote(name));
    ARROW_RETURN_NOT_OK(Execute(kBackToSavepoint));
    return Execute(kReleaseSavepoint);
  }

  arrow::Result<Snapshot> ExportSnapshot() override {
    const auto sql = dialect_->Snapshots();
    const auto unknown = arrow::Status::NotImplemented("no snapshots");
    if (!sql) return unknown;
    auto snapshot = TakeSnapshot(*sql);
    if (snapshot.ok()) return snapshot;
    ARROW_RETURN_NOT_OK(cancellation_->Check());
    // It is an engine that is only like the one that it passes for.
    ARROW_RETURN_NOT_OK(connection_->Rollback());
    ARROW_RETURN_NOT_OK(SetAutocommit(true));
    in_snapshot_ = false;
    return unknown;
  }

  arrow::Status ImportSnapshot(const Snapshot& snapshot) override {
    const auto sql = dialect_->Snapshots();
    if (!sql) return arrow::Status::NotImplemented("no snapshots");
    ARROW_RETURN_NOT_OK(BeginSnapshot(*sql));
    ARROW_RETURN_NOT_OK(Execute(sql->import + dialect_->Literal(snapshot.name)));
    ARROW_ASSIGN_OR_RAISE(const std::string state, QueryText(sql->state));
    if (state == snapshot.state) return arrow::Status::OK();
    return MakeError(ErrorKind::kEngine,
                     "the engine did not take over the snapshot of the other tables: it shows " +
                         state + ", not " + snapshot.state);
  }

  std::optional<int64_t> EstimateRows(const std::string& sql) override {
    if (!is_own_driver_) return std::nullopt;
    if (const auto known = estimates_.find(sql); known != estimates_.end()) return known->second;
    const auto statement = Start(sql);
    if (!statement.ok()) return std::nullopt;
    std::optional<int64_t> rows = (*statement)->GetOptionInt(kEstimatedRows);
    if (rows.value_or(-1) < 0) rows.reset();
    estimates_.emplace(sql, rows);
    return rows;
  }

  std::string ExplainPlan(const std::string& sql) override {
    if (!is_own_driver_) return {};
    const auto statement = Start(sql);
    if (!statement.ok() || !SetScanOptions(statement->get()).ok()) return {};
    return (*statement)->GetOption(kExplain).value_or("");
  }

  void SetScan(const Scan& scan) override {
    if (takes_.partitions) scan_.partitions = scan.partitions;
    if (takes_.batch_rows) scan_.batch_rows = scan.batch_rows;
    if (takes_.ahead) scan_.ahead = scan.ahead;
    if (takes_.views) scan_.views = scan.views;
  }

  void Cancel() override { cancellation_->Cancel(); }

 private:
  arrow::Status SetAutocommit(bool on) {
    return connection_->SetOption(ADBC_CONNECTION_OPTION_AUTOCOMMIT,
                                  on ? ADBC_OPTION_VALUE_ENABLED : ADBC_OPTION_VALUE_DISABLED);
  }

  arrow::Status BeginSnapshot(const SnapshotSql& sql) {
    ARROW_RETURN_NOT_OK(SetAutocommit(false));
    in_snapshot_ = true;
    return Execute(sql.keep);
  }

  arrow::Result<Snapshot> TakeSnapshot(const SnapshotSql& sql) {
    ARROW_RETURN_NOT_OK(BeginSnapshot(sql));
    Snapshot snapshot;
    ARROW_ASSIGN_OR_RAISE(snapshot.name, QueryText(sql.name));
    ARROW_ASSIGN_OR_RAISE(snapshot.state, QueryText(sql.state));
    return snapshot;
  }

  // The one value of a query of one text.
  arrow::Result<std::string> QueryText(const std::string& sql) {
    ARROW_ASSIGN_OR_RAISE(const auto reader, Query(sql, 0));
    std::shared_ptr<arrow::RecordBatch> rows;
    do {
      ARROW_ASSIGN_OR_RAISE(rows, reader->Next());
    } while (rows != nullptr && rows->num_rows() == 0);
    if (rows == nullptr) return MakeError(ErrorKind::kEngine, "no row came for " + sql);
    ARROW_ASSIGN_OR_RAISE(const auto value, rows->column(0)->GetScalar(0));
    return value->ToString();
  }

  arrow::Result<std::shared_ptr<adbc::Statement>> Start(const std::string& sql) {
    ARROW_ASSIGN_OR_RAISE(auto statement, adbc::Statement::Make(connection_));
    ARROW_RETURN_NOT_OK(cancellation_->Start(statement));
    // Some drivers plan the query here already, and PostgreSQL's puts it in brackets later: a comment at its end must
    // not take the closing one.
    ARROW_RETURN_NOT_OK(cancellation_->Check(statement->SetSql(sql + "\n")));
    return statement;
  }

  arrow::Result<std::shared_ptr<adbc::Statement>> StartPlan(const std::string& plan) {
    ARROW_ASSIGN_OR_RAISE(auto statement, adbc::Statement::Make(connection_));
    ARROW_RETURN_NOT_OK(cancellation_->Start(statement));
    ARROW_RETURN_NOT_OK(cancellation_->Check(statement->SetSubstraitPlan(plan)));
    return statement;
  }

  arrow::Status SetScanOptions(adbc::Statement* statement) const {
    for (const auto& [option, number] :
         {std::pair{kPartitions, scan_.partitions}, std::pair{kBatchRows, scan_.batch_rows},
          std::pair{kScanAhead, scan_.ahead}}) {
      if (number > 0) ARROW_RETURN_NOT_OK(statement->SetOption(option, std::to_string(number)));
    }
    return scan_.views ? statement->SetOption(kTextViews, "true") : arrow::Status::OK();
  }

  arrow::Status SetOptions(adbc::Statement* statement, int64_t memory_limit) const {
    if (is_own_driver_ && memory_limit > 0) {
      ARROW_RETURN_NOT_OK(statement->SetOption(kMemoryLimit, std::to_string(memory_limit)));
    }
    if (const auto chosen = ChosenSpillDirectory(); chosen && takes_.spill_path) {
      ARROW_RETURN_NOT_OK(statement->SetOption(kSpillPath, chosen->string()));
    }
    return SetScanOptions(statement);
  }

  arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Open(
      std::shared_ptr<adbc::Statement> statement, int64_t memory_limit) {
    ARROW_RETURN_NOT_OK(SetOptions(statement.get(), memory_limit));
    auto stream = statement->ExecuteQuery();
    ARROW_RETURN_NOT_OK(cancellation_->Check(statement->message().ToStatus(stream.status())));
    return std::make_shared<ResultReader>(std::move(statement), stream.MoveValueUnsafe(),
                                          cancellation_);
  }

  arrow::Result<Readers> OpenParts(std::shared_ptr<adbc::Statement> statement,
                                   int64_t memory_limit) {
    Readers readers;
    if (!is_own_driver_) {
      ARROW_ASSIGN_OR_RAISE(readers.emplace_back(), Open(std::move(statement), memory_limit));
      return readers;
    }
    ARROW_RETURN_NOT_OK(SetOptions(statement.get(), memory_limit));
    auto parts = statement->ExecuteParts();
    ARROW_RETURN_NOT_OK(cancellation_->Check(parts.status()));
    for (const std::string& part : *parts) {
      ARROW_ASSIGN_OR_RAISE(auto stream, connection_->ReadPart(part));
      readers.push_back(
          std::make_shared<ResultReader>(statement, std::move(stream), cancellation_));
    }
    return readers;
  }

  std::shared_ptr<adbc::Connection> connection_;
  std::shared_ptr<const Dialect> dialect_;
  const bool is_own_driver_;
  const TakenOptions takes_;
  Scan scan_;
  bool in_snapshot_ = false;
  std::map<std::string, std::optional<int64_t>> estimates_;  // each takes the engine a plan
  std::shared_ptr<Cancellation> cancellation_ = std::make_shared<Cancellation>();
};

}  // namespace

std::unique_ptr<Connection> MakeConnection(std::shared_ptr<adbc::Connection> connection,
                                           std::shared_ptr<const Dialect> dialect,
                                           bool is_own_driver, TakenOptions takes) {
  return std::make_unique<AdbcConnection>(std::move(connection), std::move(dialect), is_own_driver,
                                          takes);
}

}  // namespace sheaf
