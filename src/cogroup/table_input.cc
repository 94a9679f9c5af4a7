#include "cogroup/table_input.h"

#include <arrow/compute/api.h>
#include <arrow/type.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "cogroup/group_memory.h"
#include "cogroup/key_text.h"
#include "cogroup/untyped_keys.h"
#include "key/canonical_floats.h"
#include "key/key_type.h"
#include "key/plain_types.h"
#include "parallel/parallel.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

std::string Quoted(const std::string& name) { return "\"" + name + "\""; }

// What reads a table's rows, and how they look. Sets `absent` for a source that the engine lacks and that the job
// calls optional.
arrow::Status FindRows(Engine::Impl& engine, TableInput* input) {
  const Table& table = input->table;
  ARROW_ASSIGN_OR_RAISE(auto connection, engine.Connect());
  if (!table.substrait.empty()) {
    ARROW_ASSIGN_OR_RAISE(input->raw_schema, connection->PlanSchema(table.substrait));
  } else if (table.source.empty()) {
    input->query = table.query;
    ARROW_ASSIGN_OR_RAISE(input->raw_schema, connection->QuerySchema(input->query));
  } else {
    std::optional<FoundTable> found;
    if (table.optional) {
      ARROW_ASSIGN_OR_RAISE(found, engine.FindTable(table.source, connection.get()));
    } else {
      ARROW_ASSIGN_OR_RAISE(found, engine.ResolveTable(table.source, connection.get()));
    }
    input->absent = !found;
    if (input->absent) return arrow::Status::OK();
    input->query = "SELECT * FROM " + found->sql;
    input->raw_schema = std::move(found->schema);
  }
  input->connection = std::move(connection);
  return arrow::Status::OK();
}

arrow::Status FindKeyColumns(TableInput* input) {
  if (input->schema->num_fields() == 0) {
    return MakeError(ErrorKind::kEngine, "has no columns; is its file empty?");
  }
  for (const std::string& name : input->key_names) {
    ARROW_ASSIGN_OR_RAISE(ColumnPath column, FindColumn(*input->schema, name, "key column"));
    input->key_columns.push_back(std::move(column));
  }
  return arrow::Status::OK();
}

// Plain types, without the marks that the engine's side has left for this one.
arrow::Result<std::shared_ptr<arrow::Schema>> DeliveredSchema(const TableInput& input) {
  std::shared_ptr<arrow::Schema> schema = PlainSchema(input.raw_schema);
  for (int c = 0; c < schema->num_fields(); ++c) {
    const auto& field = schema->field(c);
    if (!IsUntyped(*field)) continue;
    ARROW_ASSIGN_OR_RAISE(schema, schema->SetField(c, field->RemoveMetadata()));
  }
  return schema;
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
    ARROW_RETURN_NOT_OK(FindRows(engine->impl(), input));
    if (input->absent) return arrow::Status::OK();
  }
  ARROW_ASSIGN_OR_RAISE(input->schema, DeliveredSchema(*input));
  ARROW_RETURN_NOT_OK(FindKeyColumns(input));
  ARROW_ASSIGN_OR_RAISE(GroupOrder order,
                        GroupOrder::Make(*input->schema, table.order_by, job.ties));
  input->group_order = std::make_shared<const GroupOrder>(std::move(order));
  return arrow::Status::OK();
}

// A column and its type, with the name that the job has for it.
std::string Described(const std::string& name, const Table& table, const arrow::DataType& type) {
  return Quoted(name) + " of " + TableContext(table) + " is " + type.ToString();
}

std::string NameOf(const ColumnPath& column) {
  return fmt::format("{}", fmt::join(column.names, "."));
}

// Names both tables, and the types of their key column `column`.
arrow::Status DontCompare(const TableInput& a, const TableInput& b, size_t column) {
  const auto describe = [&](const TableInput& input) {
    return Described(input.key_names[column], input.table, *input.key_columns[column].type);
  };
  return MakeError(ErrorKind::kEngine,
                   "key types do not compare: " + describe(a) + ", " + describe(b));
}

arrow::Result<ColumnForm> KeyFormOf(const TableInput& input, size_t column) {
  const auto form = FormOf(*input.key_columns[column].type);
  if (form.ok()) return form;
  return MakeError(ErrorKind::kEngine, TableContext(input.table) + ": key column " +
                                           Quoted(input.key_names[column]) + " of type " +
                                           form.status().message());
}

// Every pair of tables must compare: what A shares with B, and A with C, says nothing of B and C.
arrow::Result<ColumnForm> CommonFormOf(const std::vector<TableInput>& tables, size_t column) {
  std::vector<const TableInput*> before;
  ColumnForm form;
  for (const TableInput& input : tables) {
    if (input.absent || input.table.link) continue;
    ARROW_ASSIGN_OR_RAISE(const ColumnForm own, KeyFormOf(input, column));
    if (before.empty()) form = own;
    for (const TableInput* other : before) {
      const auto common =
          CommonForm(*other->key_columns[column].type, *input.key_columns[column].type);
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
  for (TableInput& input : *tables) {
    if (!input.table.link) input.key_encoder = encoder;
  }
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
        type = input.key_columns[c].type;
        continue;
      }
      const auto common = CommonType(type, input.key_columns[c].type);
      if (!common.ok()) return DontCompare(*first, input, c);
      type = *common;
    }
    fields.push_back(arrow::field(job.key[c], type == nullptr ? arrow::int64() : type, false));
  }
  return arrow::schema(std::move(fields));
}

// An absent table delivers zero rows, under its own names and in the types of the keys.
arrow::Status DescribeAbsent(const std::vector<std::shared_ptr<arrow::DataType>>& key_types,
                             TableInput* input) {
  arrow::FieldVector fields;
  for (size_t c = 0; c < input->key_names.size(); ++c) {
    fields.push_back(arrow::field(input->key_names[c], key_types[c]));
    input->key_columns.push_back(
        {arrow::FieldPath({static_cast<int>(c)}), {input->key_names[c]}, key_types[c]});
  }
  input->schema = input->raw_schema = arrow::schema(std::move(fields));
  ARROW_ASSIGN_OR_RAISE(GroupOrder order, GroupOrder::Make(*input->schema, {}, Ties::kAny));
  input->group_order = std::make_shared<const GroupOrder>(std::move(order));
  return arrow::Status::OK();
}

// Finds the columns that a table hangs on where it is linked, in a table that is described already.
arrow::Status FindLink(const std::vector<TableInput>& tables, TableInput* input) {
  if (!input->table.link) return arrow::Status::OK();
  const Link& link = *input->table.link;
  const auto other = std::ranges::find_if(
      tables, [&](const TableInput& table) { return table.table.name == link.table; });
  const auto place = static_cast<size_t>(other - tables.begin());
  input->link = std::make_unique<LinkInput>(LinkInput{link.kind, place, link.table, {}});
  if (other->absent) return arrow::Status::OK();
  for (const std::string& name : link.columns) {
    auto column = FindColumn(*other->schema, name, "column");
    if (!column.ok()) {
      return WithContext(WithContext(column.status(), TableContext(other->table)),
                         TableContext(input->table));
    }
    input->link->columns.push_back(*std::move(column));
  }
  return arrow::Status::OK();
}

// The key of a linked table, which FindLink has seen, compares with the columns that it hangs on, and with nothing else.
arrow::Status MakeLinkComparable(const std::vector<TableInput>& tables, TableInput* input) {
  const TableInput& other = tables[input->link->table];
  std::vector<EncodedColumn> columns(input->key_columns.size());
  for (size_t c = 0; c < columns.size(); ++c) {
    ARROW_ASSIGN_OR_RAISE(columns[c].form, KeyFormOf(*input, c));
    if (other.absent) continue;
    const auto& type = input->link->columns[c].type;
    const auto common = CommonForm(*input->key_columns[c].type, *type);
    if (!common.ok()) {
      return MakeError(
          ErrorKind::kEngine,
          "key types do not compare: " +
              Described(input->key_names[c], input->table, *input->key_columns[c].type) + ", " +
              Described(NameOf(input->link->columns[c]), other.table, *type));
    }
    columns[c].form = *common;
  }
  input->key_encoder = std::make_shared<const RowEncoder>(std::move(columns));
  return arrow::Status::OK();
}

// What an absent table's key columns are: those of the keys, or of what it hangs on.
std::vector<std::shared_ptr<arrow::DataType>> TypesOfAbsent(const arrow::Schema& key_schema,
                                                            const TableInput& input) {
  std::vector<std::shared_ptr<arrow::DataType>> types(input.key_names.size(), arrow::int64());
  for (size_t c = 0; c < types.size(); ++c) {
    if (input.link == nullptr) {
      types[c] = key_schema.field(static_cast<int>(c))->type();
    } else if (!input.link->columns.empty()) {
      types[c] = input.link->columns[c].type;
    }
  }
  return types;
}

}  // namespace

std::string TableContext(const Table& table) { return "table " + Quoted(table.name); }

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
  ARROW_ASSIGN_OR_RAISE(arrow::ArrayVector columns, ColumnsAt(input.key_columns, rows));
  for (size_t c = 0; c < columns.size(); ++c) {
    const auto& type = key_schema->field(static_cast<int>(c))->type();
    if (!columns[c]->type()->Equals(*type)) {
      auto cast = arrow::compute::Cast(*columns[c], type);
      if (!cast.ok()) {
        return MakeError(
            ErrorKind::kEngine,
            TableContext(input.table) + ": key column " + Quoted(input.key_names[c]) +
                " as the common type of the selecting tables: " + cast.status().message());
      }
      columns[c] = *std::move(cast);
    }
    ARROW_ASSIGN_OR_RAISE(columns[c], CanonicalFloats(std::move(columns[c])));
  }
  return arrow::RecordBatch::Make(key_schema, rows.num_rows(), std::move(columns));
}

arrow::Result<Connection::Readers> OpenParts(const TableInput& input, int64_t memory) {
  const Table& table = input.table;
  if (table.stream != nullptr || input.absent) {
    ARROW_ASSIGN_OR_RAISE(auto whole, OpenRows(input, input.query, memory));
    return Connection::Readers{std::move(whole)};
  }
  return table.substrait.empty() ? input.connection->QueryParts(input.query, memory)
                                 : input.connection->RunPlanParts(table.substrait, memory);
}

std::vector<SqlColumn> SqlColumns(const TableInput& input) {
  std::vector<SqlColumn> columns;
  columns.reserve(input.key_columns.size());
  for (const ColumnPath& column : input.key_columns) {
    const auto field = column.indices.Get(*input.raw_schema);
    columns.push_back({column.names, column.type, field.ok() ? EngineTypeOf(**field) : ""});
  }
  return columns;
}

arrow::Result<ResolvedJob> ResolveJob(const Engine* engine, Job job) {
  ARROW_RETURN_NOT_OK(job.Check());
  ResolvedJob resolved;
  resolved.tables.resize(job.tables.size());
  ARROW_RETURN_NOT_OK(RunInParallel(job.tables.size(), [&](size_t t) {
    TableInput& input = resolved.tables[t];
    input.table = job.tables[t];
    return WithContext(Describe(engine, job, &input), TableContext(input.table));
  }));
  TypeUntypedKeys(&resolved.tables);
  ARROW_RETURN_NOT_OK(MakeComparable(job, &resolved.tables));
  ARROW_ASSIGN_OR_RAISE(resolved.key_schema, KeySchema(job, resolved.tables));
  if (!job.from.empty()) {
    ARROW_ASSIGN_OR_RAISE(resolved.from, ReadKey(job.from, resolved.key_schema));
  }
  for (TableInput& input : resolved.tables) {
    ARROW_RETURN_NOT_OK(FindLink(resolved.tables, &input));
    if (input.absent) {
      ARROW_RETURN_NOT_OK(DescribeAbsent(TypesOfAbsent(*resolved.key_schema, input), &input));
    }
    if (input.link == nullptr) continue;
    TypeUntypedLink(&resolved.tables[input.link->table], &input);
    ARROW_RETURN_NOT_OK(MakeLinkComparable(resolved.tables, &input));
  }
  resolved.max_group_bytes = MaxGroupBytes(job);
  resolved.job = std::move(job);
  return resolved;
}

}  // namespace sheaf
