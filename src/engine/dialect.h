// What differs between the SQL of engines. One small class an engine; the rest of sheaf writes SQL
// only through it.
#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sheaf {

/// A column of a query, for SQL.
struct SqlColumn {
  std::vector<std::string> path;  ///< Its name; below it, those of fields of structs.
  std::shared_ptr<arrow::DataType> type;
  std::string engine_type;  ///< As EngineTypeOf.
};

/// The engine's own name of the type of a column that its driver has delivered; empty where the driver does not tell.
std::string EngineTypeOf(const arrow::Field& field);

/// SQL by which one transaction shows the state of the data that another does.
struct SnapshotSql {
  std::string keep;    ///< A transaction's first statement: it shows one state to its end.
  std::string name;    ///< A query of the name by which others import its state.
  std::string import;  ///< The statement that does so; the name in quotes follows.
  std::string state;   ///< A query of a text that is the same in both then, and not without `keep`.
};

/// The column of a driver that has guessed its type without any value; how it is told from others.
std::shared_ptr<arrow::Field> AsUntyped(const arrow::Field& field);
bool IsUntyped(const arrow::Field& field);

class Dialect {
 public:
  virtual ~Dialect() = default;

  /// An identifier in quotes, with quotes inside it doubled.
  [[nodiscard]] virtual std::string Quote(std::string_view identifier) const;

  /// A text in quotes, with quotes inside it doubled.
  [[nodiscard]] static std::string Literal(std::string_view text);

  /// A table's name as written in a job: `a.b.c` names catalog, schema and table; a part in double
  /// quotes is taken whole.
  [[nodiscard]] virtual std::string QuoteTable(std::string_view name) const;

  /// A column of table `table` (empty: of the only one there is), or a field of a struct column.
  [[nodiscard]] virtual std::string Column(const std::vector<std::string>& path,
                                           std::string_view table) const;

  /// A key, an SQL expression for this column, as one whose plain comparison is sheaf's order
  /// (docs/architecture.md): text by bytes whatever the collation, NaN last.
  [[nodiscard]] virtual std::string Comparable(const std::string& key,
                                               const SqlColumn& column) const;

  /// A key as one that equals what the driver delivers of it.
  [[nodiscard]] virtual std::string Joinable(const std::string& key, const SqlColumn& column) const;

  /// The term that orders a key ascending in sheaf's order, nulls last.
  [[nodiscard]] std::string OrderTerm(const std::string& key, const SqlColumn& column) const;

  /// `SELECT * FROM (query) ORDER BY keys`.
  [[nodiscard]] std::string OrderedQuery(const std::string& query,
                                         const std::vector<SqlColumn>& keys) const;

  /// A query as a source of rows, called q.
  [[nodiscard]] static std::string Nested(const std::string& query);

  /// A statement whose effect ends with its connection, so that each connection repeats it.
  [[nodiscard]] virtual bool IsSessionSetting(std::string_view sql) const;

  /// A query of no rows, or few, whose result has the columns of `query`.
  [[nodiscard]] virtual std::string SchemaQuery(const std::string& query) const;

  /// How transactions show one state of the data; nullopt where several can't show the same.
  [[nodiscard]] virtual std::optional<SnapshotSql> Snapshots() const { return std::nullopt; }

  /// The driver knows the type of a column from its first values alone.
  [[nodiscard]] virtual bool GuessesTypes() const { return false; }

  /// `SELECT * FROM (query)` with only the rows whose keys stand in table `key_table`, whose
  /// columns are called k0, k1, ...
  [[nodiscard]] std::string SemiJoinQuery(const std::string& query,
                                          const std::vector<SqlColumn>& keys,
                                          const std::string& key_table) const;
};

/// The parts of a table's name as Dialect::QuoteTable reads it, without their quotes.
std::vector<std::string> SplitTableName(std::string_view name);
/// A part of a table's name as a job has to write it: in double quotes where it would be read otherwise.
std::string TableNamePart(const std::string& part);

/// The dialect for what a driver says its vendor is; a standard one where none is known.
std::shared_ptr<const Dialect> MakeDialect(std::string_view vendor_name);

}  // namespace sheaf
