#include "engine/adbc_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "engine/adbc.h"
#include "engine/catalog.h"
#include "engine/connection.h"
#include "engine/dialect.h"
#include "engine/driver_location.h"
#include "engine/letter_case.h"
#include "engine/python_library.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

constexpr char kOwnDriver[] = "ADBC driver for Apache DataFusion";

// Whether an option or a statement of the user names a setting.
bool Names(const EngineOptions& options, std::string_view setting) {
  const auto names = [setting](const std::string& text) {
    return text.find(setting) != std::string::npos;
  };
  return std::ranges::any_of(options.setup, names) ||
         std::ranges::any_of(options.options,
                             [&](const auto& option) { return names(option.first); });
}

// The options of the database: the user's, and defaults that the user did not set.
std::map<std::string, std::string> DatabaseOptions(const EngineOptions& options,
                                                   const std::string& driver) {
  std::map<std::string, std::string> all = options.options;
  if (!options.uri.empty()) all.emplace(IsDuckDbDriver(driver) ? "path" : "uri", options.uri);
  if (IsDuckDbDriver(driver)) all.emplace("entrypoint", "duckdb_adbc_init");
  if (IsDataFusionDriver(driver)) {
    // String views cost memory in DataFusion's sort, and Arrow C++ has few kernels for them.
    all.emplace("datafusion.execution.parquet.schema_force_view_types", "false");
    all.emplace("datafusion.sql_parser.map_string_types_to_utf8view", "false");
  }
  return all;
}

arrow::Result<std::shared_ptr<adbc::Database>> OpenDatabase(const EngineOptions& options,
                                                            const std::string& driver) {
  const auto all_options = DatabaseOptions(options, driver);
  const auto open = [&] {
    return adbc::Database::Open(driver, all_options, DriverMessage(options));
  };
  auto database = open();
  const std::string error = database.status().message();
  if (!NeedsPythonLibrary(error)) return database;
  ARROW_RETURN_NOT_OK(LoadPythonLibrary(error));
  return open();
}

arrow::Result<std::shared_ptr<adbc::Database>> FindDatabase(const EngineOptions& options) {
  ARROW_ASSIGN_OR_RAISE(const auto candidates, DriverCandidates(options.driver));
  for (const std::string& driver : candidates) {
    auto database = OpenDatabase(options, driver);
    const std::string& error = database.status().message();
    if (!error.starts_with("Could not load ")) return database;
    const std::string problem = LoadProblem(driver, error);
    if (problem.empty()) continue;
    return MakeError(ErrorKind::kEngine,
                     fmt::format("driver \"{}\" did not load: {}", options.driver, problem));
  }
  return MakeError(ErrorKind::kEngine, DriverNotFound(options.driver));
}

// The table's names of so many parts. Of two the first is its schema or, for engines that take that too, its catalog.
std::vector<std::string> NamesOf(const Dialect& dialect, const TableId& table, size_t parts) {
  const std::string name = dialect.Quote(table.name);
  const std::string schema = dialect.Quote(table.schema) + "." + name;
  const std::string catalog = dialect.Quote(table.catalog) + ".";
  if (parts == 1) return {name};
  if (parts == 2) return {schema, catalog + name};
  return {catalog + schema};
}

class AdbcEngine final : public Engine::Impl {
 public:
  arrow::Status Open(const EngineOptions& options) {
    ARROW_ASSIGN_OR_RAISE(database_, FindDatabase(options));
    ARROW_ASSIGN_OR_RAISE(first_, adbc::Connection::Open(database_));
    ARROW_RETURN_NOT_OK(ReadInfo(options.driver));
    takes_ = {is_own_driver_ && !Names(options, "target_partitions"),
              is_own_driver_ && !Names(options, "batch_size"),
              is_own_driver_ && !Names(options, "scan_ahead"),
              is_own_driver_ && !Names(options, "text_views"),
              is_own_driver_ && !Names(options, "spill_path")};
    return SetUp(options.setup);
  }

  arrow::Result<std::unique_ptr<Connection>> Connect() override;

  [[nodiscard]] const Dialect& dialect() const override { return *dialect_; }
  [[nodiscard]] bool embedded() const override { return embedded_; }

  arrow::Result<std::vector<std::string>> TableNames() override {
    ARROW_ASSIGN_OR_RAISE(const auto tables, DefaultTables());
    std::vector<std::string> names;
    names.reserve(tables.size());
    for (const TableId& table : tables) names.push_back(TableNamePart(table.name));
    return names;
  }

  arrow::Result<std::optional<FoundTable>> FindTable(const std::string& name,
                                                     Connection* connection) override;

 private:
  arrow::Status ReadInfo(const std::string& driver);
  arrow::Status SetUp(const std::vector<std::string>& statements);
  arrow::Result<std::vector<TableId>> AllTables();
  arrow::Result<std::vector<TableId>> DefaultTables();

  std::mutex mutex_;  ///< Guards the calls on database_ and first_.
  std::shared_ptr<adbc::Database> database_;
  std::shared_ptr<adbc::Connection> first_;  ///< Open for life: in-memory databases go with it.
  std::shared_ptr<const Dialect> dialect_;
  std::vector<std::string>
      session_setup_;  ///< The part of the set-up that each connection repeats.
  bool is_own_driver_ = false;
  TakenOptions takes_;
  bool embedded_ = false;
};

arrow::Result<std::unique_ptr<Connection>> AdbcEngine::Connect() {
  std::shared_ptr<adbc::Connection> connection;
  {
    const std::lock_guard lock(mutex_);
    ARROW_ASSIGN_OR_RAISE(connection, adbc::Connection::Open(database_));
  }
  auto session = MakeConnection(std::move(connection), dialect_, is_own_driver_, takes_);
  for (const std::string& sql : session_setup_) ARROW_RETURN_NOT_OK(session->Execute(sql));
  return session;
}

arrow::Status AdbcEngine::ReadInfo(const std::string& driver) {
  DriverInfo info;
  const auto reader = first_->GetInfo();
  if (!reader.status().IsNotImplemented()) {
    ARROW_RETURN_NOT_OK(reader.status());
    auto read = ReadDriverInfo(**reader);
    ARROW_RETURN_NOT_OK(database_->message().ToStatus(read.status()));
    info = read.MoveValueUnsafe();
  }
  driver_name = info.driver_name.empty() ? driver : info.driver_name;
  driver_version = info.driver_version;
  vendor_name = info.vendor_name.empty() ? driver_name : info.vendor_name;
  vendor_version = info.vendor_version;
  dialect_ = MakeDialect(vendor_name);
  is_own_driver_ = driver_name == kOwnDriver;
  const std::string vendor = LowerCase(vendor_name);
  embedded_ = is_own_driver_ || vendor == "duckdb" || vendor == "sqlite";
  return arrow::Status::OK();
}

arrow::Status AdbcEngine::SetUp(const std::vector<std::string>& statements) {
  const auto session = MakeConnection(first_, dialect_, is_own_driver_, TakenOptions());
  for (size_t i = 0; i < statements.size(); ++i) {
    ARROW_RETURN_NOT_OK(
        WithContext(session->Execute(statements[i]), fmt::format("setup statement {}", i + 1)));
    if (dialect_->IsSessionSetting(statements[i])) session_setup_.push_back(statements[i]);
  }
  return arrow::Status::OK();
}

arrow::Result<std::vector<TableId>> AdbcEngine::AllTables() {
  const std::lock_guard lock(mutex_);
  ARROW_ASSIGN_OR_RAISE(const auto reader, first_->GetTables());
  auto tables = ReadTables(*reader);
  ARROW_RETURN_NOT_OK(database_->message().ToStatus(tables.status()));
  return tables;
}

// Where the driver does not tell its current schema, all tables that are not the engine's own.
arrow::Result<std::vector<TableId>> AdbcEngine::DefaultTables() {
  ARROW_ASSIGN_OR_RAISE(auto tables, AllTables());
  const std::lock_guard lock(mutex_);
  const auto catalog = first_->GetOption(ADBC_CONNECTION_OPTION_CURRENT_CATALOG);
  const auto schema = first_->GetOption(ADBC_CONNECTION_OPTION_CURRENT_DB_SCHEMA);
  std::erase_if(tables, [&](const TableId& table) {
    if (catalog && table.catalog != *catalog) return true;
    if (schema) return table.schema != *schema;
    return table.schema == "information_schema" || table.schema == "pg_catalog";
  });
  return tables;
}

arrow::Result<std::optional<FoundTable>> AdbcEngine::FindTable(const std::string& name,
                                                               Connection* connection) {
  const auto describe = [connection](const std::string& sql) -> arrow::Result<FoundTable> {
    ARROW_ASSIGN_OR_RAISE(auto schema, connection->QuerySchema("SELECT * FROM " + sql));
    return FoundTable{sql, std::move(schema)};
  };
  const std::string exact = dialect_->QuoteTable(name);
  auto found = describe(exact);
  if (found.ok()) return found;

  // A query can fail for other reasons than a missing table: the list of tables tells.
  const size_t parts = SplitTableName(name).size();
  const auto tables = parts == 1 ? DefaultTables() : AllTables();
  if (!tables.ok()) return found.status();
  std::vector<std::string> similar;
  for (const TableId& table : *tables) {
    for (const std::string& quoted : NamesOf(*dialect_, table, parts)) {
      if (quoted == exact) return found.status();
      if (LowerCase(quoted) == LowerCase(exact)) similar.push_back(quoted);
    }
  }
  if (similar.size() != 1) return std::nullopt;
  return describe(similar.front());
}

}  // namespace

arrow::Result<std::unique_ptr<Engine::Impl>> OpenAdbcEngine(const EngineOptions& options) {
  auto engine = std::make_unique<AdbcEngine>();
  ARROW_RETURN_NOT_OK(engine->Open(options));
  return engine;
}

}  // namespace sheaf
