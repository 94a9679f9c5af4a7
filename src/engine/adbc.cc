#include "engine/adbc.h"

#include <arrow-adbc/adbc_driver_manager.h>
#include <arrow/c/bridge.h>

#include <cstddef>
#include <utility>
#include <vector>

#include "sheaf/error.h"

namespace sheaf::adbc {
namespace {

arrow::StatusCode CodeOf(AdbcStatusCode code) {
  switch (code) {
    case ADBC_STATUS_NOT_IMPLEMENTED:
      return arrow::StatusCode::NotImplemented;
    case ADBC_STATUS_NOT_FOUND:
      return arrow::StatusCode::KeyError;
    case ADBC_STATUS_ALREADY_EXISTS:
      return arrow::StatusCode::AlreadyExists;
    case ADBC_STATUS_CANCELLED:
      return arrow::StatusCode::Cancelled;
    default:
      return arrow::StatusCode::IOError;
  }
}

/// Calls an ADBC function with `args` and an error to fill.
template <typename Function, typename... Args>
arrow::Status Call(const DriverMessage& message, Function function, Args... args) {
  Error error;
  const AdbcStatusCode code = function(args..., error.get());
  return error.ToStatus(code, message);
}

/// Reads a text option, a second time where it was longer than expected.
template <typename Getter>
std::optional<std::string> ReadText(Getter getter) {
  std::string text(4096, '\0');
  size_t length = text.size();
  if (getter(text.data(), &length) != ADBC_STATUS_OK) return std::nullopt;
  if (length > text.size()) {
    text.resize(length);
    if (getter(text.data(), &length) != ADBC_STATUS_OK) return std::nullopt;
  }
  if (length == 0 || length > text.size()) return std::nullopt;
  text.resize(length - 1);  // The length counts the terminator.
  return text;
}

}  // namespace

Error::~Error() {
  if (raw_.release != nullptr) raw_.release(&raw_);
}

arrow::Status Error::ToStatus(AdbcStatusCode code, const DriverMessage& message) const {
  if (code == ADBC_STATUS_OK) return arrow::Status::OK();
  std::string text = raw_.message == nullptr ? std::string() : message.Clean(raw_.message);
  if (text.empty()) text = AdbcStatusCodeMessage(code);
  return {CodeOf(code), text, MakeError(ErrorKind::kEngine, text).detail()};
}

arrow::Result<std::shared_ptr<Database>> Database::Open(
    const std::string& driver, const std::map<std::string, std::string>& options,
    DriverMessage message) {
  std::shared_ptr<Database> database(new Database(std::move(message)));
  ARROW_RETURN_NOT_OK(database->Init(driver, options));
  return database;
}

arrow::Status Database::Init(const std::string& driver,
                             const std::map<std::string, std::string>& options) {
  ARROW_RETURN_NOT_OK(Call(message_, AdbcDatabaseNew, &raw_));
  ARROW_RETURN_NOT_OK(Call(message_, AdbcDriverManagerDatabaseSetLoadFlags, &raw_,
                           AdbcLoadFlags{ADBC_LOAD_FLAG_DEFAULT}));
  ARROW_RETURN_NOT_OK(Call(message_, AdbcDatabaseSetOption, &raw_, "driver", driver.c_str()));
  for (const auto& [key, value] : options) {
    ARROW_RETURN_NOT_OK(Call(message_, AdbcDatabaseSetOption, &raw_, key.c_str(), value.c_str()));
  }
  return Call(message_, AdbcDatabaseInit, &raw_);
}

Database::~Database() {
  Error ignored;
  AdbcDatabaseRelease(&raw_, ignored.get());
}

arrow::Result<std::shared_ptr<Connection>> Connection::Open(std::shared_ptr<Database> database) {
  std::shared_ptr<Connection> connection(new Connection(std::move(database)));
  const DriverMessage& message = connection->message();
  ARROW_RETURN_NOT_OK(Call(message, AdbcConnectionNew, connection->get()));
  ARROW_RETURN_NOT_OK(
      Call(message, AdbcConnectionInit, connection->get(), connection->database_->get()));
  return connection;
}

Connection::~Connection() {
  Error ignored;
  AdbcConnectionRelease(&raw_, ignored.get());
}

arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Connection::GetInfo() {
  ArrowArrayStream stream{};
  ARROW_RETURN_NOT_OK(Call(message(), AdbcConnectionGetInfo, &raw_, nullptr, size_t{0}, &stream));
  return arrow::ImportRecordBatchReader(&stream);
}

arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Connection::GetTables() {
  ArrowArrayStream stream{};
  ARROW_RETURN_NOT_OK(Call(message(), AdbcConnectionGetObjects, &raw_, ADBC_OBJECT_DEPTH_TABLES,
                           nullptr, nullptr, nullptr, nullptr, nullptr, &stream));
  return arrow::ImportRecordBatchReader(&stream);
}

arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Connection::ReadPart(
    const std::string& part) {
  ArrowArrayStream stream{};
  ARROW_RETURN_NOT_OK(Call(message(), AdbcConnectionReadPartition, &raw_,
                           reinterpret_cast<const uint8_t*>(part.data()), part.size(), &stream));
  return arrow::ImportRecordBatchReader(&stream);
}

std::optional<std::string> Connection::GetOption(const std::string& key) {
  return ReadText([&](char* text, size_t* length) {
    Error ignored;
    return AdbcConnectionGetOption(&raw_, key.c_str(), text, length, ignored.get());
  });
}

arrow::Status Connection::SetOption(const std::string& key, const std::string& value) {
  return Call(message(), AdbcConnectionSetOption, &raw_, key.c_str(), value.c_str());
}

arrow::Status Connection::Rollback() { return Call(message(), AdbcConnectionRollback, &raw_); }

arrow::Result<std::shared_ptr<Statement>> Statement::Make(std::shared_ptr<Connection> connection) {
  std::shared_ptr<Statement> statement(new Statement(std::move(connection)));
  ARROW_RETURN_NOT_OK(Call(statement->message(), AdbcStatementNew, statement->connection_->get(),
                           &statement->raw_));
  return statement;
}

Statement::~Statement() {
  Error ignored;
  AdbcStatementRelease(&raw_, ignored.get());
}

arrow::Status Statement::SetSql(const std::string& sql) {
  return Call(message(), AdbcStatementSetSqlQuery, &raw_, sql.c_str());
}

arrow::Status Statement::SetSubstraitPlan(const std::string& plan) {
  return Call(message(), AdbcStatementSetSubstraitPlan, &raw_,
              reinterpret_cast<const uint8_t*>(plan.data()), plan.size());
}

arrow::Status Statement::SetOption(const std::string& key, const std::string& value) {
  return Call(message(), AdbcStatementSetOption, &raw_, key.c_str(), value.c_str());
}

std::optional<int64_t> Statement::GetOptionInt(const std::string& key) {
  int64_t value = 0;
  Error ignored;
  if (AdbcStatementGetOptionInt(&raw_, key.c_str(), &value, ignored.get()) != ADBC_STATUS_OK) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::string> Statement::GetOption(const std::string& key) {
  return ReadText([&](char* text, size_t* length) {
    Error ignored;
    return AdbcStatementGetOption(&raw_, key.c_str(), text, length, ignored.get());
  });
}

arrow::Status Statement::BindStream(const std::shared_ptr<arrow::RecordBatchReader>& reader) {
  ArrowArrayStream stream{};
  ARROW_RETURN_NOT_OK(arrow::ExportRecordBatchReader(reader, &stream));
  const arrow::Status status = Call(message(), AdbcStatementBindStream, &raw_, &stream);
  // The driver takes the stream; what it left behind is still ours.
  if (stream.release != nullptr) stream.release(&stream);
  return status;
}

arrow::Status Statement::Execute() {
  return Call(message(), AdbcStatementExecuteQuery, &raw_, nullptr, nullptr);
}

arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Statement::ExecuteQuery() {
  ArrowArrayStream stream{};
  ARROW_RETURN_NOT_OK(Call(message(), AdbcStatementExecuteQuery, &raw_, &stream, nullptr));
  return arrow::ImportRecordBatchReader(&stream);
}

arrow::Result<std::vector<std::string>> Statement::ExecuteParts() {
  ArrowSchema schema{};
  AdbcPartitions partitions{};
  ARROW_RETURN_NOT_OK(
      Call(message(), AdbcStatementExecutePartitions, &raw_, &schema, &partitions, nullptr));
  std::vector<std::string> parts;
  parts.reserve(partitions.num_partitions);
  for (size_t i = 0; i < partitions.num_partitions; ++i) {
    parts.emplace_back(reinterpret_cast<const char*>(partitions.partitions[i]),
                       partitions.partition_lengths[i]);
  }
  schema.release(&schema);
  partitions.release(&partitions);
  return parts;
}

arrow::Result<std::shared_ptr<arrow::Schema>> Statement::ExecuteSchema() {
  ArrowSchema schema{};
  ARROW_RETURN_NOT_OK(Call(message(), AdbcStatementExecuteSchema, &raw_, &schema));
  return arrow::ImportSchema(&schema);
}

void Statement::Cancel() {
  Error ignored;
  AdbcStatementCancel(&raw_, ignored.get());
}

}  // namespace sheaf::adbc
