#include "engine/range_query.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

namespace sheaf {
namespace {

std::string ComparableAt(const Dialect& dialect, const SqlColumn& column) {
  return dialect.Comparable(dialect.Column(column.path, ""), column);
}

std::vector<std::string> Columns(const Dialect& dialect, const std::vector<SqlColumn>& columns) {
  std::vector<std::string> named(columns.size());
  std::ranges::transform(columns, named.begin(),
                         [&](const SqlColumn& column) { return dialect.Column(column.path, ""); });
  return named;
}

// What says of each key column whether it is null. A struct around a field is asked itself too: engines differ
// in what the fields of a null struct are.
std::vector<std::string> NullTerms(const Dialect& dialect, const std::vector<SqlColumn>& columns,
                                   std::string_view test) {
  std::vector<std::string> terms;
  for (const SqlColumn& column : columns) {
    std::vector<std::string> path;
    for (const std::string& name : column.path) {
      path.push_back(name);
      terms.push_back(fmt::format("{} {}", dialect.Column(path, ""), test));
    }
  }
  return terms;
}

// The key beyond one end: `a > $1 OR a = $1 AND b > $2`. `sign` is > or <.
std::string Beyond(const Dialect& dialect, const RangeKey& key, char sign, bool inclusive,
                   size_t first_parameter) {
  std::string condition;
  std::string first_column;
  for (size_t c = key.compared; c-- > 0;) {
    const std::string column = ComparableAt(dialect, key.columns[c]);
    const std::string parameter = fmt::format("${}", first_parameter + c);
    if (condition.empty()) {
      const bool equal = inclusive || !key.exact;
      condition = fmt::format("{} {}{} {}", column, sign, equal ? "=" : "", parameter);
    } else {
      condition =
          fmt::format("{0} {1} {2} OR {0} = {2} AND ({3})", column, sign, parameter, condition);
    }
    first_column = fmt::format("{} {}= {}", column, sign, parameter);
  }
  // The first column alone is what an index, or the statistics of a file, can be held against.
  return key.compared == 1 ? condition : fmt::format("{} AND ({})", first_column, condition);
}

std::string InRange(const Dialect& dialect, const RangeKey& key, LowerEnd lower, bool has_upper) {
  std::vector<std::string> terms = NullTerms(dialect, key.columns, "IS NOT NULL");
  if (lower != LowerEnd::kNone) {
    terms.push_back(Beyond(dialect, key, '>', lower == LowerEnd::kFrom, 1));
  }
  if (has_upper) {
    const size_t first = lower == LowerEnd::kNone ? 1 : key.compared + 1;
    terms.push_back(Beyond(dialect, key, '<', true, first));
  }
  return fmt::format("{}", fmt::join(terms, " AND "));
}

}  // namespace

std::string RangeQuery(const Dialect& dialect, const std::string& query, const RangeKey& key,
                       LowerEnd lower, bool has_upper) {
  return fmt::format("SELECT * FROM {} WHERE {}", Dialect::Nested(query),
                     InRange(dialect, key, lower, has_upper));
}

std::string AllKeysQuery(const Dialect& dialect, const std::string& query, const RangeKey& key,
                         LowerEnd lower) {
  return fmt::format("SELECT {} FROM {} WHERE {}", fmt::join(Columns(dialect, key.columns), ", "),
                     Dialect::Nested(query), InRange(dialect, key, lower, false));
}

std::string KeysQuery(const Dialect& dialect, const std::string& query, const RangeKey& key,
                      LowerEnd lower, std::optional<int64_t> limit) {
  const std::vector<std::string> columns = Columns(dialect, key.columns);
  std::vector<std::string> terms(columns.size());
  std::ranges::transform(columns, key.columns, terms.begin(),
                         [&](const std::string& name, const SqlColumn& column) {
                           return dialect.OrderTerm(name, column);
                         });
  // GROUP BY rather than DISTINCT: SQL then lets the order be one of expressions.
  return fmt::format("SELECT {0} FROM {1} WHERE {2} GROUP BY {0} ORDER BY {3}{4}",
                     fmt::join(columns, ", "), Dialect::Nested(query),
                     InRange(dialect, key, lower, false), fmt::join(terms, ", "),
                     limit ? fmt::format(" LIMIT {}", *limit) : "");
}

std::string NullKeysQuery(const Dialect& dialect, const std::string& query,
                          const std::vector<SqlColumn>& columns) {
  return fmt::format("SELECT * FROM {} WHERE {}", Dialect::Nested(query),
                     fmt::join(NullTerms(dialect, columns, "IS NULL"), " OR "));
}

}  // namespace sheaf
