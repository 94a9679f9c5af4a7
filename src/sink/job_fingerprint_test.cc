#include "sink/job_fingerprint.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace sheaf {
namespace {

Job TwoTables() {
  return Job()
      .Key({"id"})
      .Add(Table::Query("A", "SELECT 1 AS id").OrderBy({"id"}).SelectsKeys())
      .Add(Table::Named("P").RowsPerKey(Cardinality::kOne));
}

std::string Fingerprint(const Job& job, const OutputOptions& output = {}) {
  return JobFingerprint(job, output, "engine");
}

std::string Changed(const std::function<void(Job*)>& change) {
  Job job = TwoTables();
  change(&job);
  return Fingerprint(job);
}

TEST(JobFingerprintTest, IsTheSameForTheSameJob) {
  const std::string fingerprint = Fingerprint(TwoTables());
  EXPECT_EQ(fingerprint.size(), 32U);
  EXPECT_EQ(fingerprint, Fingerprint(TwoTables()));
}

TEST(JobFingerprintTest, DiffersWhereTheRowsOrFilesMay) {
  const std::string original = Fingerprint(TwoTables());
  EXPECT_NE(original, Fingerprint(TwoTables(), {.dir = "", .format = Format::kArrow}));
  EXPECT_NE(original, Fingerprint(TwoTables(), {.dir = "", .local_id = LocalId::kUint16}));
  EXPECT_NE(original, JobFingerprint(TwoTables(), {}, "another engine"));
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
  const std::string original = Fingerprint(TwoTables());
  EXPECT_EQ(original, Fingerprint(TwoTables(), {.dir = "elsewhere"}));
  EXPECT_EQ(original, Changed([](Job* job) { job->Memory(job->memory + 7); }));
  EXPECT_EQ(original, Changed([](Job* job) { job->StopAfter(7); }));
  EXPECT_EQ(original, Changed([](Job* job) { job->WithStrategy(Strategy::kMerge); }));
  EXPECT_EQ(original, Changed([](Job* job) { job->tables[1].key = {"id"}; }))
      << "a table's key written out is the job's";
}

TEST(JobFingerprintTest, MemoryCountsWhereItDecidesWhereALargeKeyIsCut) {
  const auto with = [](int64_t memory, std::optional<int64_t> max_bytes) {
    return Changed([&](Job* job) {
      job->memory = memory;
      job->max_bytes = max_bytes;
    });
  };
  constexpr int64_t kGiB = int64_t{1} << 30;
  EXPECT_NE(with(kGiB / 64, std::nullopt), with(kGiB, std::nullopt));
  EXPECT_EQ(with(kGiB / 64, 1000), with(kGiB, 1000)) << "max_bytes alone decides";
  EXPECT_EQ(with(16 * kGiB, std::nullopt), with(32 * kGiB, std::nullopt))
      << "a batch has no room for more";
}

}  // namespace
}  // namespace sheaf
