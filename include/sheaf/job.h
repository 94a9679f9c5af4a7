// A job: the tables to cogroup, how their keys are called, and how large a batch may be.
//
//   sheaf::Job job = sheaf::Job().Key({"id"}).MaxKeys(65536)
//       .Add(sheaf::Table::Query("A", sql).OrderBy({"timestamp"}).SelectsKeys())
//       .Add(sheaf::Table::Named("P").RowsPerKey(sheaf::Cardinality::kOne));
//
// Jobs are plain values: copy them, compare nothing, share them between threads while nobody writes.
// They know no engine: whether a table or a column exists is found out when a BatchReader opens.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sheaf {

/// How many rows of a table a key may have; checked as rows arrive (see Policy).
enum class Cardinality { kAny, kAtMostOne, kOne };

/// How N streams become batches; docs/architecture.md says when which is best.
enum class Strategy { kAuto, kMerge, kPartition, kProbe };

/// Rows of a group that order_by leaves equal: in any order, or in one that every run repeats.
enum class Ties { kAny, kFixed };

/// One term of order_by. Text form: `column [ASC|DESC] [NULLS FIRST|NULLS LAST]`.
struct OrderTerm {
  std::string column;
  bool descending = false;
  bool nulls_first = false;  ///< Defaults as in SQL: nulls last ascending, first descending.

  /// Reads the text form; a column name that holds spaces stands in double quotes.
  /// Errors: kJob when a word is not understood.
  static arrow::Result<OrderTerm> Parse(const std::string& text);
};

/// What a linked table hangs on: rows of another table, rather than keys of the batch. Its own key columns
/// (Table::key) hold the values of `columns`. A link leads to a table of the job that may be linked in
/// turn. The table is read once, whole, in any order, whatever the strategy.
struct Link {
  enum class Kind {
    kReference,  ///< A reference table: each row comes once a batch, in key order, however many rows name it.
    kParent,  ///< A grandchild: its rows follow the rows of the other table, in their order.
  };
  Kind kind = Kind::kReference;
  std::string table;                 ///< The name of the other table.
  std::vector<std::string> columns;  ///< Of the other table; as many as this table's key has.
};

/// One named input of a job. Exactly one of source, query, substrait and stream is set.
struct Table {
  std::string name;    ///< Unique within the job; names output folders and appears in every error.
  std::string source;  ///< A table or view of the engine.
  std::string query;   ///< A SQL query, without a trailing semicolon.
  std::string substrait;                             ///< A serialized Substrait plan: its bytes.
  std::shared_ptr<arrow::RecordBatchReader> stream;  ///< Rows that need no engine.

  std::vector<std::string> key;       ///< This table's names of the key columns; empty: the job's.
  std::optional<Link> link;           ///< Where set, rows hang on another table's.
  std::vector<std::string> order_by;  ///< Text forms of OrderTerm: the order within a group.
  bool selects_keys = false;
  bool optional = false;  ///< A source that the engine lacks delivers zero rows.
  Cardinality rows_per_key = Cardinality::kAny;

  /// A table or view of the engine that is called `source`; the one-argument form is called so too.
  static Table Named(std::string name);
  static Table Named(std::string name, std::string source);
  static Table Query(std::string name, std::string sql);
  /// The rows of a Substrait plan, as bytes of its protobuf form: in any order for `partition`, ascending
  /// by key for `merge`, which can't add an order to a plan.
  static Table Substrait(std::string name, std::string plan);
  /// Rows from a reader: ascending by key for `merge`, else in any order. The job shares the reader; it is read once, by one thread.
  static Table Stream(std::string name, std::shared_ptr<arrow::RecordBatchReader> reader);

  Table& Key(std::vector<std::string> columns);
  Table& OrderBy(std::vector<std::string> terms);
  Table& SelectsKeys(bool value = true);
  Table& Optional(bool value = true);
  Table& RowsPerKey(Cardinality cardinality);
  /// Makes it a reference table of `columns` of `table`; Key() names its own columns.
  Table& References(std::string table, std::vector<std::string> columns);
  /// Makes it a grandchild: its rows hang on rows of `table`; Key() names its own columns.
  Table& Parent(std::string table, std::vector<std::string> columns);
};

/// What to do where the data breaks a promise. Each default loses no row silently.
struct Policy {
  enum class NullKey { kSkip, kError };            ///< A row whose key is null: skip and count it.
  enum class Missing { kKeep, kDrop, kError };     ///< A key without the one row that is promised.
  enum class Duplicate { kError, kKeep, kFirst };  ///< A second row where at most one is promised.
  enum class Oversize { kContinue, kError };       ///< A key with too many rows for a batch.

  NullKey null_key = NullKey::kSkip;
  Missing missing = Missing::kKeep;
  Duplicate duplicate = Duplicate::kError;
  Oversize oversize = Oversize::kContinue;
};

struct Job {
  static constexpr int32_t kDefaultMaxKeys = 65536;
  static constexpr int64_t kDefaultMemory = int64_t{1} << 30;

  // What comes out.
  std::vector<std::string> key;        ///< Key columns; the default for every table.
  int32_t max_keys = kDefaultMaxKeys;  ///< Distinct keys a batch, 1 .. 2^31-1.
  std::optional<int64_t>
      max_bytes;  ///< A batch ends here, where that comes first. Bytes in memory.
  Ties ties = Ties::kAny;
  std::vector<Table> tables;
  Policy policy;
  // What it costs.
  Strategy strategy = Strategy::kAuto;
  int64_t memory = kDefaultMemory;  ///< Bytes for everything sheaf and an embedded engine hold.
  /// Lets a batch that is large beside the memory come in parts (see Batch::part()), so that no more than a part of it
  /// is in memory. Without it every batch is whole. Not for jobs with linked tables: theirs are whole.
  bool in_parts = false;
  // Which part of it is wanted.
  std::vector<std::string> from;      ///< The least key, a text a column; empty: all. `probe` only.
  std::optional<int64_t> stop_after;  ///< Batches that will be read, where known: helps `auto`.

  Job& Key(std::vector<std::string> columns);
  Job& MaxKeys(int32_t value);
  Job& MaxBytes(int64_t value);
  Job& WithTies(Ties value);
  Job& WithStrategy(Strategy value);
  Job& Memory(int64_t bytes);
  Job& InParts(bool value = true);
  Job& From(std::vector<std::string> columns);
  Job& StopAfter(int64_t batches);
  Job& WithPolicy(Policy value);
  Job& Add(Table table);

  /// Checks all that can be known without an engine. BatchReader::Open calls it.
  /// Errors: kJob, naming the table and the field.
  [[nodiscard]] arrow::Status Check() const;
};

/// What is sure of a table's rows once the policy is applied: kAny where second rows are kept.
Cardinality DeliveredCardinality(const Policy& policy, Cardinality promised);

/// The names of the table's key columns: its own, else the job's.
const std::vector<std::string>& KeyColumnsOf(const Job& job, const Table& table);

}  // namespace sheaf
