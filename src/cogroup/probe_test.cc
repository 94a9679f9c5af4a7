#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "cogroup/cogroup_test_support.h"
#include "cogroup/engine_test_support.h"
#include "engine/engine_impl.h"
#include "engine/test_engines.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

using sheaf::testing::IdSchema;
using sheaf::testing::OpenOnEngine;
using sheaf::testing::ReadAll;
using sheaf::testing::StreamOf;
using sheaf::testing::Text;
using sheaf::testing::Texts;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

// Numbers that stand far apart: the other tables are joined to a temporary table.
constexpr char kSparse[] = "SELECT n * 1000 AS id, n AS v FROM range(0, 50) AS r(n)";

class ProbeTest : public ::testing::TestWithParam<std::optional<EngineOptions> (*)()> {
 protected:
  void SetUp() override {
    const auto options = GetParam()();
    if (!options) GTEST_SKIP() << "the driver is not here";
    engine = Engine::Open(*options).ValueOrDie();
  }

  static Job JobOf(const std::string& selecting, const std::string& other) {
    Job job;
    job.Key({"id"}).MaxKeys(10).WithStrategy(Strategy::kProbe);
    job.Add(Table::Query("A", selecting).SelectsKeys()).Add(Table::Query("R", other));
    return job;
  }

  std::unique_ptr<BatchReader> Open(const Job& job) const {
    return BatchReader::Open(engine, job).ValueOrDie();
  }

  arrow::Result<std::vector<Batch>> Run(const Job& job) const {
    ARROW_ASSIGN_OR_RAISE(const auto reader, BatchReader::Open(engine, job));
    return ReadAll(reader.get());
  }

  static std::vector<int64_t> KeysOf(const std::vector<Batch>& batches) {
    std::vector<int64_t> keys;
    for (const Batch& batch : batches) {
      const auto& ids = static_cast<const arrow::Int64Array&>(*batch.keys()->column(0));
      for (int64_t i = 0; i < ids.length(); ++i) keys.push_back(ids.Value(i));
    }
    return keys;
  }

  std::shared_ptr<Engine> engine;
};

TEST_P(ProbeTest, KeysFarApartAreJoinedAndOthersOfTheirRangeLeftOut) {
  const auto batches =
      Run(JobOf(kSparse, "SELECT n * 500 AS id, n AS v FROM range(0, 200) AS r(n)")).ValueOrDie();
  ASSERT_EQ(batches.size(), 5U);
  for (const Batch& batch : batches) {
    EXPECT_EQ(batch.num_keys(), 10);
    EXPECT_EQ(batch.table("R")->num_rows(), 10);
  }
  EXPECT_EQ(KeysOf(batches).back(), 49000);
}

// DataFusion 55 fails where it joins numbers with numbers in dictionaries.
TEST_P(ProbeTest, NumbersInDictionariesAreKeysToo) {
  if (engine->vendor_name() != "Apache DataFusion") GTEST_SKIP() << "has no such type";
  const auto batches =
      Run(JobOf(kSparse,
                "SELECT arrow_cast(n * 500, 'Dictionary(Int32, Int64)') AS id FROM range(0, 200) "
                "AS r(n)"))
          .ValueOrDie();
  ASSERT_EQ(batches.size(), 5U);
  for (const Batch& batch : batches) EXPECT_EQ(batch.table("R")->num_rows(), 10);
}

TEST_P(ProbeTest, BatchesAreFullHoweverFarALookAheadReaches) {
  // The end of the keys within, at and beyond each look ahead.
  for (const int keys : {1, 2, 3, 4, 7, 8, 200, 201}) {
    const std::string sql =
        "SELECT n AS id, n AS v FROM range(0, " + std::to_string(keys) + ") AS r(n)";
    const auto batches = Run(JobOf(sql, sql).MaxKeys(2)).ValueOrDie();
    EXPECT_EQ(std::ssize(batches), (keys + 1) / 2);
    EXPECT_EQ(std::ssize(KeysOf(batches)), keys);
  }
}

TEST_P(ProbeTest, BatchesEndWhereBytesOrKeysDo) {
  const std::string sql = "SELECT n AS id, n AS v FROM range(0, 1000) AS r(n)";
  const auto keys_of = [&](int64_t max_bytes) {
    std::vector<int64_t> keys;
    const auto batches = Run(JobOf(sql, sql).MaxKeys(600).MaxBytes(max_bytes)).ValueOrDie();
    for (const Batch& batch : batches) {
      keys.push_back(batch.num_keys());
      EXPECT_EQ(batch.table("R")->num_rows(), keys.back());
    }
    EXPECT_EQ(std::ssize(KeysOf(batches)), 1000);
    return keys;
  };
  constexpr int64_t kKeyBytes = 32;  // a row of two numbers in each table
  EXPECT_THAT(keys_of(600 * kKeyBytes), ElementsAre(600, 400));
  EXPECT_THAT(keys_of(300 * kKeyBytes), ElementsAre(300, 300, 300, 100));
}

TEST_P(ProbeTest, KeysInNoOrderAreAllFoundWhereMemoryHoldsFewOfThem) {
  // Far apart, so that each takes its own bytes: 8 MiB, of which a look ahead may hold a half.
  constexpr int64_t kKeys = 400'009;
  constexpr int64_t kApart = 1'000'003;
  constexpr int64_t kMaxKeys = 30'000;
  const std::string sql =
      "SELECT (n * 7919 % 400009) * 1000003 AS id, n AS v FROM range(0, 400009) AS r(n)";
  const auto batches = Run(JobOf(sql, "SELECT * FROM (" + sql + ") AS t WHERE v < 10")
                               .MaxKeys(kMaxKeys)
                               .Memory(16 << 20))
                           .ValueOrDie();
  ASSERT_EQ(std::ssize(batches), kKeys / kMaxKeys + 1);
  for (size_t b = 0; b + 1 < batches.size(); ++b) EXPECT_EQ(batches[b].num_keys(), kMaxKeys) << b;
  const std::vector<int64_t> keys = KeysOf(batches);
  ASSERT_EQ(std::ssize(keys), kKeys);
  for (int64_t k = 0; k < kKeys; ++k) ASSERT_EQ(keys[static_cast<size_t>(k)], k * kApart);
}

TEST_P(ProbeTest, KeysAreThoseOfTheRowsThatAVolatileQueryDelivers) {
  const std::string all = "SELECT n AS id, n AS v FROM range(0, 3000) AS r(n)";
  const auto reader = Open(JobOf("SELECT * FROM (" + all + ") AS t WHERE random() < 0.5", all));
  const auto batches = ReadAll(reader.get()).ValueOrDie();
  for (const Batch& batch : batches) {
    for (const Group& group : batch.groups()) {
      ASSERT_EQ(group.num_rows("A"), 1);
      ASSERT_EQ(group.num_rows("R"), 1);
    }
  }
  // Half of the rows, not a half of a half: every run of the query is asked for all keys of its range.
  EXPECT_GT(reader->metrics().keys, 1200);
  EXPECT_LT(reader->metrics().keys, 1800);
}

TEST_P(ProbeTest, StartsFromTheFirstKeyThatIsNotLess) {
  EXPECT_THAT(KeysOf(Run(JobOf(kSparse, kSparse).From({"46500"})).ValueOrDie()),
              ElementsAre(47000, 48000, 49000));
  EXPECT_THAT(KeysOf(Run(JobOf(kSparse, kSparse).From({"49000"})).ValueOrDie()),
              ElementsAre(49000));
  EXPECT_THAT(Run(JobOf(kSparse, kSparse).From({"49001"})).ValueOrDie(), IsEmpty());
}

TEST_P(ProbeTest, StartsFromATupleOfACompositeKey) {
  const std::string sql =
      "SELECT n / 4 AS a, CASE n % 4 WHEN 0 THEN 'w' WHEN 1 THEN 'x' WHEN 2 THEN 'y' ELSE 'z' END "
      "AS b "
      "FROM range(0, 40) AS r(n)";
  // DuckDB's division of whole numbers gives a fraction.
  const std::string whole = "SELECT CAST(floor(a) AS BIGINT) AS a, b FROM (" + sql + ") AS t";
  Job job = JobOf(whole, whole);
  job.Key({"a", "b"}).MaxKeys(3).From({"8", "y"});
  EXPECT_THAT(Texts(Run(job).ValueOrDie()),
              ElementsAre("8,y: A(8,y) R(8,y)\n8,z: A(8,z) R(8,z)\n9,w: A(9,w) R(9,w)",
                          "9,x: A(9,x) R(9,x)\n9,y: A(9,y) R(9,y)\n9,z: A(9,z) R(9,z)"));
}

TEST_P(ProbeTest, FloatsComeInOrderWithNaNLastAndOneZero) {
  const std::string sql =
      "SELECT CAST(id AS DOUBLE) AS id FROM (VALUES ('NaN'), ('1.5'), ('-0.0'), ('0.0'), "
      "('Infinity'), ('-2')) AS t(id)";
  const auto batches = Run(JobOf(sql, sql).MaxKeys(1)).ValueOrDie();
  ASSERT_EQ(batches.size(), 5U);
  EXPECT_EQ(Text(*batches[0].keys()), "-2");
  EXPECT_EQ(batches[1].table("A")->num_rows(), 2);
  EXPECT_EQ(batches[1].table("R")->num_rows(), 2);
  EXPECT_EQ(Text(*batches[4].keys()), "nan");
  EXPECT_EQ(batches[4].table("R")->num_rows(), 1);
}

TEST_P(ProbeTest, RowsWithANullKeyAreCountedOnce) {
  const std::string sql =
      "SELECT CASE WHEN n % 4 > 0 THEN n END AS id, n AS v FROM range(0, 40) AS r(n)";
  const auto reader = Open(JobOf(sql, sql).MaxKeys(4));
  EXPECT_EQ(std::ssize(KeysOf(ReadAll(reader.get()).ValueOrDie())), 30);
  for (const TableMetrics& table : reader->metrics().tables) EXPECT_EQ(table.null_keys, 10);
  EXPECT_EQ(reader->metrics().tables[1].orphans, std::nullopt);
  EXPECT_EQ(reader->metrics().total_keys, 30);
}

TEST_P(ProbeTest, AFailingQueryEndsTheRunAfterARightPrefixAndNamesItsTable) {
  const auto reader = Open(JobOf(
      kSparse,
      "SELECT n * 1000 AS id, CAST(CASE WHEN n = 25 THEN 'no number' ELSE '1' END AS INTEGER) AS v "
      "FROM range(0, 50) AS r(n)"));
  int64_t batches = 0;
  arrow::Status status;
  while (status.ok()) {
    const auto batch = reader->Next();
    status = batch.status();
    if (!status.ok()) break;
    ASSERT_TRUE(batch->has_value()) << "an error must not look like an end";
    EXPECT_EQ((*batch)->num_keys(), 10);
    ++batches;
  }
  EXPECT_LE(batches, 2);
  EXPECT_THAT(status.message(), StartsWith("table \"R\": "));
  EXPECT_THAT(status.message(), HasSubstr("no number"));
  EXPECT_EQ(reader->Next().status(), status);
}

TEST_P(ProbeTest, LeavesNoTableBehind) {
  const auto tables = [&] { return engine->impl().TableNames().ValueOrDie(); };
  const auto before = tables();
  const auto reader = Open(JobOf(kSparse, kSparse));
  EXPECT_EQ(ReadAll(reader.get()).ValueOrDie().size(), 5U);
  EXPECT_EQ(tables(), before) << "at the end";
  EXPECT_FALSE(Run(JobOf(kSparse,
                         "SELECT n * 1000 AS id, CAST('x' AS INTEGER) + n AS v "
                         "FROM range(0, 50) AS r(n)"))
                   .ok());
  EXPECT_EQ(tables(), before) << "after an error";
  const auto cancelled = Open(JobOf(kSparse, kSparse));
  EXPECT_TRUE(cancelled->Next().ok());
  cancelled->Cancel();
  EXPECT_EQ(KindOf(cancelled->Next().status()), ErrorKind::kStopped);
  EXPECT_EQ(tables(), before) << "after a cancel";
  EXPECT_TRUE(Open(JobOf(kSparse, kSparse))->Next().ok());
  EXPECT_EQ(tables(), before) << "after it is destroyed";
}

TEST_P(ProbeTest, CancelMayComeAtAnyTime) {
  for (int wait = 0; wait < 40; wait += 4) {
    const auto reader = Open(JobOf(kSparse, kSparse).MaxKeys(3));
    std::thread canceller([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(wait));
      reader->Cancel();
    });
    const auto status = ReadAll(reader.get()).status();
    canceller.join();
    EXPECT_TRUE(status.ok() || KindOf(status) == ErrorKind::kStopped) << status;
  }
}

TEST_P(ProbeTest, APlanSaysHowOftenAQueryRunsAndWhoseKeysTheyAre) {
  const Plan plan = Explain(engine, JobOf(kSparse, kSparse)).ValueOrDie();
  EXPECT_EQ(plan.strategy, Strategy::kProbe);
  EXPECT_THAT(plan.tables[0].executions, StartsWith("once a batch"));
  EXPECT_THAT(plan.tables[0].sql, HasSubstr("\"id\" > $1"));
  EXPECT_THAT(plan.guarantees, ::testing::Contains(HasSubstr("in ranges that leave no key out")));
}

TEST_P(ProbeTest, AutoProbesForAFewBatchesAndForAStartingKey) {
  const auto strategy = [&](const Job& job) {
    return Explain(engine, Job(job).WithStrategy(Strategy::kAuto)).ValueOrDie().strategy;
  };
  const Job job = JobOf(kSparse, kSparse);
  EXPECT_EQ(strategy(Job(job).StopAfter(1)), Strategy::kProbe);
  EXPECT_EQ(strategy(Job(job).From({"7"})), Strategy::kProbe);
  EXPECT_NE(strategy(Job(job).StopAfter(100)), Strategy::kProbe);
  EXPECT_NE(strategy(job), Strategy::kProbe);
}

TEST_P(ProbeTest, OnlyProbeStartsFromAKey) {
  const auto status =
      Run(JobOf(kSparse, kSparse).From({"7"}).WithStrategy(Strategy::kMerge)).status();
  EXPECT_EQ(KindOf(status), ErrorKind::kJob);
  EXPECT_THAT(status.message(), HasSubstr("only strategy probe"));
}

TEST_P(ProbeTest, RefusesKeysOfSeveralTypesAndNamesWhatTakesThem) {
  Job job = JobOf(kSparse, "SELECT CAST(n AS SMALLINT) AS id FROM range(0, 9) AS r(n)");
  EXPECT_TRUE(Run(job).ok()) << "where one of them alone selects";
  job.tables[1].selects_keys = true;
  EXPECT_THAT(Run(job).status().message(), HasSubstr("use merge or partition"));
}

INSTANTIATE_TEST_SUITE_P(DataFusion, ProbeTest, ::testing::Values(&DataFusionForTest));
INSTANTIATE_TEST_SUITE_P(DuckDb, ProbeTest, ::testing::Values(&DuckDbForTest));

TEST(ProbeStreamTest, AStreamIsRefusedByName) {
  Job job;
  job.Key({"id"}).WithStrategy(Strategy::kProbe);
  job.Add(Table::Stream("S", StreamOf(IdSchema(), {})).SelectsKeys());
  const auto status = BatchReader::Open(nullptr, job).status();
  EXPECT_EQ(KindOf(status), ErrorKind::kJob);
  EXPECT_THAT(status.message(), HasSubstr("table \"S\": strategy probe"));
}

}  // namespace
}  // namespace sheaf
