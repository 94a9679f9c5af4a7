#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "engine/dialect.h"
#include "engine/engine_impl.h"
#include "engine/test_engines.h"
#include "key/key_test_support.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

using sheaf::testing::FromJson;
using sheaf::testing::RowsFromJson;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Reader = std::shared_ptr<arrow::RecordBatchReader>;

// Hours of work, in one batch of result.
constexpr char kEndless[] =
    "SELECT count(*) AS n FROM range(0, 100000000) AS a(x), range(0, 1000000) AS b(y) "
    "WHERE (a.x * b.y) % 7 = 3";

std::shared_ptr<arrow::RecordBatch> KeyBatch(const std::vector<int64_t>& keys) {
  arrow::Int64Builder builder;
  EXPECT_TRUE(builder.AppendValues(keys).ok());
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("k0", arrow::int64())}),
                                  static_cast<int64_t>(keys.size()),
                                  {builder.Finish().ValueOrDie()});
}

Reader Rows(const std::shared_ptr<arrow::RecordBatch>& batch) {
  return arrow::RecordBatchReader::Make({batch}).ValueOrDie();
}

class ConnectionTest : public ::testing::TestWithParam<std::optional<EngineOptions> (*)()> {
 protected:
  void SetUp() override {
    const auto options = GetParam()();
    if (!options) GTEST_SKIP() << "the driver is not here";
    auto opened = Engine::Open(*options);
    ASSERT_TRUE(opened.ok()) << opened.status();
    engine = *opened;
  }

  std::unique_ptr<Connection> Connect() { return engine->impl().Connect().ValueOrDie(); }

  static int64_t CountRows(const arrow::Result<Reader>& reader) {
    EXPECT_TRUE(reader.ok()) << reader.status();
    if (!reader.ok()) return -1;
    const auto table = (*reader)->ToTable();
    EXPECT_TRUE(table.ok()) << table.status();
    return table.ok() ? (*table)->num_rows() : -1;
  }

 public:
  std::shared_ptr<Engine> engine;
};

TEST_P(ConnectionTest, ReadsAQueryToItsEndAndEndsAgain) {
  const auto connection = Connect();
  const Reader reader =
      connection->Query("SELECT * FROM range(0, 100000) AS r(n)", 64 << 20).ValueOrDie();
  EXPECT_EQ(CountRows(reader), 100000);
  std::shared_ptr<arrow::RecordBatch> batch;
  EXPECT_TRUE(reader->ReadNext(&batch).ok());
  EXPECT_EQ(batch, nullptr);
}

TEST_P(ConnectionTest, ReadsTwoStreamsInTurn) {
  const auto a = Connect();
  const auto b = Connect();
  const Reader left = a->Query("SELECT * FROM range(0, 50000) AS r(n)", 0).ValueOrDie();
  const Reader right = b->Query("SELECT * FROM range(0, 50000) AS r(n)", 0).ValueOrDie();
  int64_t rows = 0;
  for (bool more = true; more;) {
    more = false;
    for (const Reader& reader : {left, right}) {
      std::shared_ptr<arrow::RecordBatch> batch;
      ASSERT_TRUE(reader->ReadNext(&batch).ok());
      if (batch == nullptr) continue;
      rows += batch->num_rows();
      more = true;
    }
  }
  EXPECT_EQ(rows, 100000);
}

TEST_P(ConnectionTest, TellsAQuerysColumnsWithoutRunningIt) {
  const auto schema = Connect()->QuerySchema("SELECT 1 AS a, 'x' AS \"B c\" -- end");
  ASSERT_TRUE(schema.ok()) << schema.status();
  EXPECT_THAT((*schema)->field_names(), ::testing::ElementsAre("a", "B c"));
  EXPECT_TRUE(Connect()->QuerySchema(kEndless).ok());
}

TEST_P(ConnectionTest, TemporaryTableIsItsOwnAndGoesAway) {
  auto connection = Connect();
  const arrow::Status created = connection->CreateTemporaryTable("t e\"mp", Rows(KeyBatch({1, 2})));
  ASSERT_TRUE(created.ok()) << created;
  EXPECT_EQ(CountRows(connection->Query("SELECT k0 FROM \"t e\"\"mp\"", 0)), 2);
  const auto other = Connect();
  EXPECT_FALSE(other->QuerySchema("SELECT k0 FROM \"t e\"\"mp\"").ok());
  connection.reset();
  EXPECT_FALSE(Connect()->QuerySchema("SELECT k0 FROM \"t e\"\"mp\"").ok());
}

TEST_P(ConnectionTest, FiltersByTheKeysOfATemporaryTableAndKeepsTheOrder) {
  const auto connection = Connect();
  ASSERT_TRUE(connection->CreateTemporaryTable("keys", Rows(KeyBatch({7, 70000, 3}))).ok());
  const Dialect& dialect = engine->impl().dialect();
  const std::string filtered =
      dialect.SemiJoinQuery(R"(SELECT n AS "Key ""n" FROM range(0, 100000) AS r(n))",
                            {{{"Key \"n"}, arrow::int64(), ""}}, "keys");
  const auto reader =
      connection->Query(dialect.OrderedQuery(filtered, {{{"Key \"n"}, arrow::int64(), ""}}), 0);
  ASSERT_TRUE(reader.ok()) << reader.status();
  const auto table = (*reader)->ToTable().ValueOrDie()->CombineChunks().ValueOrDie();
  const auto& keys = static_cast<const arrow::Int64Array&>(*table->column(0)->chunk(0));
  ASSERT_EQ(keys.length(), 3);
  EXPECT_EQ(keys.Value(0), 3);
  EXPECT_EQ(keys.Value(2), 70000);
}

TEST_P(ConnectionTest, OrdersAndFiltersByFieldsOfStructs) {
  const auto connection = Connect();
  const auto keys = RowsFromJson(
      arrow::schema({arrow::field("k0", arrow::int64()), arrow::field("k1", arrow::utf8())}),
      R"([[7,"a"],[70000,"a"],[3,"a"],[5,"b"]])");
  ASSERT_TRUE(connection->CreateTemporaryTable("keys", Rows(keys)).ok());
  const Dialect& dialect = engine->impl().dialect();
  const bool duckdb = engine->vendor_name() != "Apache DataFusion";
  const std::string query = std::string("SELECT ") +
                            (duckdb ? "{'id n': n}" : "named_struct('id n', n)") +
                            " AS s, 'a' AS p FROM range(0, 100000) AS r(n)";
  const std::vector<SqlColumn> columns = {{{"s", "id n"}, arrow::int64(), ""},
                                          {{"p"}, arrow::utf8(), ""}};
  const auto reader = connection->Query(
      dialect.OrderedQuery(dialect.SemiJoinQuery(query, columns, "keys"), columns), 0);
  ASSERT_TRUE(reader.ok()) << reader.status();
  const auto table = (*reader)->ToTable().ValueOrDie()->CombineChunks().ValueOrDie();
  const auto& structs = static_cast<const arrow::StructArray&>(*table->column(0)->chunk(0));
  EXPECT_EQ(structs.field(0)->ToString(), FromJson(arrow::int64(), "[3,7,70000]")->ToString());
}

TEST_P(ConnectionTest, ErrorIsTheDriversInOneLine) {
  const arrow::Status status = Connect()->Query("SELECT *\nFROM missing_table", 0).status();
  EXPECT_EQ(KindOf(status), ErrorKind::kEngine);
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("missing_table"), Not(HasSubstr("\n")), Not(HasSubstr("LINE"))));
}

TEST_P(ConnectionTest, ErrorWhileReadingIsNoEnd) {
  const auto connection = Connect();
  const auto reader = connection->Query(
      "SELECT CAST(CASE WHEN n = 90000 THEN 'not a number' ELSE '1' END AS INTEGER) AS i "
      "FROM range(0, 100000) AS r(n)",
      0);
  const arrow::Status status = reader.ok() ? (*reader)->ToTable().status() : reader.status();
  EXPECT_EQ(KindOf(status), ErrorKind::kEngine);
  EXPECT_THAT(status.message(), AllOf(HasSubstr("not a number"), Not(HasSubstr("\n")),
                                      Not(HasSubstr("xternal error"))));
}

TEST_P(ConnectionTest, CancelFromAnotherThreadEndsAQuery) {
  const auto connection = Connect();
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    connection->Cancel();
  });
  const auto reader = connection->Query(kEndless, 0);
  const arrow::Status status = reader.ok() ? (*reader)->ToTable().status() : reader.status();
  canceller.join();
  EXPECT_EQ(KindOf(status), ErrorKind::kStopped) << status;
}

TEST_P(ConnectionTest, CancelledConnectionRefusesWhatComesAfter) {
  const auto connection = Connect();
  const Reader open = connection->Query("SELECT * FROM range(0, 100000) AS r(n)", 0).ValueOrDie();
  connection->Cancel();
  connection->Cancel();
  std::shared_ptr<arrow::RecordBatch> batch;
  EXPECT_EQ(KindOf(open->ReadNext(&batch)), ErrorKind::kStopped);
  EXPECT_EQ(KindOf(connection->Query("SELECT 1", 0).status()), ErrorKind::kStopped);
  EXPECT_EQ(KindOf(connection->Execute("SELECT 1")), ErrorKind::kStopped);
}

TEST_P(ConnectionTest, CancelMayMeetTheEndOfAQuery) {
  for (int round = 0; round < 50; ++round) {
    const auto connection = Connect();
    std::thread canceller([&] { connection->Cancel(); });
    {
      const auto reader = connection->Query("SELECT * FROM range(0, 3000) AS r(n)", 0);
      const arrow::Status status = reader.ok() ? (*reader)->ToTable().status() : reader.status();
      EXPECT_TRUE(status.ok() || KindOf(status) == ErrorKind::kStopped) << status;
    }
    canceller.join();
  }
}

TEST_P(ConnectionTest, HalfReadStreamMayBeDropped) {
  const auto connection = Connect();
  Reader reader = connection->Query("SELECT * FROM range(0, 100000000) AS r(n)", 0).ValueOrDie();
  std::shared_ptr<arrow::RecordBatch> batch;
  ASSERT_TRUE(reader->ReadNext(&batch).ok());
  reader.reset();
  EXPECT_EQ(CountRows(connection->Query("SELECT 1 AS a", 0)), 1);
}

TEST_P(ConnectionTest, OrdersTextByBytesAndFloatsByValue) {
  const auto connection = Connect();
  const Dialect& dialect = engine->impl().dialect();
  const auto order = [&](const std::string& values, const std::shared_ptr<arrow::DataType>& type) {
    const auto reader =
        connection->Query(dialect.OrderedQuery("SELECT * FROM (VALUES " + values + ") AS v(k, n)",
                                               {{{"k"}, type, ""}, {{"n"}, arrow::int64(), ""}}),
                          0);
    EXPECT_TRUE(reader.ok()) << reader.status();
    if (!reader.ok()) return std::string();
    std::string text;
    const auto table = (*reader)->ToTable().ValueOrDie();
    for (int64_t i = 0; i < table->num_rows(); ++i) {
      text += table->column(1)->GetScalar(i).ValueOrDie()->ToString();
    }
    return text;
  };
  EXPECT_EQ(order("('b', 1), ('a', 2), (NULL, 3), ('B', 4), ('é', 5), ('', 6)", arrow::utf8()),
            "642153");
  EXPECT_EQ(order("(CAST('NaN' AS DOUBLE), 1), (-CAST('NaN' AS DOUBLE), 2), (0.0, 4), "
                  "(CAST('-0.0' AS DOUBLE), 5), (CAST('Infinity' AS DOUBLE), 6), (NULL, 7), "
                  "(CAST('-Infinity' AS DOUBLE), 8)",
                  arrow::float64()),
            "8456127");
}

TEST_P(ConnectionTest, TellsEstimatesAndPlansWhereTheDriverDoes) {
  const auto connection = Connect();
  const bool tells = engine->vendor_name() == "Apache DataFusion";
  EXPECT_EQ(!connection->ExplainPlan("SELECT * FROM (VALUES (1), (2)) AS v(k)").empty(), tells);
  EXPECT_EQ(connection->EstimateRows("SELECT * FROM (VALUES (1), (2)) AS v(k)"),
            tells ? std::optional<int64_t>(2) : std::nullopt);
  EXPECT_EQ(connection->EstimateRows("SELECT * FROM missing_table"), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(DataFusion, ConnectionTest, ::testing::Values(&DataFusionForTest));
INSTANTIATE_TEST_SUITE_P(DuckDb, ConnectionTest, ::testing::Values(&DuckDbForTest));

}  // namespace
}  // namespace sheaf
