// What differs between the SQL of engines. One small class an engine; the rest of sheaf writes SQL
// only through it.
#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sheaf {

class Dialect {
 public:
  virtual ~Dialect() = default;

  /// An identifier in quotes, with quotes inside it doubled.
  [[nodiscard]] virtual std::string Quote(std::string_view identifier) const;

  /// A table's name as written in a job: `a.b.c` names catalog, schema and table; a part in double
  /// quotes is taken whole.
  [[nodiscard]] virtual std::string QuoteTable(std::string_view name) const;

  /// A key column as an expression whose plain comparison is sheaf's order (docs/architecture.md):
  /// text by bytes whatever the collation, NaN last.
  [[nodiscard]] virtual std::string Comparable(std::string_view column,
                                               const arrow::DataType& type) const;

  /// The term that orders a key column ascending in sheaf's order, nulls last.
  [[nodiscard]] std::string OrderTerm(std::string_view column, const arrow::DataType& type) const;

  /// `SELECT * FROM (query) ORDER BY keys`. `types`: the types of `keys`.
  [[nodiscard]] std::string OrderedQuery(
      const std::string& query, const std::vector<std::string>& keys,
      const std::vector<std::shared_ptr<arrow::DataType>>& types) const;

  /// A query as a source of rows, called q.
  [[nodiscard]] static std::string Nested(const std::string& query);

  /// A query of no rows, or few, whose result has the columns of `query`.
  [[nodiscard]] virtual std::string SchemaQuery(const std::string& query) const;

  /// `SELECT * FROM (query)` with only the rows whose keys stand in table `key_table`, whose
  /// columns are called k0, k1, ...
  [[nodiscard]] std::string SemiJoinQuery(const std::string& query,
                                          const std::vector<std::string>& keys,
                                          const std::string& key_table) const;
};

/// The parts of a table's name as Dialect::QuoteTable reads it, without their quotes.
std::vector<std::string> SplitTableName(std::string_view name);

/// The dialect for what a driver says its vendor is; a standard one where none is known.
std::shared_ptr<const Dialect> MakeDialect(std::string_view vendor_name);

}  // namespace sheaf
