#include "sheaf/job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sheaf/error.h"

namespace sheaf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A job that has nothing wrong; each test breaks one thing.
Job GoodJob() {
  return Job()
      .Key({"id"})
      .Add(Table::Query("A", "SELECT 1 AS id").SelectsKeys())
      .Add(Table::Named("P"));
}

std::string ProblemOf(const Job& job) {
  const arrow::Status status = job.Check();
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(KindOf(status), ErrorKind::kJob);
  return status.message();
}

TEST(JobCheckTest, AcceptsAGoodJob) {
  const arrow::Status status = GoodJob().Check();
  EXPECT_TRUE(status.ok()) << status;
}

TEST(JobCheckTest, AcceptsSeveralSelectingTables) {
  Job job = GoodJob();
  job.tables[1].SelectsKeys();
  EXPECT_TRUE(job.Check().ok());
}

TEST(JobCheckTest, NeedsAKey) {
  EXPECT_EQ(ProblemOf(GoodJob().Key({})), "key is missing: name the key columns of the job");
  EXPECT_EQ(ProblemOf(GoodJob().Key({""})), "key holds an empty column name");
  EXPECT_EQ(ProblemOf(GoodJob().Key({"a", "b", "a"})), "key names \"a\" twice");
}

TEST(JobCheckTest, NeedsATable) {
  EXPECT_EQ(ProblemOf(Job().Key({"id"})), "a job needs at least one table");
}

TEST(JobCheckTest, NeedsASelectingTable) {
  Job job = GoodJob();
  job.tables[0].SelectsKeys(false);
  EXPECT_THAT(ProblemOf(job), HasSubstr("selects_keys = true"));
}

TEST(JobCheckTest, RefusesTwoTablesOfOneName) {
  EXPECT_EQ(ProblemOf(GoodJob().Add(Table::Named("P"))),
            "table \"P\": a second table has this name");
  EXPECT_THAT(ProblemOf(GoodJob().Add(Table::Named("p"))), HasSubstr("letter case"));
}

TEST(JobCheckTest, RefusesNamesThatAreNoFolders) {
  for (const char* name : {".", "..", ".manifest.json.tmp", "a/b", "a\\b", "a\nb", "_SUCCESS",
                           "manifest.json", "Batches.jsonl"}) {
    EXPECT_THAT(ProblemOf(GoodJob().Add(Table::Named(name, "t"))), HasSubstr(name)) << name;
  }
  EXPECT_EQ(ProblemOf(GoodJob().Add(Table::Named("", "t"))), "table number 3: name is missing");
  EXPECT_THAT(ProblemOf(GoodJob().Add(Table::Named(std::string(201, 'x')))),
              HasSubstr("at most 200 bytes"));
}

TEST(JobCheckTest, NeedsExactlyOneOrigin) {
  const Table none = Table::Named("R", "");
  EXPECT_EQ(ProblemOf(GoodJob().Add(none)),
            "table \"R\": needs exactly one of source, query, substrait and stream, and has none");
  Table both = Table::Named("R");
  both.query = "SELECT 1 AS id";
  EXPECT_THAT(ProblemOf(GoodJob().Add(both)), HasSubstr("and has several"));
}

TEST(JobCheckTest, AStreamIsReadByOneTable) {
  const auto stream =
      arrow::RecordBatchReader::Make({}, arrow::schema({arrow::field("id", arrow::int64())}))
          .ValueOrDie();
  EXPECT_EQ(ProblemOf(GoodJob().Add(Table::Stream("S", stream)).Add(Table::Stream("T", stream))),
            "table \"T\": a stream is read once, and table \"S\" reads this one");
}

TEST(JobCheckTest, RefusesASemicolonAfterAQuery) {
  EXPECT_THAT(ProblemOf(GoodJob().Add(Table::Query("R", "SELECT 1 AS id ;\n"))),
              HasSubstr("without a semicolon"));
  EXPECT_THAT(ProblemOf(GoodJob().Add(Table::Query("R", " \n"))), HasSubstr("blank"));
}

TEST(JobCheckTest, OptionalGoesWithSourceOnly) {
  EXPECT_TRUE(GoodJob().Add(Table::Named("R").Optional()).Check().ok());
  EXPECT_THAT(ProblemOf(GoodJob().Add(Table::Query("R", "SELECT 1 AS id").Optional())),
              HasSubstr("optional goes with source"));
}

TEST(JobCheckTest, TableKeysMatchTheJobsInNumber) {
  EXPECT_EQ(ProblemOf(GoodJob().Add(Table::Named("R").Key({"a", "b"}))),
            "table \"R\": key has 2 columns and the job's key 1");
  EXPECT_THAT(ProblemOf(GoodJob().Key({"a", "b"}).Add(Table::Named("R").Key({"c", "c"}))),
              HasSubstr("key names \"c\" twice"));
}

TEST(JobCheckTest, OrderTermsAreRead) {
  EXPECT_EQ(ProblemOf(GoodJob().Add(Table::Named("R").OrderBy({"a", "b DSC"}))),
            "table \"R\": order_by \"b DSC\": \"DSC\" is not understood here; did you mean "
            "\"DESC\"?");
}

TEST(JobCheckTest, LimitsAreInRange) {
  EXPECT_EQ(ProblemOf(GoodJob().MaxKeys(0)), "max_keys must be at least 1");
  EXPECT_EQ(ProblemOf(GoodJob().MaxBytes(0)), "max_bytes must be at least 1");
  EXPECT_EQ(ProblemOf(GoodJob().Memory((16 << 20) - 1)), "memory must be at least 16MiB");
  EXPECT_TRUE(GoodJob().MaxKeys(1).MaxBytes(1).Memory(16 << 20).Check().ok());
}

TEST(JobTest, TablesUseTheJobsKeyUnlessTheyHaveTheirOwn) {
  const Job job = GoodJob().Add(Table::Named("R").Key({"parent_id"}));
  EXPECT_THAT(KeyColumnsOf(job, job.tables[0]), ElementsAre("id"));
  EXPECT_THAT(KeyColumnsOf(job, job.tables[2]), ElementsAre("parent_id"));
}

Job JobWithLink(Table table) { return GoodJob().Add(table.Key({"k"})); }

TEST(JobCheckTest, AcceptsLinksOfAnyDepth) {
  const Job job = JobWithLink(Table::Named("C").Parent("B", {"id"}))
                      .Add(Table::Named("B").References("P", {"x.id"}));
  EXPECT_TRUE(job.Check().ok()) << job.Check();
}

TEST(JobCheckTest, ALinkNamesATableAndAsManyColumnsAsTheKeyHas) {
  EXPECT_EQ(ProblemOf(JobWithLink(Table::Named("R").References("p", {"x"}))),
            "table \"R\": references names table \"p\", which the job does not have; did you mean "
            "\"P\"?");
  EXPECT_EQ(ProblemOf(JobWithLink(Table::Named("R").Parent("", {"x"}))),
            "table \"R\": parent names no table");
  EXPECT_EQ(ProblemOf(JobWithLink(Table::Named("R").Parent("P", {}))),
            "table \"R\": parent_columns is missing");
  EXPECT_EQ(ProblemOf(JobWithLink(Table::Named("R").References("P", {"x", "y"}))),
            "table \"R\": references.columns has 2 columns and the table's key 1");
}

TEST(JobCheckTest, RefusesLinksThatLeadBack) {
  EXPECT_EQ(ProblemOf(JobWithLink(Table::Named("R").Parent("R", {"x"}))),
            "table \"R\": parent leads back to the table itself: R -> R");
  const Job job = JobWithLink(Table::Named("outside").Parent("B", {"x"}))
                      .Add(Table::Named("B").References("C", {"x"}))
                      .Add(Table::Named("C").Parent("B", {"x"}));
  EXPECT_EQ(ProblemOf(job), "table \"B\": references leads back to the table itself: B -> C -> B");
}

TEST(JobCheckTest, ALinkedTableSelectsAndDropsNoKeys) {
  EXPECT_THAT(ProblemOf(JobWithLink(Table::Named("R").References("P", {"x"}).SelectsKeys())),
              HasSubstr("selects_keys does not go with references"));
  Job job = JobWithLink(Table::Named("R").Parent("P", {"x"}).RowsPerKey(Cardinality::kOne));
  job.policy.missing = Policy::Missing::kDrop;
  EXPECT_THAT(ProblemOf(job), HasSubstr("policy.missing = \"drop\""));
}

}  // namespace
}  // namespace sheaf
