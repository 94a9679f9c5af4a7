// The tables of a job as the engine knows them: found, described and made comparable.
#pragma once

#include <arrow/result.h>
#include <arrow/type_fwd.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "cogroup/column_path.h"
#include "cogroup/group_order.h"
#include "engine/dialect.h"
#include "engine/engine_impl.h"
#include "key/row_encoder.h"
#include "sheaf/engine.h"
#include "sheaf/job.h"

namespace sheaf {

/// Where a linked table finds what its rows hang on.
struct LinkInput {
  Link::Kind kind;
  size_t table;                     ///< The other table: its place in ResolvedJob::tables.
  std::string name;                 ///< The other table's.
  std::vector<ColumnPath> columns;  ///< Of the other table; empty where that is absent.
};

/// One table, ready to be read.
struct TableInput {
  Table table;
  std::vector<std::string> key_names;   ///< As the job writes them.
  std::vector<ColumnPath> key_columns;  ///< What they name.
  std::string query;                    ///< Its rows in any order; empty for a stream and a plan.
  std::shared_ptr<arrow::Schema> raw_schema;  ///< As the engine delivers.
  std::shared_ptr<arrow::Schema> schema;      ///< As sheaf delivers: plain types.
  std::shared_ptr<const RowEncoder> key_encoder;
  std::shared_ptr<const GroupOrder> group_order;
  std::unique_ptr<LinkInput> link;         ///< Null where it hangs on the keys.
  std::unique_ptr<Connection> connection;  ///< Its own; null for a stream and an absent table.
  bool absent = false;                     ///< optional, and the engine does not have it.
};

/// How messages name a table: `table "A"`.
std::string TableContext(const Table& table);

/// The key columns of some of the table's rows, under the job's names and in the types of the key
/// schema. Errors: kEngine, naming the table, where a key does not fit in such a type.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> ConformKeys(
    const TableInput& input, const arrow::RecordBatch& rows,
    const std::shared_ptr<arrow::Schema>& key_schema);

/// Opens the table's rows: the stream, the plan, or the result of `sql`, the table's query or a form of
/// it. Zero rows where the table is absent. `memory`: bytes an embedded engine may hold for it.
arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> OpenRows(const TableInput& input,
                                                                  const std::string& sql,
                                                                  int64_t memory);

/// The same in parts (Connection::QueryParts), one of them where the engine does not give more.
arrow::Result<Connection::Readers> OpenParts(const TableInput& input, int64_t memory);

/// The key columns for SQL.
std::vector<SqlColumn> SqlColumns(const TableInput& input);

struct ResolvedJob {
  Job job;
  std::vector<TableInput> tables;             ///< In the job's order.
  std::shared_ptr<arrow::Schema> key_schema;  ///< The job's names, the selecting tables' types.
  std::shared_ptr<arrow::RecordBatch> from;   ///< Job::from in these types; null for all keys.
  int64_t max_group_bytes = 0;                ///< Of the rows of a key that come in one batch.
};

/// Checks the job against the engine. `engine` may be null where every table is a stream.
/// Errors: as BatchReader::Open.
arrow::Result<ResolvedJob> ResolveJob(const Engine* engine, Job job);

}  // namespace sheaf
