#include "sheaf/batch_reader.h"

#include <arrow/extension/uuid.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <future>
#include <thread>

#include "cogroup/cogroup_test_support.h"
#include "cogroup/engine_test_support.h"
#include "engine/test_engines.h"
#include "job/words.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

using sheaf::testing::ErrorOf;
using sheaf::testing::GatedStream;
using sheaf::testing::IdSchema;
using sheaf::testing::OpenJob;
using sheaf::testing::ReadAll;
using sheaf::testing::RowsFromJson;
using sheaf::testing::RunJob;
using sheaf::testing::StreamOf;
using sheaf::testing::TestStream;
using sheaf::testing::Text;
using sheaf::testing::Texts;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

using Batches = std::vector<std::string>;

Table StreamTable(const std::string& name, const Batches& batches,
                  arrow::Status last = arrow::Status::OK()) {
  return Table::Stream(name, StreamOf(IdSchema(), batches, std::move(last)));
}

Table Selecting(const std::string& name, const Batches& batches) {
  return StreamTable(name, batches).SelectsKeys();
}

std::vector<std::string> TextsOf(const Job& job) {
  const auto batches = RunJob(job);
  EXPECT_TRUE(batches.ok()) << batches.status();
  return batches.ok() ? Texts(*batches) : std::vector<std::string>();
}

std::unique_ptr<BatchReader> Open(const Job& job) { return OpenJob(job).ValueOrDie(); }

/// The error of a Next() that must fail.
arrow::Status NextError(BatchReader* reader) {
  const auto batch = reader->Next();
  EXPECT_FALSE(batch.ok());
  return batch.status();
}

/// What BatchReader promises holds whatever the strategy.
class BatchReaderTest : public ::testing::TestWithParam<Strategy> {
 protected:
  void SetUp() override {
    if (GetParam() == Strategy::kProbe && !DataFusionForTest()) GTEST_SKIP() << "needs the driver";
  }

  static Job JobOf(std::vector<Table> tables) {
    Job job;
    job.Key({"id"}).WithStrategy(GetParam());
    for (Table& table : tables) job.Add(std::move(table));
    return job;
  }
};

std::string NameOf(const ::testing::TestParamInfo<Strategy>& strategy) {
  return std::string(WordFor(kStrategyWords, strategy.param));
}

INSTANTIATE_TEST_SUITE_P(Strategies, BatchReaderTest,
                         ::testing::Values(Strategy::kMerge, Strategy::kPartition,
                                           Strategy::kProbe),
                         NameOf);

/// What it promises of streams, which only some strategies take.
class BatchReaderStreamTest : public BatchReaderTest {};

INSTANTIATE_TEST_SUITE_P(Strategies, BatchReaderStreamTest,
                         ::testing::Values(Strategy::kMerge, Strategy::kPartition), NameOf);

TEST_P(BatchReaderTest, AKeyMayBeAFieldOfAStructAndANullStructHasNone) {
  const auto type = arrow::struct_({arrow::field("id", arrow::int64())});
  const auto schema = arrow::schema({arrow::field("r", type), arrow::field("v", arrow::utf8())});
  const Table p =
      Table::Stream("P", StreamOf(schema, {R"([[{"id":1},"a"],[{"id":3},"c"],[null,"d"]])"}));
  Job job = JobOf({Selecting("A", {R"([[1,"x"],[2,"y"],[3,"z"]])"}), p});
  job.tables[1].Key({"r.id"});
  const auto reader = Open(job);
  const auto batches = ReadAll(reader.get());
  ASSERT_TRUE(batches.ok()) << batches.status();
  const Batch& batch = batches->front();
  EXPECT_EQ(batch.offsets("P")->ToString(),
            sheaf::testing::FromJson(arrow::int32(), "[0,1,1,2]")->ToString());
  EXPECT_EQ(reader->metrics().tables[1].null_keys, 1);
}

TEST_P(BatchReaderTest, ABatchHoldsTheRowsOfItsKeysInEveryTable) {
  EXPECT_THAT(TextsOf(JobOf({Selecting("A", {R"([[1,"a"],[1,"b"],[3,"c"]])"}),
                             StreamTable("R", {R"([[1,"x"],[1,"y"],[1,"z"]])"}),
                             StreamTable("S", {R"([[3,"s"]])"})})),
              ElementsAre("1: A(1,a 1,b) R(1,x 1,y 1,z) S()\n"
                          "3: A(3,c) R() S(3,s)"));
}

TEST_P(BatchReaderTest, BatchesHoldAtMostMaxKeysAndAreNumbered) {
  const auto batches =
      RunJob(JobOf({Selecting("A", {R"([[1,"a"],[2,"b"],[2,"c"],[5,"d"],[7,"e"],[8,"f"]])"})})
                 .MaxKeys(2))
          .ValueOrDie();
  EXPECT_THAT(Texts(batches),
              ElementsAre("1: A(1,a)\n2: A(2,b 2,c)", "5: A(5,d)\n7: A(7,e)", "8: A(8,f)"));
  for (size_t i = 0; i < batches.size(); ++i) {
    EXPECT_EQ(batches[i].index(), static_cast<int64_t>(i));
  }
}

TEST_P(BatchReaderTest, NoKeyIsLostWhereAChunkAndABatchEndTogether) {
  EXPECT_THAT(
      TextsOf(
          JobOf({Selecting("A", {R"([[1,"a"],[2,"b"]])", R"([[3,"c"],[4,"d"]])", R"([[5,"e"]])"})})
              .MaxKeys(2)),
      ElementsAre("1: A(1,a)\n2: A(2,b)", "3: A(3,c)\n4: A(4,d)", "5: A(5,e)"));
}

TEST_P(BatchReaderTest, ABatchOfTheDefaultSizeHolds65536KeysAndOneMoreKeyAnotherBatch) {
  const auto schema = arrow::schema({arrow::field("id", arrow::int64())});
  arrow::Int64Builder ids;
  for (int64_t id = 0; id <= 65536; ++id) ASSERT_TRUE(ids.Append(3 * id).ok());
  const auto rows = arrow::RecordBatch::Make(schema, 65537, {ids.Finish().ValueOrDie()});
  for (const int64_t keys : {65536, 65537}) {
    const auto stream = std::make_shared<TestStream>(
        schema, std::vector<std::shared_ptr<arrow::RecordBatch>>{rows->Slice(0, keys)});
    const auto batches = RunJob(JobOf({Table::Stream("A", stream).SelectsKeys()})).ValueOrDie();
    ASSERT_EQ(std::ssize(batches), keys == 65536 ? 1 : 2);
    EXPECT_EQ(batches[0].num_keys(), 65536);
    EXPECT_EQ(Text(*batches.back().keys()->Slice(batches.back().num_keys() - 1)),
              std::to_string(3 * (keys - 1)));
  }
}

/// `rows` rows, `each` of them with one id, and every `step`-th id; their texts have 3000 bytes. In chunks.
std::shared_ptr<arrow::RecordBatchReader> LongRows(int64_t rows, int64_t each, int64_t step) {
  std::vector<std::shared_ptr<arrow::RecordBatch>> chunks;
  constexpr int64_t kChunk = 100;
  for (int64_t begin = 0; begin < rows; begin += kChunk) {
    arrow::Int64Builder ids;
    arrow::StringBuilder texts;
    for (int64_t row = begin; row < begin + kChunk; ++row) {
      EXPECT_TRUE(ids.Append(row / each * step).ok());
      EXPECT_TRUE(texts.Append(std::to_string(row) + std::string(3000, 'x')).ok());
    }
    chunks.push_back(arrow::RecordBatch::Make(
        IdSchema(), kChunk, {ids.Finish().ValueOrDie(), texts.Finish().ValueOrDie()}));
  }
  return std::make_shared<TestStream>(IdSchema(), std::move(chunks));
}

TEST_P(BatchReaderTest, InPartsABatchThatIsLargeBesideTheMemoryHasTheSameRows) {
  constexpr int64_t kMemory = int64_t{16} << 20;
  const auto job = [&](bool in_parts) {
    Job made = JobOf({Table::Stream("A", LongRows(5000, 2, 1)).SelectsKeys(),
                      Table::Stream("P", LongRows(600, 1, 3))});
    return made.MaxKeys(2000).Memory(kMemory).InParts(in_parts);
  };
  const auto whole = RunJob(job(false)).ValueOrDie();
  const auto reader = Open(job(true));
  const auto parts = ReadAll(reader.get()).ValueOrDie();
  std::vector<std::string> texts;
  int64_t keys = 0;  // of the batch, so far
  for (const Batch& part : parts) {
    if (part.index() == std::ssize(texts)) texts.emplace_back();
    EXPECT_EQ(part.index(), std::ssize(texts) - 1);
    EXPECT_EQ(part.part().first_key, keys);
    EXPECT_LT(part.total_rows() * 3000, kMemory / 4);
    const std::string text = Text(part);
    texts.back() += (texts.back().empty() || text.empty() ? "" : "\n") + text;
    keys = part.part().last ? 0 : keys + part.num_keys();
  }
  EXPECT_GT(std::ssize(parts), 5);
  EXPECT_EQ(whole.size(), 2U);
  EXPECT_TRUE(texts == Texts(whole)) << "they are megabytes";
  const Metrics metrics = reader->metrics();
  EXPECT_EQ(metrics.batches, 2);
  EXPECT_EQ(metrics.keys, 2500);
  EXPECT_EQ(metrics.rows, 5600);
  EXPECT_EQ(metrics.tables[1].rows_per_key.max, 1);
}

TEST_P(BatchReaderTest, AGroupIsWholeWhereItSpansChunksAtTheEndOfABatch) {
  EXPECT_THAT(TextsOf(JobOf({Selecting("A", {R"([[1,"a"]])", R"([[1,"b"]])", R"([[1,"c"],[2,"d"]])",
                                             R"([[2,"e"]])"}),
                             StreamTable("R", {R"([[1,"x"]])", R"([[1,"y"],[2,"z"]])"})})
                          .MaxKeys(1)),
              ElementsAre("1: A(1,a 1,b 1,c) R(1,x 1,y)", "2: A(2,d 2,e) R(2,z)"));
}

TEST_P(BatchReaderTest, SeveralSelectingTablesSelectTheUnionOfTheirKeys) {
  EXPECT_THAT(TextsOf(JobOf({Selecting("A", {R"([[1,"a"],[4,"b"]])", R"([[6,"c"]])"}),
                             Selecting("B", {R"([[2,"x"],[4,"y"],[4,"z"]])"}),
                             StreamTable("R", {R"([[2,"r"],[3,"orphan"],[6,"s"]])"})})
                          .MaxKeys(3)),
              ElementsAre("1: A(1,a) B() R()\n2: A() B(2,x) R(2,r)\n4: A(4,b) B(4,y 4,z) R()",
                          "6: A(6,c) B() R(6,s)"));
}

TEST_P(BatchReaderTest, EndIsRepeated) {
  const auto reader = Open(JobOf({Selecting("A", {R"([[1,"a"]])"})}));
  EXPECT_TRUE(reader->Next().ValueOrDie().has_value());
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(reader->Next().ValueOrDie().has_value());
  reader->Cancel();
  EXPECT_FALSE(reader->Next().ValueOrDie().has_value()) << "it had ended before";
}

TEST_P(BatchReaderTest, NoRowsGiveNoBatches) {
  EXPECT_THAT(TextsOf(JobOf({Selecting("A", {}), StreamTable("R", {R"([[1,"orphan"]])"})})),
              IsEmpty());
  EXPECT_THAT(TextsOf(JobOf({Selecting("A", {"[]", "[]"})})), IsEmpty());
}

TEST_P(BatchReaderStreamTest, ErrorIsFinalAndNeverAnEnd) {
  const auto reader = Open(JobOf({Selecting("A", {R"([[1,"a"]])"}),
                                  StreamTable("R", {}, arrow::Status::IOError("disk gone"))}));
  const arrow::Status first = NextError(reader.get());
  EXPECT_THAT(first.message(), HasSubstr("disk gone"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(NextError(reader.get()), first);
}

TEST_P(BatchReaderStreamTest, AnErrorBeyondTheLastKeyIsNotMissed) {
  const auto reader = Open(JobOf(
      {Selecting("A", {R"([[1,"a"]])"}), StreamTable("R", {R"([[1,"x"]])", R"([[2,"orphan"]])"},
                                                     arrow::Status::IOError("disk gone"))}));
  arrow::Result<std::optional<Batch>> last = reader->Next();
  if (last.ok() && last->has_value()) last = reader->Next();
  EXPECT_THAT(last.status().message(), HasSubstr("disk gone"));
}

TEST_P(BatchReaderStreamTest, BatchesBeforeAnErrorAreARightPrefix) {
  const auto reader = Open(JobOf({Selecting("A", {R"([[1,"a"],[2,"b"],[3,"c"]])"}),
                                  StreamTable("R", {R"([[1,"x"]])", R"([[2,"y"]])"},
                                              arrow::Status::IOError("disk gone"))})
                               .MaxKeys(1));
  const Batches expected = {"1: A(1,a) R(1,x)", "2: A(2,b) R(2,y)"};
  size_t count = 0;
  while (true) {
    const auto batch = reader->Next();
    if (!batch.ok()) break;
    ASSERT_TRUE(batch->has_value()) << "an error must not look like an end";
    ASSERT_LT(count, expected.size()) << "R may still have rows of key 3";
    EXPECT_EQ(Text(**batch), expected[count++]);
  }
}

TEST_P(BatchReaderStreamTest, AFailingStreamNamesItsTable) {
  const arrow::Status status =
      ErrorOf(JobOf({Selecting("A", {R"([[1,"a"]])"}),
                     StreamTable("R", {}, MakeError(ErrorKind::kEngine, "disk gone"))}));
  EXPECT_EQ(KindOf(status), ErrorKind::kEngine);
  EXPECT_EQ(status.message(), "table \"R\": disk gone");
}

TEST_P(BatchReaderStreamTest, AFailingSelectingStreamIsNeverAnEmptyTable) {
  Job job = JobOf({Table::Stream("A", StreamOf(IdSchema(), {}, arrow::Status::IOError("no luck")))
                       .SelectsKeys()});
  EXPECT_THAT(ErrorOf(job).message(), StartsWith("table \"A\": no luck"));
}

TEST_P(BatchReaderTest, CancelIsFinal) {
  const auto reader = Open(JobOf({Selecting("A", {R"([[1,"a"]])"})}));
  reader->Cancel();
  reader->Cancel();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(KindOf(NextError(reader.get())), ErrorKind::kStopped);
}

TEST_P(BatchReaderStreamTest, CancelWakesNext) {
  const auto gate = std::make_shared<GatedStream>(IdSchema());
  const auto reader = Open(JobOf({Selecting("A", {R"([[1,"a"]])"}), Table::Stream("R", gate)}));
  auto next = std::async(std::launch::async, [&] { return NextError(reader.get()); });
  EXPECT_EQ(next.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  reader->Cancel();
  EXPECT_EQ(KindOf(next.get()), ErrorKind::kStopped) << "though R still blocks";
  gate->Open();  // what can't be interrupted is waited for at the end
}

TEST_P(BatchReaderStreamTest, DropMidStreamReleasesReaders) {
  std::vector<std::shared_ptr<arrow::RecordBatch>> many(
      100, RowsFromJson(IdSchema(), R"([[1,"a"],[1,"b"]])"));
  auto stream = std::make_shared<TestStream>(IdSchema(), std::move(many));
  const std::weak_ptr<TestStream> watched = stream;
  auto reader =
      Open(JobOf({Selecting("A", {R"([[0,"a"],[1,"b"]])"}), Table::Stream("R", std::move(stream))})
               .MaxKeys(1));
  EXPECT_TRUE(reader->Next().ValueOrDie().has_value());
  EXPECT_FALSE(watched.expired());
  reader.reset();
  EXPECT_TRUE(watched.expired());
}

TEST_P(BatchReaderStreamTest, DropWithoutNextIsFine) {
  for (int i = 0; i < 20; ++i) {
    Open(JobOf({Selecting("A", {R"([[1,"a"]])", R"([[2,"b"]])"}),
                StreamTable("R", {}, arrow::Status::IOError("disk gone"))}));
  }
}

TEST_P(BatchReaderTest, BatchOutlivesReader) {
  auto reader = Open(JobOf({Selecting("A", {R"([[1,"a"],[2,"b"]])"})}).MaxKeys(1));
  const Batch batch = *reader->Next().ValueOrDie();
  reader.reset();
  EXPECT_EQ(Text(batch), "1: A(1,a)");
}

/// What differs from strategy to strategy.
Job SortedJob(std::vector<Table> tables) {
  Job job;
  job.Key({"id"}).WithStrategy(Strategy::kMerge);
  for (Table& table : tables) job.Add(std::move(table));
  return job;
}

TEST(BatchReaderMergeTest, OutOfOrderRowNamesTableKeyAndBothRows) {
  const arrow::Status within =
      ErrorOf(SortedJob({Selecting("A", {R"([[1,"a"],[5,"b"],[3,"c"]])"})}));
  EXPECT_EQ(KindOf(within), ErrorKind::kEngine);
  EXPECT_THAT(within.message(), AllOf(StartsWith("table \"A\": "), HasSubstr("key (id)"),
                                      HasSubstr("row {id=3, v=c} came after row {id=5, v=b}")));
  const arrow::Status across =
      ErrorOf(SortedJob({Selecting("A", {R"([[1,"a"]])"}),
                         StreamTable("R", {R"([[1,"x"],[5,"y"]])", R"([[3,"z"]])"})}));
  EXPECT_THAT(across.message(), AllOf(StartsWith("table \"R\": "),
                                      HasSubstr("row {id=3, v=z} came after row {id=5, v=y}")));
}

/// Rows of `keys` keys, 200 bytes each, in the order of a pseudo-random walk, ten batches a key.
std::shared_ptr<arrow::RecordBatchReader> ShuffledStream(int64_t keys, int64_t batches) {
  std::vector<std::shared_ptr<arrow::RecordBatch>> made;
  for (int64_t b = 0; b < batches; ++b) {
    arrow::Int64Builder id;
    arrow::StringBuilder v;
    for (int64_t i = 0; i < keys; ++i) {
      const int64_t key = (i * 7919 + b) % keys;
      EXPECT_TRUE(id.Append(key).ok());
      EXPECT_TRUE(v.Append(std::to_string(b) + std::string(200, 'x')).ok());
    }
    made.push_back(arrow::RecordBatch::Make(IdSchema(), keys,
                                            {id.Finish().ValueOrDie(), v.Finish().ValueOrDie()}));
  }
  return std::make_shared<TestStream>(IdSchema(), std::move(made));
}

/// 40 MB in two tables that come in no order.
Job LargeJob() {
  Job job;
  job.Key({"id"}).MaxKeys(300).WithStrategy(Strategy::kPartition);
  job.Add(Table::Stream("A", ShuffledStream(2'000, 50)).SelectsKeys().OrderBy({"v"}));
  job.Add(Table::Stream("R", ShuffledStream(3'000, 30)).OrderBy({"v DESC"}));
  return job;
}

/// Sets an environment variable while it lives.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~ScopedVariable() { unsetenv(name_); }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  const char* const name_;
};

TEST(BatchReaderPartitionTest, SpilledEqualsUnspilled) {
  const auto unspilled = RunJob(LargeJob()).ValueOrDie();
  const auto spilled = RunJob(LargeJob().Memory(16 << 20)).ValueOrDie();
  ASSERT_EQ(unspilled.size(), 7U);
  ASSERT_EQ(spilled.size(), unspilled.size());
  for (size_t b = 0; b < spilled.size(); ++b) {
    EXPECT_TRUE(spilled[b].keys()->Equals(*unspilled[b].keys()));
    for (const char* table : {"A", "R"}) {
      EXPECT_TRUE(spilled[b].table(table)->Equals(*unspilled[b].table(table)));
      EXPECT_TRUE(spilled[b].offsets(table)->Equals(*unspilled[b].offsets(table)));
    }
  }
}

TEST(BatchReaderPartitionTest, ASpillThatFailsEndsTheRunAndNamesTheFolder) {
  const ScopedVariable folder("SHEAF_SPILL_DIR", "/nowhere/at/all");
  EXPECT_TRUE(RunJob(LargeJob()).ok()) << "nothing is spilled where memory is ample";
  const arrow::Status status = ErrorOf(LargeJob().Memory(16 << 20));
  EXPECT_EQ(KindOf(status), ErrorKind::kEngine);
  EXPECT_THAT(status.message(), HasSubstr("/nowhere/at/all"));
}

TEST_P(BatchReaderTest, MissingKeyColumnNamesTheNearest) {
  const arrow::Status status =
      ErrorOf(JobOf({Selecting("A", {}), Table::Stream("R", StreamOf(IdSchema("idd"), {}))}));
  EXPECT_EQ(KindOf(status), ErrorKind::kEngine);
  EXPECT_EQ(status.message(), "table \"R\": has no key column \"id\"; did you mean \"idd\"?");
}

TEST_P(BatchReaderTest, MissingOrderColumnNamesTheNearest) {
  const arrow::Status status = ErrorOf(JobOf({Selecting("A", {}).OrderBy({"vv DESC"})}));
  EXPECT_EQ(KindOf(status), ErrorKind::kEngine);
  EXPECT_THAT(status.message(), AllOf(StartsWith("table \"A\": "), HasSubstr("\"vv\""),
                                      HasSubstr("did you mean \"v\"?")));
}

TEST_P(BatchReaderStreamTest, TwoColumnsOfOneNameAreNotTheKey) {
  const auto schema =
      arrow::schema({arrow::field("id", arrow::int64()), arrow::field("id", arrow::utf8())});
  const arrow::Status status =
      ErrorOf(JobOf({Table::Stream("A", StreamOf(schema, {})).SelectsKeys()}));
  EXPECT_THAT(status.message(), AllOf(StartsWith("table \"A\": "), HasSubstr("2 columns")));
}

TEST_P(BatchReaderTest, KeysThatDoNotCompareAreAnErrorThatNamesBoth) {
  const auto text = arrow::schema({arrow::field("key", arrow::utf8())});
  const arrow::Status status =
      ErrorOf(JobOf({Selecting("A", {}), Table::Stream("R", StreamOf(text, {})).Key({"key"})}));
  EXPECT_EQ(KindOf(status), ErrorKind::kEngine);
  EXPECT_EQ(status.message(),
            "key types do not compare: \"id\" of table \"A\" is int64, \"key\" of table \"R\" is "
            "string");
}

TEST_P(BatchReaderStreamTest, AUuidIsAKey) {
  const auto stored = arrow::schema({arrow::field("id", arrow::fixed_size_binary(16))});
  const auto schema = arrow::schema({arrow::field("id", arrow::extension::uuid())});
  const auto stream = [&](const std::string& json) {
    const auto rows = RowsFromJson(stored, json);
    const auto ids = arrow::ExtensionType::WrapArray(arrow::extension::uuid(), rows->column(0));
    return arrow::RecordBatchReader::Make(
               {arrow::RecordBatch::Make(schema, rows->num_rows(), {ids})})
        .ValueOrDie();
  };
  const auto reader = Open(JobOf(
      {Table::Stream("A", stream(R"([["0123456789abcdef"], ["0123456789abcdeg"]])")).SelectsKeys(),
       Table::Stream("R", stream(R"([["0123456789abcdeg"], ["0123456789abcdeh"]])"))}));
  ASSERT_NE(reader, nullptr);
  const auto batch = reader->Next();
  ASSERT_TRUE(batch.ok()) << batch.status();
  ASSERT_TRUE(*batch);
  EXPECT_EQ((*batch)->num_keys(), 2);
  EXPECT_TRUE((*batch)->keys()->schema()->field(0)->type()->Equals(*arrow::extension::uuid()));
  EXPECT_EQ((*batch)->table("R")->num_rows(), 1);
}

TEST_P(BatchReaderTest, AKeyTypeWithoutOrderIsAnErrorThatNamesIt) {
  const auto lists = arrow::schema({arrow::field("id", arrow::list(arrow::int64()))});
  const arrow::Status status =
      ErrorOf(JobOf({Table::Stream("A", StreamOf(lists, {})).SelectsKeys()}));
  EXPECT_EQ(KindOf(status), ErrorKind::kEngine);
  EXPECT_THAT(status.message(), AllOf(HasSubstr("table \"A\""), HasSubstr("\"id\""),
                                      HasSubstr("list<item: int64> can't be a key")));
}

TEST_P(BatchReaderTest, ThreeDecimalsThatNoFormHoldsAreRefusedInEveryOrder) {
  const auto stream = [](const std::string& name, int precision, int scale) {
    const auto type = arrow::decimal256(precision, scale);
    return Table::Stream(name, StreamOf(arrow::schema({arrow::field("id", type)}), {}));
  };
  EXPECT_THAT(
      ErrorOf(JobOf({stream("A", 38, 0).SelectsKeys(), stream("R", 20, 18), stream("S", 76, 0)}))
          .message(),
      HasSubstr("do not compare"));
}

TEST_P(BatchReaderStreamTest, AJobWithATableOfTheEngineNeedsAnEngine) {
  const arrow::Status status = ErrorOf(JobOf({Selecting("A", {}), Table::Named("P")}));
  EXPECT_EQ(KindOf(status), ErrorKind::kJob);
  EXPECT_THAT(status.message(), StartsWith("table \"P\": needs an engine"));
}

TEST_P(BatchReaderTest, AJobThatNoDataCouldMakeRightIsRefused) {
  EXPECT_EQ(KindOf(ErrorOf(JobOf({Selecting("A", {})}).MaxKeys(0))), ErrorKind::kJob);
}

TEST_P(BatchReaderTest, RowsWithANullKeyAreSkippedAndCounted) {
  const auto reader = Open(JobOf({Selecting("A", {R"([[1,"a"],[2,"b"],[null,"c"]])"}),
                                  StreamTable("R", {R"([[null,"n"],[2,"x"],[null,"m"]])"})}));
  EXPECT_THAT(Texts(ReadAll(reader.get()).ValueOrDie()),
              ElementsAre("1: A(1,a) R()\n2: A(2,b) R(2,x)"));
  EXPECT_EQ(reader->metrics().tables[0].null_keys, 1);
  EXPECT_EQ(reader->metrics().tables[1].null_keys, 2);
}

TEST_P(BatchReaderTest, ANullKeyIsAnErrorWhereThePolicySaysSo) {
  Job job = JobOf({Selecting("A", {R"([[1,"a"],[null,"b"]])"})});
  job.policy.null_key = Policy::NullKey::kError;
  const arrow::Status status = ErrorOf(job);
  EXPECT_EQ(KindOf(status), ErrorKind::kPolicy);
  EXPECT_THAT(status.message(), AllOf(StartsWith("table \"A\": "), HasSubstr("id=null, v=b")));
}

TEST_P(BatchReaderStreamTest, MetricsCountWhatWasReadDeliveredAndLeftOut) {
  Job job = JobOf({Selecting("A", {R"([[2,"a"],[2,"b"],[4,"c"]])"}),
                   StreamTable("P", {R"([[1,"o"],[2,"p"],[2,"q"],[3,"o"],[9,"o"]])"})
                       .RowsPerKey(Cardinality::kAtMostOne)});
  job.policy.duplicate = Policy::Duplicate::kFirst;
  const auto reader = Open(job);
  EXPECT_THAT(Texts(ReadAll(reader.get()).ValueOrDie()),
              ElementsAre("2: A(2,a 2,b) P(2,p)\n4: A(4,c) P()"));
  const Metrics metrics = reader->metrics();
  EXPECT_EQ(metrics.batches, 1);
  EXPECT_EQ(metrics.keys, 2);
  EXPECT_EQ(metrics.rows, 4);
  EXPECT_EQ(metrics.total_keys, 2);
  const TableMetrics& p = metrics.tables[1];
  EXPECT_EQ(p.name, "P");
  EXPECT_EQ(p.rows_read, 5);
  EXPECT_EQ(p.rows_delivered, 1);
  EXPECT_EQ(p.orphans, 3);
  EXPECT_EQ(p.duplicates, 1);
  EXPECT_EQ(p.keys_without_rows, 1);
}

TEST_P(BatchReaderTest, ASecondRowOfOneIsAnErrorThatNamesTableAndKey) {
  const arrow::Status status =
      ErrorOf(JobOf({Selecting("A", {R"([[7,"a"]])"}),
                     StreamTable("P", {R"([[7,"p"],[7,"q"]])"}).RowsPerKey(Cardinality::kOne)}));
  EXPECT_EQ(KindOf(status), ErrorKind::kPolicy);
  EXPECT_EQ(status.message(),
            "table \"P\" has 2 rows for key id=7, against rows_per_key = \"one\"; set "
            "policy.duplicate = \"keep\" or \"first\" to go on");
}

TEST_P(BatchReaderTest, AMissingRowIsKeptDroppedOrAnError) {
  const auto job = [](Policy::Missing missing) {
    Job made = JobOf({Selecting("A", {R"([[1,"a"],[2,"b"]])"}),
                      StreamTable("P", {R"([[2,"p"]])"}).RowsPerKey(Cardinality::kOne)});
    made.policy.missing = missing;
    return made;
  };
  EXPECT_THAT(TextsOf(job(Policy::Missing::kKeep)), ElementsAre("1: A(1,a) P()\n2: A(2,b) P(2,p)"));
  EXPECT_THAT(TextsOf(job(Policy::Missing::kDrop)), ElementsAre("2: A(2,b) P(2,p)"));
  const arrow::Status status = ErrorOf(job(Policy::Missing::kError));
  EXPECT_EQ(KindOf(status), ErrorKind::kPolicy);
  EXPECT_THAT(status.message(), AllOf(StartsWith("table \"P\" has no row for key id=1"),
                                      HasSubstr("policy.missing")));
}

TEST_P(BatchReaderTest, DroppedKeysAreCountedWhereNoneIsLeft) {
  Job job = JobOf({Selecting("A", {R"([[1,"a"],[2,"b"]])"}),
                   StreamTable("P", {}).RowsPerKey(Cardinality::kOne)});
  job.policy.missing = Policy::Missing::kDrop;
  const auto reader = Open(job);
  EXPECT_THAT(ReadAll(reader.get()).ValueOrDie(), IsEmpty());
  EXPECT_EQ(reader->metrics().dropped_keys, 2);
}

TEST_P(BatchReaderStreamTest, TheKeyHasTheJobsNamesAndATypeThatHoldsAllSelectingKeys) {
  const auto narrow = arrow::schema({arrow::field("a", arrow::int32())});
  const auto wide = arrow::schema({arrow::field("b", arrow::uint32())});
  const auto reader = Open(
      JobOf({Table::Stream("A", StreamOf(narrow, {"[[-1],[7]]"})).Key({"a"}).SelectsKeys(),
             Table::Stream("B", StreamOf(wide, {"[[7],[4294967295]]"})).Key({"b"}).SelectsKeys()}));
  EXPECT_TRUE(
      reader->key_schema()->Equals(arrow::Schema({arrow::field("id", arrow::int64(), false)})))
      << reader->key_schema()->ToString();
  EXPECT_THAT(Texts(ReadAll(reader.get()).ValueOrDie()),
              ElementsAre("-1: A(-1) B()\n7: A(7) B(7)\n4294967295: A() B(4294967295)"));
}

TEST_P(BatchReaderTest, SchemasAreKnownBeforeTheFirstBatchAndPlain) {
  const auto schema =
      arrow::schema({arrow::field("id", arrow::utf8_view()),
                     arrow::field("v", arrow::dictionary(arrow::int8(), arrow::utf8()))});
  const auto reader = Open(JobOf({Table::Stream("A", StreamOf(schema, {})).SelectsKeys()}));
  EXPECT_EQ(reader->table_schemas().at(0)->ToString(), "id: string\nv: string");
  EXPECT_EQ(reader->key_schema()->ToString(), "id: string not null");
}

TEST_P(BatchReaderStreamTest, ThePlanSaysThatAStreamIsReadOnce) {
  const auto reader = Open(JobOf({Selecting("A", {})}));
  EXPECT_EQ(reader->plan().strategy, GetParam());
  EXPECT_THAT(reader->plan().tables.at(0).executions, StartsWith("once"));
  EXPECT_THAT(reader->plan().tables.at(0).sql, IsEmpty());
  EXPECT_THAT(reader->plan().guarantees, Not(IsEmpty()));
}

TEST_P(BatchReaderStreamTest, AStreamWhoseBatchesLackColumnsOfItsSchemaIsAnError) {
  const auto narrow = RowsFromJson(arrow::schema({arrow::field("id", arrow::int64())}), "[[1]]");
  const auto stream = std::make_shared<TestStream>(
      IdSchema(), std::vector<std::shared_ptr<arrow::RecordBatch>>{narrow});
  EXPECT_THAT(ErrorOf(JobOf({Table::Stream("A", stream).SelectsKeys()})).message(),
              AllOf(StartsWith("table \"A\": "), HasSubstr("schema")));
}

}  // namespace
}  // namespace sheaf
