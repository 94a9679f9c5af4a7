// ADBC's C handles as C++ objects: each frees its handle, keeps alive what it was made from, and
// turns a driver's error into an arrow::Status (ErrorKind::kEngine, one line, without secrets).
//
// Threads: one caller at a time for each object, but for Statement::Cancel().
#pragma once

#include <arrow-adbc/adbc.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/status.h>
#include <arrow/type_fwd.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/driver_message.h"

namespace sheaf::adbc {

/// Where a driver puts its error; frees it.
class Error {
 public:
  Error() = default;
  ~Error();
  Error(const Error&) = delete;
  Error& operator=(const Error&) = delete;

  AdbcError* get() { return &raw_; }
  /// OK where `code` is. A call that the driver lacks is NotImplemented, what it did not find
  /// KeyError.
  [[nodiscard]] arrow::Status ToStatus(AdbcStatusCode code, const DriverMessage& message) const;

 private:
  AdbcError raw_ = ADBC_ERROR_INIT;
};

class Database {
 public:
  /// Loads a driver (a manifest's name or a library's path) and opens a database.
  static arrow::Result<std::shared_ptr<Database>> Open(
      const std::string& driver, const std::map<std::string, std::string>& options,
      DriverMessage message);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  AdbcDatabase* get() { return &raw_; }
  [[nodiscard]] const DriverMessage& message() const { return message_; }

 private:
  explicit Database(DriverMessage message) : message_(std::move(message)) {}
  arrow::Status Init(const std::string& driver, const std::map<std::string, std::string>& options);

  AdbcDatabase raw_{};
  DriverMessage message_;
};

class Connection {
 public:
  static arrow::Result<std::shared_ptr<Connection>> Open(std::shared_ptr<Database> database);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  AdbcConnection* get() { return &raw_; }
  [[nodiscard]] const DriverMessage& message() const { return database_->message(); }

  /// What the driver tells of itself: rows of (code, union value).
  arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> GetInfo();
  /// All catalogs with their schemas and these with their tables.
  arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> GetTables();
  /// nullopt where the driver does not know the option.
  std::optional<std::string> GetOption(const std::string& key);
  arrow::Status SetOption(const std::string& key, const std::string& value);
  /// Ends the transaction that is open where autocommit is off, undoes what it did, and begins the next one.
  arrow::Status Rollback();
  /// A part of a statement's result. Errors of the reader as those of Statement::ExecuteQuery().
  arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> ReadPart(const std::string& part);

 private:
  explicit Connection(std::shared_ptr<Database> database) : database_(std::move(database)) {}

  std::shared_ptr<Database> database_;
  AdbcConnection raw_{};
};

class Statement {
 public:
  static arrow::Result<std::shared_ptr<Statement>> Make(std::shared_ptr<Connection> connection);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  [[nodiscard]] const DriverMessage& message() const { return connection_->message(); }

  arrow::Status SetSql(const std::string& sql);
  /// `plan`: in its protobuf form.
  arrow::Status SetSubstraitPlan(const std::string& plan);
  arrow::Status SetOption(const std::string& key, const std::string& value);
  /// nullopt where the driver does not know the option, or has no value for it.
  std::optional<int64_t> GetOptionInt(const std::string& key);
  std::optional<std::string> GetOption(const std::string& key);
  arrow::Status BindStream(const std::shared_ptr<arrow::RecordBatchReader>& reader);

  /// Runs what returns no rows.
  arrow::Status Execute();
  /// Errors of the reader are the driver's own text, not yet cleaned.
  arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> ExecuteQuery();
  /// The same in parts: what Connection::ReadPart() takes each by, once.
  arrow::Result<std::vector<std::string>> ExecuteParts();
  arrow::Result<std::shared_ptr<arrow::Schema>> ExecuteSchema();
  /// Stops what runs; from any thread. A driver that can't is no error: the query then runs on.
  void Cancel();

 private:
  explicit Statement(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}

  std::shared_ptr<Connection> connection_;
  AdbcStatement raw_{};
};

}  // namespace sheaf::adbc
