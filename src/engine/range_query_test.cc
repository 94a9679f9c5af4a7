#include "engine/range_query.h"

#include <arrow/type.h>
#include <gtest/gtest.h>

namespace sheaf {
namespace {

const SqlColumn kA{{"a"}, arrow::int64(), ""};
const RangeKey kOne{{kA}, 1, true};
const RangeKey kThree{{kA, {{"b"}, arrow::utf8(), ""}, {{"c"}, arrow::int64(), ""}}, 3, true};

/// What follows the nested query.
std::string Where(const RangeKey& key, LowerEnd lower, bool has_upper,
                  const std::string& vendor = "") {
  const std::string sql = RangeQuery(*MakeDialect(vendor), "SELECT 1", key, lower, has_upper);
  const std::string head = "SELECT * FROM (\nSELECT 1\n) AS q WHERE ";
  EXPECT_TRUE(sql.starts_with(head)) << sql;
  return sql.substr(head.size());
}

TEST(RangeQuery, TakesInItsUpperEndAndItsLowerOneWhereAsked) {
  const std::string some = R"("a" IS NOT NULL)";
  EXPECT_EQ(Where(kOne, LowerEnd::kNone, false), some);
  EXPECT_EQ(Where(kOne, LowerEnd::kNone, true), some + R"( AND "a" <= $1)");
  EXPECT_EQ(Where(kOne, LowerEnd::kAbove, true), some + R"( AND "a" > $1 AND "a" <= $2)");
  EXPECT_EQ(Where(kOne, LowerEnd::kFrom, false), some + R"( AND "a" >= $1)");
}

TEST(RangeQuery, ComparesWholeTuplesAndTheFirstColumnAlone) {
  EXPECT_EQ(Where(kThree, LowerEnd::kAbove, false),
            R"("a" IS NOT NULL AND "b" IS NOT NULL AND "c" IS NOT NULL AND "a" >= $1 AND )"
            R"(("a" > $1 OR "a" = $1 AND ("b" > $2 OR "b" = $2 AND ("c" > $3))))");
  EXPECT_TRUE(
      Where(kThree, LowerEnd::kFrom, true)
          .ends_with(R"("a" <= $4 AND )"
                     R"(("a" < $4 OR "a" = $4 AND ("b" < $5 OR "b" = $5 AND ("c" <= $6))))"));
}

TEST(RangeQuery, LeavesNothingOutThatTheEngineMayRound) {
  EXPECT_EQ(Where({{kA, {{"b"}, arrow::int64(), ""}}, 1, false}, LowerEnd::kAbove, true),
            R"("a" IS NOT NULL AND "b" IS NOT NULL AND "a" >= $1 AND "a" <= $2)");
}

TEST(RangeQuery, ComparesAsTheDialectOrders) {
  EXPECT_EQ(Where({{{{"t"}, arrow::utf8(), ""}}, 1, true}, LowerEnd::kAbove, false, "DuckDB"),
            R"("t" IS NOT NULL AND CAST("t" AS VARCHAR) COLLATE "C" > $1)");
}

TEST(KeysQuery, AsksForTheNextKeysInOrderEachOnce) {
  EXPECT_EQ(
      KeysQuery(*MakeDialect("SQLite"), "SELECT 1", kThree, LowerEnd::kNone, 7),
      "SELECT \"a\", \"b\", \"c\" FROM (\nSELECT 1\n) AS q WHERE \"a\" IS NOT NULL AND "
      "\"b\" IS NOT NULL AND \"c\" IS NOT NULL GROUP BY \"a\", \"b\", \"c\" ORDER BY \"a\" ASC "
      "NULLS LAST, \"b\" COLLATE BINARY ASC NULLS LAST, \"c\" ASC NULLS LAST LIMIT 7");
  EXPECT_TRUE(KeysQuery(*MakeDialect(""), "SELECT 1", kOne, LowerEnd::kNone, std::nullopt)
                  .ends_with("ORDER BY \"a\" ASC NULLS LAST"));
}

TEST(AllKeysQuery, AsksForTheKeyOfEveryRowInNoOrder) {
  EXPECT_EQ(AllKeysQuery(*MakeDialect(""), "SELECT 1", kOne, LowerEnd::kAbove),
            "SELECT \"a\" FROM (\nSELECT 1\n) AS q WHERE \"a\" IS NOT NULL AND \"a\" > $1");
  EXPECT_TRUE(AllKeysQuery(*MakeDialect(""), "SELECT 1", kThree, LowerEnd::kNone)
                  .starts_with(R"(SELECT "a", "b", "c" FROM)"));
}

TEST(NullKeysQuery, AsksForRowsWithANullInAnyColumn) {
  EXPECT_EQ(NullKeysQuery(*MakeDialect(""), "SELECT 1", {kA, {{"s", "b"}, arrow::int64(), ""}}),
            "SELECT * FROM (\nSELECT 1\n) AS q WHERE \"a\" IS NULL OR \"s\" IS NULL OR "
            "(\"s\").\"b\" IS NULL");
}

}  // namespace
}  // namespace sheaf
