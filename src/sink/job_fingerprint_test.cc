#include "sink/job_fingerprint.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace sheaf {
namespace {

Job TwoTables() {
  return Job()
      .Key({"id"})
      .Add(Table::Query("A", "SELECT 1 AS id").OrderBy({"id"}).SelectsKeys())
      .Add(Table::Named("P").RowsPerKey(Cardinality::kOne));
}

std::string Changed(const std::function<void(Job*)>& change) {
  Job job = TwoTables();
  change(&job);
  return JobFingerprint(job, OutputOptions{});
}

TEST(JobFingerprintTest, IsTheSameForTheSameJob) {
  const std::string fingerprint = JobFingerprint(TwoTables(), OutputOptions{});
  EXPECT_EQ(fingerprint.size(), 32U);
  EXPECT_EQ(fingerprint, JobFingerprint(TwoTables(), OutputOptions{}));
}

TEST(JobFingerprintTest, DiffersWhereTheRowsOrFilesMay) {
  const std::string original = JobFingerprint(TwoTables(), OutputOptions{});
  EXPECT_NE(original, JobFingerprint(TwoTables(), {.dir = "", .format = Format::kArrow}));
  EXPECT_NE(original, JobFingerprint(TwoTables(), {.dir = "", .local_id = LocalId::kUint16}));
  EXPECT_NE(original, Changed([](Job* job) { job->Key({"other"}); }));
  EXPECT_NE(original, Changed([](Job* job) { job->MaxKeys(7); }));
  EXPECT_NE(original, Changed([](Job* job) { job->MaxBytes(7); }));
  EXPECT_NE(original, Changed([](Job* job) { job->From({"7"}); }));
  EXPECT_NE(original, Changed([](Job* job) { job->WithTies(Ties::kFixed); }));
  EXPECT_NE(original, Changed([](Job* job) { job->policy.missing = Policy::Missing::kDrop; }));
  EXPECT_NE(original, Changed([](Job* job) { job->tables[0].query += " "; }));
  EXPECT_NE(original, Changed([](Job* job) { job->tables[0].order_by.clear(); }));
  EXPECT_NE(original, Changed([](Job* job) { job->tables[1].source = "P2"; }));
  EXPECT_NE(original, Changed([](Job* job) { job->tables[1].optional = true; }));
  EXPECT_NE(original, Changed([](Job* job) { job->tables[1].key = {"other"}; }));
  EXPECT_NE(original, Changed([](Job* job) { job->tables[1].rows_per_key = Cardinality::kAny; }));
  EXPECT_NE(original, Changed([](Job* job) { std::swap(job->tables[0], job->tables[1]); }));
}

TEST(JobFingerprintTest, IsTheSameHoweverTheRunGoes) {
  const std::string original = JobFingerprint(TwoTables(), OutputOptions{});
  EXPECT_EQ(original, JobFingerprint(TwoTables(), {.dir = "elsewhere"}));
  EXPECT_EQ(original, Changed([](Job* job) { job->Memory(1 << 20); }));
  EXPECT_EQ(original, Changed([](Job* job) { job->StopAfter(7); }));
  EXPECT_EQ(original, Changed([](Job* job) { job->WithStrategy(Strategy::kMerge); }));
  EXPECT_EQ(original, Changed([](Job* job) { job->tables[1].key = {"id"}; }))
      << "a table's key written out is the job's";
}

}  // namespace
}  // namespace sheaf
