#include "engine/dialect.h"

#include <arrow/type.h>
#include <gtest/gtest.h>

namespace sheaf {
namespace {

std::string TermOf(const std::string& vendor, const std::shared_ptr<arrow::DataType>& type) {
  return MakeDialect(vendor)->OrderTerm("\"k\"", {{"k"}, type, ""});
}

TEST(Dialect, QuotesAnyName) {
  const auto dialect = MakeDialect("");
  EXPECT_EQ(dialect->Quote("Id"), "\"Id\"");
  EXPECT_EQ(dialect->Quote("a \"b\".c"), "\"a \"\"b\"\".c\"");
}

TEST(Dialect, SplitsATablesNameAtDotsOutsideQuotes) {
  const auto dialect = MakeDialect("");
  EXPECT_EQ(dialect->QuoteTable("logs"), "\"logs\"");
  EXPECT_EQ(dialect->QuoteTable("c.s.T"), "\"c\".\"s\".\"T\"");
  EXPECT_EQ(dialect->QuoteTable("s.\"a.b\""), "\"s\".\"a.b\"");
  EXPECT_EQ(dialect->QuoteTable("\"a \"\" b\""), "\"a \"\" b\"");
}

TEST(Dialect, PutsNullsLastAndTextInByteOrder) {
  EXPECT_EQ(TermOf("Apache DataFusion", arrow::utf8()), "\"k\" ASC NULLS LAST");
  EXPECT_EQ(TermOf("PostgreSQL", arrow::utf8()),
            "CAST(\"k\" AS TEXT) COLLATE \"C\" ASC NULLS LAST");
  EXPECT_EQ(TermOf("DuckDB", arrow::utf8()), "CAST(\"k\" AS VARCHAR) COLLATE \"C\" ASC NULLS LAST");
  EXPECT_EQ(TermOf("SQLite", arrow::utf8()), "\"k\" COLLATE BINARY ASC NULLS LAST");
  EXPECT_EQ(TermOf("who knows", arrow::utf8()), "\"k\" ASC NULLS LAST");
}

TEST(Dialect, OrdersOtherTypesAsTheyAre) {
  for (const char* vendor : {"Apache DataFusion", "PostgreSQL", "duckdb", "SQLite", ""}) {
    EXPECT_EQ(TermOf(vendor, arrow::int64()), "\"k\" ASC NULLS LAST") << vendor;
  }
}

TEST(Dialect, OrdersDataFusionsFloatsByValue) {
  EXPECT_EQ(TermOf("Apache DataFusion", arrow::float32()),
            "nanvl(CAST(\"k\" AS DOUBLE), CAST('NaN' AS DOUBLE)) + 0.0 ASC NULLS LAST");
}

TEST(Dialect, KeepsDuckDbsFloatsFromStatisticsThatLackNaN) {
  EXPECT_EQ(TermOf("DuckDB", arrow::float64()),
            "CASE WHEN isnan(\"k\") THEN CAST('NaN' AS DOUBLE) ELSE \"k\" END ASC NULLS LAST");
}

TEST(Dialect, KeepsTheBlanksOfPostgreSqlsPaddedText) {
  const auto dialect = MakeDialect("PostgreSQL");
  const SqlColumn padded{{"k"}, arrow::utf8(), "bpchar"};
  EXPECT_EQ(dialect->Comparable("k", padded), "concat(k) COLLATE \"C\"");
  EXPECT_EQ(
      dialect->SemiJoinQuery("SELECT 1", {padded}, "keys"),
      "SELECT * FROM (\nSELECT 1\n) AS q WHERE concat(q.\"k\") IN (SELECT s.k0 FROM \"keys\" AS "
      "s)");
}

TEST(Dialect, KnowsTheStatementsThatEachConnectionRepeats) {
  for (const char* vendor : {"Apache DataFusion", "PostgreSQL", "DuckDB", "SQLite"}) {
    const auto dialect = MakeDialect(vendor);
    for (const char* sql :
         {"SET a = 1", "\n use x", "PRAGMA y", "-- why\nset a = 1", "/* a; */ -- b\n SET(a)"}) {
      EXPECT_TRUE(dialect->IsSessionSetting(sql)) << vendor << ": " << sql;
    }
    for (const char* sql :
         {"", "-- SET", "/* SET", "SELECT 1", "settle", "CREATE TABLE t (a INT)"}) {
      EXPECT_FALSE(dialect->IsSessionSetting(sql)) << vendor << ": " << sql;
    }
    const std::string_view own(vendor);
    EXPECT_EQ(dialect->IsSessionSetting("ATTACH 'b' AS b"), own == "SQLite") << vendor;
    EXPECT_EQ(dialect->IsSessionSetting("SELECT set_config('a', 'b', false)"), own == "PostgreSQL")
        << vendor;
  }
}

TEST(Dialect, OrdersByAllKeysInTurn) {
  EXPECT_EQ(MakeDialect("SQLite")->OrderedQuery(
                "SELECT 1 -- one", {{{"a"}, arrow::int32(), ""}, {{"B"}, arrow::utf8(), ""}}),
            "SELECT * FROM (\nSELECT 1 -- one\n) AS q ORDER BY \"a\" ASC NULLS LAST, "
            "\"B\" COLLATE BINARY ASC NULLS LAST");
}

TEST(Dialect, NamesFieldsOfStructs) {
  const std::vector<std::string> path = {"resource", "it's", "id"};
  EXPECT_EQ(MakeDialect("DuckDB")->Column(path, ""), R"((("resource")."it's")."id")");
  EXPECT_EQ(MakeDialect("Apache DataFusion")->Column(path, "q"), R"(q."resource"['it''s']['id'])");
}

TEST(Dialect, FiltersByOneKeyOrSeveral) {
  const auto dialect = MakeDialect("");
  EXPECT_EQ(dialect->SemiJoinQuery("SELECT 1", {{{"a"}, arrow::int32(), ""}}, "keys"),
            "SELECT * FROM (\nSELECT 1\n) AS q WHERE q.\"a\" IN (SELECT s.k0 FROM \"keys\" AS s)");
  EXPECT_EQ(dialect->SemiJoinQuery(
                "SELECT 1", {{{"a"}, arrow::int32(), ""}, {{"b"}, arrow::int32(), ""}}, "keys"),
            "SELECT * FROM (\nSELECT 1\n) AS q WHERE EXISTS (SELECT 1 FROM \"keys\" AS s "
            "WHERE s.k0 = q.\"a\" AND s.k1 = q.\"b\")");
}

}  // namespace
}  // namespace sheaf
