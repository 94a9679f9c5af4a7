#include "sheaf/job.h"

#include <utility>

#include "job/check.h"
#include "sheaf/error.h"

namespace sheaf {

Table Table::Named(std::string name) {
  std::string source = name;
  return Named(std::move(name), std::move(source));
}

Table Table::Named(std::string name, std::string source) {
  Table table;
  table.name = std::move(name);
  table.source = std::move(source);
  return table;
}

Table Table::Query(std::string name, std::string sql) {
  Table table;
  table.name = std::move(name);
  table.query = std::move(sql);
  return table;
}

Table Table::Stream(std::string name, std::shared_ptr<arrow::RecordBatchReader> reader) {
  Table table;
  table.name = std::move(name);
  table.stream = std::move(reader);
  return table;
}

Table Table::Substrait(std::string name, std::string plan) {
  Table table;
  table.name = std::move(name);
  table.substrait = std::move(plan);
  return table;
}

Table& Table::Key(std::vector<std::string> columns) {
  key = std::move(columns);
  return *this;
}

Table& Table::OrderBy(std::vector<std::string> terms) {
  order_by = std::move(terms);
  return *this;
}

Table& Table::SelectsKeys(bool value) {
  selects_keys = value;
  return *this;
}

Table& Table::Optional(bool value) {
  optional = value;
  return *this;
}

Table& Table::RowsPerKey(Cardinality cardinality) {
  rows_per_key = cardinality;
  return *this;
}

Table& Table::References(std::string table, std::vector<std::string> columns) {
  link = Link{Link::Kind::kReference, std::move(table), std::move(columns)};
  return *this;
}

Table& Table::Parent(std::string table, std::vector<std::string> columns) {
  link = Link{Link::Kind::kParent, std::move(table), std::move(columns)};
  return *this;
}

Job& Job::Key(std::vector<std::string> columns) {
  key = std::move(columns);
  return *this;
}

Job& Job::MaxKeys(int32_t value) {
  max_keys = value;
  return *this;
}

Job& Job::MaxBytes(int64_t value) {
  max_bytes = value;
  return *this;
}

Job& Job::WithTies(Ties value) {
  ties = value;
  return *this;
}

Job& Job::WithStrategy(Strategy value) {
  strategy = value;
  return *this;
}

Job& Job::Memory(int64_t bytes) {
  memory = bytes;
  return *this;
}

Job& Job::InParts(bool value) {
  in_parts = value;
  return *this;
}

Job& Job::From(std::vector<std::string> columns) {
  from = std::move(columns);
  return *this;
}

Job& Job::StopAfter(int64_t batches) {
  stop_after = batches;
  return *this;
}

Job& Job::WithPolicy(Policy value) {
  policy = value;
  return *this;
}

Job& Job::Add(Table table) {
  tables.push_back(std::move(table));
  return *this;
}

arrow::Status Job::Check() const {
  if (std::optional<JobProblem> problem = FindProblem(*this)) {
    return MakeError(ErrorKind::kJob, std::move(problem->message));
  }
  return arrow::Status::OK();
}

Cardinality DeliveredCardinality(const Policy& policy, Cardinality promised) {
  return policy.duplicate == Policy::Duplicate::kKeep ? Cardinality::kAny : promised;
}

const std::vector<std::string>& KeyColumnsOf(const Job& job, const Table& table) {
  return table.key.empty() ? job.key : table.key;
}

}  // namespace sheaf
