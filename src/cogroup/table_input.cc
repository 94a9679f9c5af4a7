#include "cogroup/table_input.h"

#include <arrow/compute/api.h>
#include <arrow/type.h>

#include <optional>
#include <utility>

#include "cogroup/key_text.h"
#include "job/nearest.h"
#include "key/key_type.h"
#include "key/plain_types.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

std::string Quoted(const std::string& name) { return "\"" + name + "\""; }

std::string TableContext(const Table& table) { return "table " + Quoted(table.name); }

// The SQL that reads a table's rows. Sets `absent` for a source that the engine lacks and that the job
// calls optional.
arrow::Status MakeQuery(Engine::Impl& engine, TableInput* input) {
  const Table& table = input->table;
  if (table.source.empty()) {
    input->query = table.query;
    return arrow::Status::OK();
  }
  std::optional<std::string> name;
  if (table.optional) {
    ARROW_ASSIGN_OR_RAISE(name, engine.FindTable(table.source));
  } else {
    ARROW_ASSIGN_OR_RAISE(name, engine.ResolveTable(table.source));
  }
  input->absent = !name;
  if (name) input->query = "SELECT * FROM " + *name;
  return arrow::Status::OK();
}

arrow::Status FindKeyColumns(TableInput* input) {
  if (input->schema->num_fields() == 0) {
    return MakeError(ErrorKind::kEngine, "has no columns; is its file empty?");
  }
  for (const std::string& name : input->key_names) {
    const std::vector<int> matches = input->schema->GetAllFieldIndices(name);
    if (matches.size() > 1) {
      return MakeError(ErrorKind::kEngine, "has " + std::to_string(matches.size()) +
                                               " columns called " + Quoted(name) +
                                               "; give them different names");
    }
    if (matches.empty()) {
      return MakeError(ErrorKind::kEngine, "has no key column " + Quoted(name) +
                                               DidYouMean(name, input->schema->field_names()));
    }
    input->key_indices.push_back(matches[0]);
    input->key_types.push_back(input->schema->field(matches[0])->type());
  }
  return arrow::Status::OK();
}

arrow::Status Describe(const Engine* engine, const Job& job, TableInput* input) {
  const Table& table = input->table;
  input->key_names = KeyColumnsOf(job, table);
  if (table.stream != nullptr) {
    input->raw_schema = table.stream->schema();
  } else {
    if (engine == nullptr) {
      return MakeError(ErrorKind::kJob, "needs an engine: only a stream does without one");
    }
    ARROW_RETURN_NOT_OK(MakeQuery(engine->impl(), input));
    if (input->absent) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(input->connection, engine->impl().Connect());
    ARROW_ASSIGN_OR_RAISE(input->raw_schema, table.substrait.empty()
                                                 ? input->connection->QuerySchema(input->query)
                                                 : input->connection->PlanSchema(table.substrait));
  }
  input->schema = PlainSchema(input->raw_schema);
  ARROW_RETURN_NOT_OK(FindKeyColumns(input));
  ARROW_ASSIGN_OR_RAISE(GroupOrder order,
                        GroupOrder::Make(*input->schema, table.order_by, job.ties));
  input->group_order = std::make_shared<const GroupOrder>(std::move(order));
  return arrow::Status::OK();
}

// Names both tables, and the types of their key column `column`.
arrow::Status DontCompare(const TableInput& a, const TableInput& b, size_t column) {
  const auto describe = [&](const TableInput& input) {
    return Quoted(input.key_names[column]) + " of " + TableContext(input.table) + " is " +
           input.key_types[column]->ToString();
  };
  return MakeError(ErrorKind::kEngine,
                   "key types do not compare: " + describe(a) + ", " + describe(b));
}

// Every pair of tables must compare: what A shares with B, and A with C, says nothing of B and C.
arrow::Result<ColumnForm> CommonFormOf(const std::vector<TableInput>& tables, size_t column) {
  std::vector<const TableInput*> before;
  ColumnForm form;
  for (const TableInput& input : tables) {
    if (input.absent) continue;
    const auto own = FormOf(*input.key_types[column]);
    if (!own.ok()) {
      return MakeError(ErrorKind::kEngine, TableContext(input.table) + ": key column " +
                                               Quoted(input.key_names[column]) + " of type " +
                                               own.status().message());
    }
    if (before.empty()) form = *own;
    for (const TableInput* other : before) {
      const auto common = CommonForm(*other->key_types[column], *input.key_types[column]);
      if (!common.ok()) return DontCompare(*other, input, column);
      form = WiderForm(form, *common);
    }
    before.push_back(&input);
  }
  return form;
}

arrow::Status MakeComparable(const Job& job, std::vector<TableInput>* tables) {
  std::vector<EncodedColumn> columns(job.key.size());
  for (size_t c = 0; c < columns.size(); ++c) {
    ARROW_ASSIGN_OR_RAISE(columns[c].form, CommonFormOf(*tables, c));
  }
  const auto encoder = std::make_shared<const RowEncoder>(std::move(columns));
  for (TableInput& input : *tables) input.key_encoder = encoder;
  return arrow::Status::OK();
}

// The job's key names in types that hold the keys of every selecting table.
arrow::Result<std::shared_ptr<arrow::Schema>> KeySchema(const Job& job,
                                                        const std::vector<TableInput>& tables) {
  arrow::FieldVector fields;
  for (size_t c = 0; c < job.key.size(); ++c) {
    const TableInput* first = nullptr;
    std::shared_ptr<arrow::DataType> type;
    for (const TableInput& input : tables) {
      if (!input.table.selects_keys || input.absent) continue;
      if (first == nullptr) {
        first = &input;
        type = input.key_types[c];
        continue;
      }
      const auto common = CommonType(type, input.key_types[c]);
      if (!common.ok()) return DontCompare(*first, input, c);
      type = *common;
    }
    fields.push_back(arrow::field(job.key[c], type == nullptr ? arrow::int64() : type, false));
  }
  return arrow::schema(std::move(fields));
}

// An absent table delivers zero rows, under its own names and in the types of the keys.
arrow::Status DescribeAbsent(const arrow::Schema& key_schema, TableInput* input) {
  arrow::FieldVector fields;
  for (size_t c = 0; c < input->key_names.size(); ++c) {
    const auto& type = key_schema.field(static_cast<int>(c))->type();
    fields.push_back(arrow::field(input->key_names[c], type));
    input->key_indices.push_back(static_cast<int>(c));
    input->key_types.push_back(type);
  }
  input->schema = input->raw_schema = arrow::schema(std::move(fields));
  ARROW_ASSIGN_OR_RAISE(GroupOrder order, GroupOrder::Make(*input->schema, {}, Ties::kAny));
  input->group_order = std::make_shared<const GroupOrder>(std::move(order));
  return arrow::Status::OK();
}

}  // namespace

std::vector<std::shared_ptr<arrow::Array>> KeyColumns(const TableInput& input,
                                                      const arrow::RecordBatch& rows) {
  std::vector<std::shared_ptr<arrow::Array>> columns;
  columns.reserve(input.key_indices.size());
  for (const int index : input.key_indices) columns.push_back(rows.column(index));
  return columns;
}

arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> OpenRows(const TableInput& input,
                                                                  const std::string& sql,
                                                                  int64_t memory) {
  const Table& table = input.table;
  if (table.stream != nullptr) return table.stream;
  if (input.absent) return arrow::RecordBatchReader::Make({}, input.schema);
  if (!table.substrait.empty()) return input.connection->RunPlan(table.substrait, memory);
  return input.connection->Query(sql, memory);
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> ConformKeys(
    const TableInput& input, const arrow::RecordBatch& rows,
    const std::shared_ptr<arrow::Schema>& key_schema) {
  arrow::ArrayVector columns = KeyColumns(input, rows);
  for (size_t c = 0; c < columns.size(); ++c) {
    const auto& type = key_schema->field(static_cast<int>(c))->type();
    if (columns[c]->type()->Equals(*type)) continue;
    auto cast = arrow::compute::Cast(*columns[c], type);
    if (!cast.ok()) {
      return MakeError(
          ErrorKind::kEngine,
          TableContext(input.table) + ": key column " + Quoted(input.key_names[c]) +
              " as the common type of the selecting tables: " + cast.status().message());
    }
    columns[c] = *std::move(cast);
  }
  return arrow::RecordBatch::Make(key_schema, rows.num_rows(), std::move(columns));
}

arrow::Result<ResolvedJob> ResolveJob(const Engine* engine, Job job) {
  ARROW_RETURN_NOT_OK(job.Check());
  ResolvedJob resolved;
  for (const Table& table : job.tables) {
    TableInput input;
    input.table = table;
    if (const auto status = Describe(engine, job, &input); !status.ok()) {
      return WithContext(status, TableContext(table));
    }
    resolved.tables.push_back(std::move(input));
  }
  ARROW_RETURN_NOT_OK(MakeComparable(job, &resolved.tables));
  ARROW_ASSIGN_OR_RAISE(resolved.key_schema, KeySchema(job, resolved.tables));
  if (!job.from.empty()) {
    ARROW_ASSIGN_OR_RAISE(resolved.from, ReadKey(job.from, resolved.key_schema));
  }
  for (TableInput& input : resolved.tables) {
    if (input.absent) ARROW_RETURN_NOT_OK(DescribeAbsent(*resolved.key_schema, &input));
  }
  resolved.job = std::move(job);
  return resolved;
}

}  // namespace sheaf
