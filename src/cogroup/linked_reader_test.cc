// Reference tables and grandchildren, as a caller of BatchReader sees them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "cogroup/cogroup_test_support.h"
#include "cogroup/engine_test_support.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

using sheaf::testing::ErrorOf;
using sheaf::testing::FromJson;
using sheaf::testing::GatedStream;
using sheaf::testing::ReadAll;
using sheaf::testing::StreamOf;
using sheaf::testing::Text;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Logs: an id, the id of a resource in a struct, and an id that events hang on.
std::shared_ptr<arrow::Schema> LogSchema() {
  const auto resource = arrow::struct_({arrow::field("id", arrow::int32())});
  return arrow::schema({arrow::field("id", arrow::int64()), arrow::field("resource", resource)});
}

Table Logs(const std::vector<std::string>& batches) {
  return Table::Stream("logs", StreamOf(LogSchema(), batches)).SelectsKeys();
}

/// Columns `parent` and `v`.
Table Linked(const std::string& name, const std::vector<std::string>& batches,
             arrow::Status last = arrow::Status::OK()) {
  const auto schema =
      arrow::schema({arrow::field("parent", arrow::int64()), arrow::field("v", arrow::utf8())});
  return Table::Stream(name, StreamOf(schema, batches, std::move(last))).Key({"parent"});
}

Table Resources(const std::vector<std::string>& batches) {
  return Linked("R", batches).References("logs", {"resource.id"});
}

/// Columns `parent`, `id` and `v`.
Table Events(const std::string& name, const std::vector<std::string>& batches) {
  const auto schema =
      arrow::schema({arrow::field("parent", arrow::int64()), arrow::field("id", arrow::int32()),
                     arrow::field("v", arrow::utf8())});
  return Table::Stream(name, StreamOf(schema, batches)).Key({"parent"});
}

struct Outcome {
  std::vector<Batch> batches;
  Metrics metrics;
};

class LinkedReaderTest : public ::testing::TestWithParam<Strategy> {
 protected:
  static Job JobOf(std::vector<Table> tables) {
    Job job = Job().Key({"id"}).MaxKeys(2).WithStrategy(GetParam());
    for (Table& table : tables) job.Add(std::move(table));
    return job;
  }

  static Outcome Read(const Job& job) {
    Outcome run;
    const auto reader = BatchReader::Open(nullptr, job).ValueOrDie();
    auto batches = ReadAll(reader.get());
    EXPECT_TRUE(batches.ok()) << batches.status();
    if (batches.ok()) run.batches = *std::move(batches);
    run.metrics = reader->metrics();
    return run;
  }
};

INSTANTIATE_TEST_SUITE_P(Strategies, LinkedReaderTest,
                         ::testing::Values(Strategy::kMerge, Strategy::kPartition),
                         [](const auto& strategy) {
                           return strategy.param == Strategy::kMerge ? "Merge" : "Partition";
                         });

std::string Rows(const Batch& batch, const std::string& table) { return Text(*batch.table(table)); }

void ExpectInts(const std::shared_ptr<arrow::Int32Array>& array, const std::string& json) {
  ASSERT_NE(array, nullptr);
  EXPECT_EQ(array->ToString(), FromJson(arrow::int32(), json)->ToString());
}

TEST_P(LinkedReaderTest, ARowOfAReferenceTableComesOnceABatchInKeyOrder) {
  const Outcome run = Read(JobOf(
      {Logs({R"([[1,{"id":9}],[1,{"id":7}],[2,{"id":9}],[3,{"id":7}],[4,null],[4,{"id":8}]])"}),
       Resources({R"([[9,"n"],[7,"s"]])", R"([[5,"orphan"],[7,"t"]])"})}));
  ASSERT_EQ(run.batches.size(), 2);
  EXPECT_EQ(Rows(run.batches[0], "R"), "7,s 7,t 9,n");
  ExpectInts(run.batches[0].offsets("R"), "[0,2,3]");
  ExpectInts(run.batches[0].mapping("R"), "[1,0,1]");
  EXPECT_EQ(run.batches[0].mapping("logs"), nullptr);
  // No row has resource 8, and a null struct names none.
  EXPECT_EQ(Rows(run.batches[1], "R"), "7,s 7,t");
  ExpectInts(run.batches[1].mapping("R"), "[0,null,null]");
}

TEST_P(LinkedReaderTest, RowsOfAReferenceTableAreCounted) {
  const Outcome run = Read(JobOf(
      {Resources({R"([[9,"n"],[7,"s"],[null,"x"],[5,"orphan"],[7,"t"]])"}),
       Logs({R"([[1,{"id":9}],[1,{"id":7}],[2,{"id":9}],[3,{"id":7}],[4,null],[4,{"id":8}]])"})}));
  const TableMetrics& metrics = run.metrics.tables[0];
  EXPECT_EQ(metrics.name, "R");
  EXPECT_EQ(metrics.rows_read, 5);
  EXPECT_EQ(metrics.rows_delivered, 5);
  EXPECT_EQ(metrics.orphans, 1);
  EXPECT_EQ(metrics.null_keys, 1);
  EXPECT_EQ(metrics.keys_without_rows, 1);
  EXPECT_EQ(run.metrics.rows, 6 + 5);
  EXPECT_EQ(run.batches[0].total_rows() + run.batches[1].total_rows(), 6 + 5);
}

TEST_P(LinkedReaderTest, RowsAKeyAreCountedOnceForEachKey) {
  const Outcome run = Read(JobOf(
      {Resources({R"([[9,"n"],[7,"s"],[7,"t"],[5,"orphan"],[6,"u"],[7,"v"]])"}),
       Logs(
           {R"([[1,{"id":9}],[1,{"id":7}],[2,{"id":9}],[3,{"id":7}],[4,null],[4,{"id":8}],[5,{"id":6}]])"})}));
  const RowsPerKey& rows = run.metrics.tables[0].rows_per_key;
  EXPECT_EQ(rows.min, 0) << "resource 8 has none";
  EXPECT_EQ(rows.p50, 1);
  EXPECT_EQ(rows.max, 3);
  EXPECT_DOUBLE_EQ(rows.mean, 5.0 / 4);
  ASSERT_EQ(rows.largest.size(), 3U) << "resource 7 comes in two batches, and stands here once";
  EXPECT_EQ(rows.largest[0].rows, 3);
  EXPECT_EQ(Text(*rows.largest[0].key), "7");
  EXPECT_EQ(rows.largest[0].key->schema()->field_names(), std::vector<std::string>{"parent"});
}

TEST_P(LinkedReaderTest, RowsAKeyOfAGrandchildAreThoseOfAParentRow) {
  const Outcome run = Read(
      JobOf({Logs({R"([[1,null],[2,null],[3,null]])"}),
             Events("E", {R"([[1,30,"a"],[1,10,"b"],[2,null,"c"],[3,20,"d"],[3,50,"e"]])"}),
             Linked("EA", {R"([[10,"x"],[20,"y"],[40,"orphan"],[10,"w"]])"}).Parent("E", {"id"})}));
  const TableMetrics& metrics = run.metrics.tables[2];
  EXPECT_EQ(metrics.keys_without_rows, 2);
  EXPECT_EQ(metrics.rows_per_key.max, 2);
  EXPECT_DOUBLE_EQ(metrics.rows_per_key.mean, 3.0 / 4);
  ASSERT_EQ(metrics.rows_per_key.largest.size(), 2U);
  EXPECT_EQ(Text(*metrics.rows_per_key.largest[0].key), "10");
}

TEST_P(LinkedReaderTest, RowsOfAGrandchildFollowTheRowsOfTheirParent) {
  const Outcome run = Read(
      JobOf({Logs({R"([[1,null],[2,null],[3,null]])"}),
             Events("E", {R"([[1,30,"a"],[1,10,"b"],[2,null,"c"],[3,20,"d"],[3,20,"twice"]])"}),
             Linked("EA", {R"([[10,"x"],[20,"y"],[40,"orphan"]])", R"([[30,"z"],[10,"w"]])"})
                 .Parent("E", {"id"})}));
  EXPECT_EQ(Rows(run.batches[0], "EA"), "30,z 10,x 10,w");
  ExpectInts(run.batches[0].offsets("EA"), "[0,1,3,3]");
  // Two parents of one id: a row is delivered once, with the first.
  ExpectInts(run.batches[1].offsets("EA"), "[0,1,1]");
  EXPECT_EQ(run.metrics.tables[2].orphans, 1);
}

TEST_P(LinkedReaderTest, AGroupHasTheGrandchildrenOfItsKey) {
  const Outcome run = Read(JobOf(
      {Logs({R"([[1,null],[2,null]])"}), Events("E", {R"([[1,30,"a"],[1,10,"b"],[2,20,"c"]])"}),
       Linked("EA", {R"([[10,"x"],[20,"y"],[30,"z"]])"}).Parent("E", {"id"})}));
  std::vector<std::string> rows;
  for (const Group& group : run.batches[0].groups()) rows.push_back(Text(*group.rows("EA")));
  EXPECT_THAT(rows, ElementsAre("30,z 10,x", "20,y"));
}

TEST_P(LinkedReaderTest, LinksMayFollowLinksInAnyOrderOfTables) {
  const Outcome run = Read(JobOf(
      {Linked("third", {R"([[200,"t"],[300,"u"],[500,"orphan"]])"}).References("second", {"id"}),
       Events("second", {R"([[10,100,"p"],[20,200,"q"],[10,300,"r"]])"}).Parent("first", {"id"}),
       Logs({R"([[1,null],[2,null],[3,null]])"}),
       Events("first", {R"([[1,10,"f"],[3,20,"g"]])"})}));
  EXPECT_EQ(Rows(run.batches[0], "second"), "10,100,p 10,300,r");
  EXPECT_EQ(Rows(run.batches[0], "third"), "300,u");
  ExpectInts(run.batches[0].mapping("third"), "[null,0]");
  EXPECT_EQ(Rows(run.batches[1], "third"), "200,t");
}

TEST_P(LinkedReaderTest, APromiseOfRowsPerKeyHoldsForLinkedTables) {
  const std::vector<std::string> logs = {R"([[1,{"id":9}],[2,{"id":7}],[3,{"id":9}]])"};
  Job twice = JobOf({Logs(logs), Resources({R"([[9,"n"],[7,"s"],[7,"t"]])"})});
  twice.tables[1].RowsPerKey(Cardinality::kAtMostOne);
  EXPECT_THAT(ErrorOf(twice).message(), AllOf(HasSubstr("table \"R\" has 2 rows"), HasSubstr("7")));

  Job first = JobOf({Logs(logs), Resources({R"([[9,"n"],[7,"s"],[7,"t"]])"})});
  first.tables[1].RowsPerKey(Cardinality::kAtMostOne);
  first.policy.duplicate = Policy::Duplicate::kFirst;
  const Outcome run = Read(first);
  EXPECT_EQ(Rows(run.batches[0], "R"), "7,s 9,n");
  ExpectInts(run.batches[0].mapping("R"), "[1,0]");
  EXPECT_EQ(run.metrics.tables[1].duplicates, 1);
  EXPECT_EQ(run.metrics.tables[1].rows_per_key.max, 1);
  EXPECT_EQ(run.batches[0].Find("R")->rows_per_key, Cardinality::kAtMostOne);

  Job keep = JobOf({Logs(logs), Resources({R"([[9,"n"],[7,"s"],[7,"t"]])"})});
  keep.tables[1].RowsPerKey(Cardinality::kOne);
  keep.policy.duplicate = Policy::Duplicate::kKeep;
  const Outcome kept = Read(keep);
  EXPECT_EQ(Rows(kept.batches[0], "R"), "7,s 7,t 9,n");
  EXPECT_EQ(kept.batches[0].Find("R")->rows_per_key, Cardinality::kAny);

  Job missing = JobOf({Logs(logs), Resources({R"([[9,"n"]])"})});
  missing.tables[1].RowsPerKey(Cardinality::kOne);
  missing.policy.missing = Policy::Missing::kError;
  const arrow::Status status = ErrorOf(missing);
  EXPECT_EQ(KindOf(status), ErrorKind::kPolicy);
  EXPECT_THAT(status.message(), AllOf(HasSubstr("table \"R\" has no row for key"), HasSubstr("7"),
                                      HasSubstr("table \"logs\"")));
}

TEST_P(LinkedReaderTest, AFailingLinkedTableEndsTheRunByName) {
  Job job = JobOf({Logs({R"([[1,{"id":9}]])"}),
                   Linked("R", {R"([[9,"n"]])"}, arrow::Status::IOError("disk on fire"))
                       .References("logs", {"resource.id"})});
  const auto reader = BatchReader::Open(nullptr, job).ValueOrDie();
  const arrow::Status status = ReadAll(reader.get()).status();
  EXPECT_THAT(status.message(), AllOf(HasSubstr("table \"R\""), HasSubstr("disk on fire")));
  EXPECT_EQ(reader->Next().status(), status);
}

// However its error meets the threads of the run.
TEST_P(LinkedReaderTest, AFailingLinkedTableIsNeverTakenForAReadOne) {
  for (int round = 0; round < 200; ++round) {
    Job job = JobOf({Logs({}), Linked("R", {R"([[9,"n"]])"}, arrow::Status::IOError("on fire"))
                                   .References("logs", {"resource.id"})});
    EXPECT_THAT(ErrorOf(job).message(), HasSubstr("on fire"));
  }
}

TEST_P(LinkedReaderTest, CancelWakesWhoWaitsForALinkedTable) {
  const auto schema = arrow::schema({arrow::field("parent", arrow::int64())});
  const auto gate = std::make_shared<GatedStream>(schema);
  Job job = JobOf({Logs({R"([[1,{"id":9}]])"}),
                   Table::Stream("R", gate).Key({"parent"}).References("logs", {"resource.id"})});
  const auto reader = BatchReader::Open(nullptr, job).ValueOrDie();
  auto next = std::async(std::launch::async, [&] { return reader->Next().status(); });
  reader->Cancel();
  EXPECT_EQ(KindOf(next.get()), ErrorKind::kStopped);
  gate->Open();
}

TEST_P(LinkedReaderTest, AMissingColumnOfALinkIsNamed) {
  Job job = JobOf({Logs({}), Linked("R", {}).References("logs", {"resource.ib"})});
  EXPECT_THAT(ErrorOf(job).message(),
              AllOf(HasSubstr("table \"R\""), HasSubstr("table \"logs\""),
                    HasSubstr("has no column \"resource.ib\""), HasSubstr("resource.id")));
}

TEST_P(LinkedReaderTest, TypesThatDoNotCompareAreNamed) {
  const auto schema = arrow::schema({arrow::field("parent", arrow::utf8())});
  Job job = JobOf({Logs({}), Table::Stream("R", StreamOf(schema, {}))
                                 .Key({"parent"})
                                 .References("logs", {"resource.id"})});
  EXPECT_THAT(ErrorOf(job).message(),
              AllOf(HasSubstr("\"parent\" of table \"R\" is string"),
                    HasSubstr("\"resource.id\" of table \"logs\" is int32")));
}

TEST_P(LinkedReaderTest, ARunWithoutKeysLeavesAllRowsOrphans) {
  const Outcome run = Read(JobOf({Logs({}), Resources({R"([[9,"n"],[7,"s"]])"})}));
  EXPECT_TRUE(run.batches.empty());
  EXPECT_EQ(run.metrics.tables[1].orphans, 2);
}

// The keys alone are 20 MB, more than what memory has for them.
TEST_P(LinkedReaderTest, KeysThatExceedMemoryAreFoundOnDisk) {
  constexpr int64_t kReferences = 200'000;
  constexpr int64_t kLogs = 20'000;
  const auto key_of = [](int64_t number) {
    std::string text = std::to_string(number * 48'271 % 1'000'003);
    return text.append(100, 'x');
  };
  const auto named_by = [](int64_t id) { return id * 7919 % kReferences; };
  const auto stream = [](const std::string& text_name, const std::string& number_name, int64_t rows,
                         const auto& text_of) {
    arrow::StringBuilder texts;
    arrow::Int64Builder numbers;
    for (int64_t i = 0; i < rows; ++i) {
      EXPECT_TRUE(texts.Append(text_of(i)).ok());
      EXPECT_TRUE(numbers.Append(i).ok());
    }
    const auto schema = arrow::schema(
        {arrow::field(text_name, arrow::utf8()), arrow::field(number_name, arrow::int64())});
    const auto all = arrow::RecordBatch::Make(
        schema, rows, {texts.Finish().ValueOrDie(), numbers.Finish().ValueOrDie()});
    std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
    for (int64_t i = 0; i < rows; i += 5000) batches.push_back(all->Slice(i, 5000));
    return arrow::RecordBatchReader::Make(batches, schema).ValueOrDie();
  };
  Job job = JobOf({Table::Stream("logs", stream("r", "id", kLogs,
                                                [&](int64_t i) { return key_of(named_by(i)); }))
                       .SelectsKeys(),
                   Table::Stream("R", stream("key", "number", kReferences, key_of))
                       .Key({"key"})
                       .References("logs", {"r"})});
  const Outcome run = Read(job.MaxKeys(4096).Memory(16 << 20));
  int64_t id = 0;
  for (const Batch& batch : run.batches) {
    const auto& numbers = static_cast<const arrow::Int64Array&>(*batch.table("R")->column(1));
    const auto mapping = batch.mapping("R");
    for (int64_t row = 0; row < mapping->length(); ++row) {
      const int32_t begin = batch.offsets("R")->Value(mapping->Value(row));
      ASSERT_EQ(numbers.Value(begin), named_by(id++));
    }
  }
  EXPECT_EQ(id, kLogs);
  EXPECT_EQ(run.metrics.tables[1].orphans, kReferences - kLogs);
}

}  // namespace
}  // namespace sheaf
