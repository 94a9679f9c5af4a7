#include "sheaf/engine.h"

#include <arrow/scalar.h>
#include <arrow/table.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "engine/engine_impl.h"
#include "engine/test_engines.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

arrow::Status OpenError(const EngineOptions& options) { return Engine::Open(options).status(); }

EngineOptions Named(std::string driver) {
  EngineOptions options;
  options.driver = std::move(driver);
  return options;
}

TEST(EngineOpen, SaysWhereItLookedForADriverAndWhatMayBeMeant) {
  const arrow::Status status = OpenError(Named("duckbd"));
  EXPECT_EQ(KindOf(status), ErrorKind::kEngine);
  EXPECT_THAT(status.message(),
              AllOf(StartsWith("driver \"duckbd\" not found: looked for duckbd.toml in "),
                    HasSubstr("/etc/adbc/drivers"), HasSubstr("libadbc_driver_duckbd.so"),
                    HasSubstr("did you mean \"duckdb\"?"), Not(HasSubstr("\n"))));
}

TEST(EngineOpen, RefusesAPathThatDoesNotExist) {
  EXPECT_EQ(OpenError(Named("/nowhere/libduckdb.so")).message(),
            "driver \"/nowhere/libduckdb.so\": there is no such file");
}

TEST(EngineOpen, SaysWhyALibraryDidNotLoad) {
  EXPECT_THAT(OpenError(Named("/etc/passwd")).message(),
              AllOf(StartsWith("driver \"/etc/passwd\" did not load: /etc/passwd: "),
                    Not(HasSubstr("dlopen")), Not(HasSubstr("\n"))));
}

TEST(HasSortTest, TellsAPlanThatSortsFromOneWhoseRowsStandInOrder) {
  const auto options = DataFusionForTest();
  if (!options) GTEST_SKIP() << "the driver is not here";
  const auto engine = Engine::Open(*options).ValueOrDie();
  const auto connection = engine->impl().Connect().ValueOrDie();
  const std::string ordered = "SELECT n FROM range(0, 9) AS r(n) ORDER BY ";
  EXPECT_FALSE(HasSort(connection->ExplainPlan(ordered + "n")));
  EXPECT_TRUE(HasSort(connection->ExplainPlan(ordered + "n % 3")));
  EXPECT_FALSE(HasSort(connection->ExplainPlan("no query"))) << "which has no plan";
}

/// Every promise of Engine that does not depend on the engine's SQL.
class EngineTest : public testing::TestWithParam<std::optional<EngineOptions> (*)()> {
 protected:
  void SetUp() override {
    const auto found = GetParam()();
    if (!found) GTEST_SKIP() << "the driver is not here";
    options = *found;
  }

  std::shared_ptr<Engine> Open(std::vector<std::string> setup = {}) {
    options.setup = std::move(setup);
    const auto engine = Engine::Open(options);
    EXPECT_TRUE(engine.ok()) << engine.status();
    return engine.ValueOr(nullptr);
  }

 public:
  EngineOptions options;
};

TEST_P(EngineTest, TellsWhatItIs) {
  const auto engine = Open();
  ASSERT_NE(engine, nullptr);
  EXPECT_FALSE(engine->vendor_name().empty());
  EXPECT_FALSE(engine->vendor_version().empty());
  EXPECT_FALSE(engine->driver_name().empty());
  EXPECT_FALSE(engine->driver_version().empty());
  EXPECT_TRUE(engine->impl().embedded());
}

TEST_P(EngineTest, NamesTheSetupStatementThatFails) {
  options.setup = {"CREATE TABLE t AS SELECT 1 AS a", "SELECT * FROM missing_table"};
  const arrow::Status status = OpenError(options);
  EXPECT_EQ(KindOf(status), ErrorKind::kEngine);
  EXPECT_THAT(status.message(), AllOf(StartsWith("setup statement 2: "), HasSubstr("missing_table"),
                                      Not(HasSubstr("\n"))));
}

TEST_P(EngineTest, NeverShowsTheValueOfAnOption) {
  options.options["no.such.option"] = "hush-hush";
  const arrow::Status status = OpenError(options);
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(status.message(), AllOf(HasSubstr("no.such.option"), Not(HasSubstr("hush-hush"))));
}

TEST_P(EngineTest, ListsItsTablesAndFindsThemByName) {
  const auto engine =
      Open({"CREATE TABLE logs AS SELECT 1 AS a", "CREATE VIEW \"V w\" AS SELECT 2 AS b"});
  ASSERT_NE(engine, nullptr);
  Engine::Impl& impl = engine->impl();
  const auto names = impl.TableNames();
  ASSERT_TRUE(names.ok()) << names.status();
  EXPECT_THAT(*names, testing::UnorderedElementsAre("logs", "V w"));
  const auto connection = impl.Connect();
  ASSERT_TRUE(connection.ok()) << connection.status();
  const auto resolve = [&](const std::string& name) {
    return impl.ResolveTable(name, connection->get());
  };
  EXPECT_EQ(resolve("logs").ValueOr({}).sql, "\"logs\"");
  EXPECT_EQ(resolve("\"V w\"").ValueOr({}).sql, "\"V w\"");
  EXPECT_EQ(resolve("lgos").status().message(),
            "the engine has no table \"lgos\"; did you mean \"logs\"?");
}

TEST_P(EngineTest, SuggestsANameInTheQuotesThatItNeeds) {
  const auto engine = Open({"CREATE TABLE \"a.b\" AS SELECT 1 AS a"});
  ASSERT_NE(engine, nullptr);
  const auto connection = engine->impl().Connect();
  ASSERT_TRUE(connection.ok()) << connection.status();
  EXPECT_THAT(engine->impl().ResolveTable("a.b", connection->get()).status().message(),
              HasSubstr("no table \"a.b\"; there is \"\"a.b\"\""));
  EXPECT_TRUE(engine->impl().ResolveTable("\"a.b\"", connection->get()).ok());
}

TEST_P(EngineTest, FindsATableThatUnquotedSqlFolded) {
  const auto engine = Open({"CREATE TABLE Logs AS SELECT 1 AS a"});
  ASSERT_NE(engine, nullptr);
  const auto connection = engine->impl().Connect();
  ASSERT_TRUE(connection.ok()) << connection.status();
  const auto table = engine->impl().ResolveTable("LOGS", connection->get());
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_THAT(table->schema->field_names(), testing::ElementsAre("a"));
  EXPECT_TRUE((*connection)->QuerySchema("SELECT * FROM " + table->sql).ok());
}

TEST_P(EngineTest, RepeatsSessionSettingsOnEveryConnection) {
  const bool duckdb = options.driver != "datafusion";
  const auto engine = Open({duckdb ? "SET TimeZone = 'Asia/Tokyo'"
                                   : "SET datafusion.execution.time_zone = 'Asia/Tokyo'"});
  ASSERT_NE(engine, nullptr);
  const auto connection = engine->impl().Connect();
  ASSERT_TRUE(connection.ok()) << connection.status();
  const auto rows =
      (*connection)
          ->Query(duckdb ? "SELECT current_setting('TimeZone')"
                         : "SELECT value FROM information_schema.df_settings WHERE name = "
                           "'datafusion.execution.time_zone'",
                  0);
  ASSERT_TRUE(rows.ok()) << rows.status();
  const auto table = (*rows)->ToTable();
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ((*table)->column(0)->GetScalar(0).ValueOrDie()->ToString(), "Asia/Tokyo");
}

INSTANTIATE_TEST_SUITE_P(DataFusion, EngineTest, testing::Values(&DataFusionForTest));
INSTANTIATE_TEST_SUITE_P(DuckDb, EngineTest, testing::Values(&DuckDbForTest));

TEST(EngineTables, ABrokenViewIsAnErrorAndNotAMissingTable) {
  auto options = DuckDbForTest();
  if (!options) GTEST_SKIP() << "the driver is not here";
  options->setup = {"CREATE TABLE t AS SELECT 1 AS a", "CREATE VIEW v AS SELECT a FROM t",
                    "DROP TABLE t"};
  const auto engine = Engine::Open(*options);
  ASSERT_TRUE(engine.ok()) << engine.status();
  const auto connection = (*engine)->impl().Connect();
  ASSERT_TRUE(connection.ok()) << connection.status();
  EXPECT_FALSE((*engine)->impl().FindTable("v", connection->get()).ok());
}

}  // namespace
}  // namespace sheaf
