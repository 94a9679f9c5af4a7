#include "engine/dialect.h"

#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <arrow/util/key_value_metadata.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "engine/letter_case.h"

namespace sheaf {
namespace {

constexpr char kUntyped[] = "sheaf.untyped";

bool IsText(const SqlColumn& column) {
  return arrow::is_string(column.type->id()) || column.type->id() == arrow::Type::STRING_VIEW;
}

// The first word of a statement, in small letters. Comments may stand before it.
std::string FirstWord(std::string_view sql) {
  while (true) {
    sql.remove_prefix(std::min(sql.find_first_not_of(" \t\r\n"), sql.size()));
    const bool line = sql.starts_with("--");
    if (!line && !sql.starts_with("/*")) break;
    const std::string_view end = line ? "\n" : "*/";
    const size_t at = sql.find(end, 2);
    sql.remove_prefix(at == std::string_view::npos ? sql.size() : at + end.size());
  }
  const std::string lower = LowerCase(sql);
  return lower.substr(0, lower.find_first_not_of("abcdefghijklmnopqrstuvwxyz"));
}

class DataFusionDialect final : public Dialect {
 public:
  // Text is ordered by bytes already, and a plain column lets a file's known order stand for a
  // sort. Floats are ordered by their bits: a negative NaN first, -0 before 0.
  [[nodiscard]] std::string Comparable(const std::string& key,
                                       const SqlColumn& column) const override {
    if (!arrow::is_floating(column.type->id())) return key;
    return fmt::format("nanvl(CAST({} AS DOUBLE), CAST('NaN' AS DOUBLE)) + 0.0", key);
  }

  // In brackets: fields by dots are not possible everywhere, such as in a correlated subquery.
  [[nodiscard]] std::string Column(const std::vector<std::string>& path,
                                   std::string_view table) const override {
    std::string column = Dialect::Column({path.front()}, table);
    for (size_t i = 1; i < path.size(); ++i) column += fmt::format("[{}]", Literal(path[i]));
    return column;
  }
};

class PostgresDialect final : public Dialect {
 public:
  // The cast serves what arrives as text but has no collation.
  [[nodiscard]] std::string Comparable(const std::string& key,
                                       const SqlColumn& column) const override {
    if (!IsText(column)) return key;
    if (IsPadded(column)) return Joinable(key, column) + " COLLATE \"C\"";
    return fmt::format("CAST({} AS TEXT) COLLATE \"C\"", key);
  }

  // A cast of CHAR(n) to text leaves out the blanks that the driver delivers. An ENUM arrives as text, and equals none. A
  // plain column lets an index serve.
  [[nodiscard]] std::string Joinable(const std::string& key,
                                     const SqlColumn& column) const override {
    if (IsPadded(column)) return fmt::format("concat({})", key);
    constexpr std::array kTexts = {"", "text", "varchar", "name"};
    const bool equals_text = !IsText(column) || std::ranges::count(kTexts, column.engine_type) > 0;
    return equals_text ? key : fmt::format("CAST({} AS TEXT)", key);
  }

  [[nodiscard]] bool IsSessionSetting(std::string_view sql) const override {
    return Dialect::IsSessionSetting(sql) ||
           (FirstWord(sql) == "select" && LowerCase(sql).find("set_config") != std::string::npos);
  }

  [[nodiscard]] std::optional<SnapshotSql> Snapshots() const override {
    return SnapshotSql{
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT pg_export_snapshot()",
        "SET TRANSACTION SNAPSHOT ",
        "SELECT current_setting('transaction_isolation') || ' ' || txid_current_snapshot()"};
  }

 private:
  static bool IsPadded(const SqlColumn& column) { return column.engine_type == "bpchar"; }
};

class DuckDbDialect final : public Dialect {
 public:
  // A plain column is held against the statistics of a Parquet file, which leave NaN out: `k > 1.5` would lose it.
  [[nodiscard]] std::string Comparable(const std::string& key,
                                       const SqlColumn& column) const override {
    if (IsText(column)) return Joinable(key, column) + " COLLATE \"C\"";
    if (!arrow::is_floating(column.type->id())) return key;
    return fmt::format("CASE WHEN isnan({0}) THEN CAST('NaN' AS DOUBLE) ELSE {0} END", key);
  }

  // ENUM, UUID and JSON arrive as text, and have no collation. An ENUM would be ordered by the place of its values.
  [[nodiscard]] std::string Joinable(const std::string& key,
                                     const SqlColumn& column) const override {
    return IsText(column) ? fmt::format("CAST({} AS VARCHAR)", key) : key;
  }
};

class SqliteDialect final : public Dialect {
 public:
  [[nodiscard]] std::string Comparable(const std::string& key,
                                       const SqlColumn& column) const override {
    return IsText(column) ? key + " COLLATE BINARY" : key;
  }

  [[nodiscard]] bool IsSessionSetting(std::string_view sql) const override {
    return Dialect::IsSessionSetting(sql) || FirstWord(sql) == "attach";
  }

  [[nodiscard]] bool GuessesTypes() const override { return true; }
  [[nodiscard]] std::string SchemaQuery(const std::string& query) const override { return query; }
};

}  // namespace

std::string EngineTypeOf(const arrow::Field& field) {
  return field.HasMetadata() ? field.metadata()->Get("POSTGRESQL:type").ValueOr("") : "";
}

std::shared_ptr<arrow::Field> AsUntyped(const arrow::Field& field) {
  return field.WithMetadata(arrow::key_value_metadata({kUntyped}, {""}));
}

bool IsUntyped(const arrow::Field& field) {
  return field.HasMetadata() && field.metadata()->Contains(kUntyped);
}

std::string Dialect::Quote(std::string_view identifier) const {
  std::string quoted = "\"";
  for (const char c : identifier) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  quoted += '"';
  return quoted;
}

std::string Dialect::Literal(std::string_view text) {
  std::string literal = "'";
  for (const char c : text) literal += c == '\'' ? std::string("''") : std::string(1, c);
  return literal + "'";
}

std::string Dialect::QuoteTable(std::string_view name) const {
  std::string quoted;
  for (const std::string& part : SplitTableName(name)) {
    quoted += (quoted.empty() ? "" : ".") + Quote(part);
  }
  return quoted;
}

std::string Dialect::Column(const std::vector<std::string>& path, std::string_view table) const {
  std::string column = (table.empty() ? "" : std::string(table) + ".") + Quote(path.front());
  for (size_t i = 1; i < path.size(); ++i) column = fmt::format("({}).{}", column, Quote(path[i]));
  return column;
}

std::string Dialect::Comparable(const std::string& key, const SqlColumn&) const { return key; }

std::string Dialect::Joinable(const std::string& key, const SqlColumn&) const { return key; }

std::string Dialect::OrderTerm(const std::string& key, const SqlColumn& column) const {
  return Comparable(key, column) + " ASC NULLS LAST";
}

// The line breaks keep a comment at its end from taking the rest.
std::string Dialect::Nested(const std::string& query) {
  return fmt::format("(\n{}\n) AS q", query);
}

std::string Dialect::OrderedQuery(const std::string& query,
                                  const std::vector<SqlColumn>& keys) const {
  std::vector<std::string> terms;
  terms.reserve(keys.size());
  for (const SqlColumn& key : keys) terms.push_back(OrderTerm(Column(key.path, ""), key));
  return fmt::format("SELECT * FROM {} ORDER BY {}", Nested(query), fmt::join(terms, ", "));
}

bool Dialect::IsSessionSetting(std::string_view sql) const {
  const std::string word = FirstWord(sql);
  return word == "set" || word == "use" || word == "pragma";
}

std::string Dialect::SchemaQuery(const std::string& query) const {
  return fmt::format("SELECT * FROM {} WHERE 1 = 0", Nested(query));
}

std::string Dialect::SemiJoinQuery(const std::string& query, const std::vector<SqlColumn>& keys,
                                   const std::string& key_table) const {
  const auto own = [this](const SqlColumn& key) { return Joinable(Column(key.path, "q"), key); };
  if (keys.size() == 1) {
    return fmt::format("SELECT * FROM {} WHERE {} IN (SELECT s.k0 FROM {} AS s)", Nested(query),
                       own(keys[0]), Quote(key_table));
  }
  std::vector<std::string> terms;
  terms.reserve(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    terms.push_back(fmt::format("s.k{} = {}", i, own(keys[i])));
  }
  return fmt::format("SELECT * FROM {} WHERE EXISTS (SELECT 1 FROM {} AS s WHERE {})",
                     Nested(query), Quote(key_table), fmt::join(terms, " AND "));
}

std::vector<std::string> SplitTableName(std::string_view name) {
  std::vector<std::string> parts(1);
  bool quoted = false;
  for (size_t i = 0; i < name.size(); ++i) {
    const bool doubled = quoted && name[i] == '"' && i + 1 < name.size() && name[i + 1] == '"';
    if (doubled) {
      parts.back() += name[i++];
    } else if (name[i] == '"') {
      quoted = !quoted;
    } else if (name[i] == '.' && !quoted) {
      parts.emplace_back();
    } else {
      parts.back() += name[i];
    }
  }
  return parts;
}

std::string TableNamePart(const std::string& part) {
  if (SplitTableName(part) == std::vector<std::string>{part}) return part;
  return Dialect().Quote(part);
}

std::shared_ptr<const Dialect> MakeDialect(std::string_view vendor_name) {
  const std::string vendor = LowerCase(vendor_name);
  const auto is = [&](std::string_view word) { return vendor.find(word) != std::string::npos; };
  if (is("datafusion")) return std::make_shared<DataFusionDialect>();
  if (is("postgres")) return std::make_shared<PostgresDialect>();
  if (is("duckdb")) return std::make_shared<DuckDbDialect>();
  if (is("sqlite")) return std::make_shared<SqliteDialect>();
  return std::make_shared<Dialect>();
}

}  // namespace sheaf
