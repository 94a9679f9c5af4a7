// Random jobs over streams against a plain reference. SHEAF_RANDOM_SEED repeats a run that failed;
// SHEAF_RANDOM_JOBS says how many jobs a test makes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <span>
#include <thread>

#include "random_job.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

using sheaf::testing::Below;
using sheaf::testing::GroupsOf;
using sheaf::testing::KeyPool;
using sheaf::testing::MakeKeyHot;
using sheaf::testing::MakeKeyPools;
using sheaf::testing::OneIn;
using sheaf::testing::Random;
using sheaf::testing::RandomJob;
using sheaf::testing::StreamsOf;
using sheaf::testing::TestGroup;
using sheaf::testing::TestJob;
using sheaf::testing::TestRow;
using sheaf::testing::TestTable;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr uint64_t kDefaultJobs = 300;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::stoull(value);
}

/// What a run delivered before its end or its error.
struct Outcome {
  std::vector<Batch> batches;
  arrow::Status status;
};

Outcome ReadToTheEnd(BatchReader* reader) {
  Outcome outcome;
  while (true) {
    auto batch = reader->Next();
    if (!batch.ok()) {
      outcome.status = batch.status();
      EXPECT_EQ(reader->Next().status(), outcome.status) << "the first error is final";
      return outcome;
    }
    if (!batch->has_value()) return outcome;
    outcome.batches.push_back(**std::move(batch));
  }
}

/// What the job must deliver: its groups with the policies applied, and whether one must end it.
struct Expected {
  std::map<std::vector<int>, TestGroup> groups;
  bool fails = false;
  std::vector<int64_t> duplicates;
  std::vector<int64_t> orphans;
  std::vector<int64_t> null_keys;
  int64_t dropped = 0;
};

Expected ExpectedOf(const TestJob& made) {
  Expected expected;
  expected.groups = GroupsOf(made);
  const Policy& policy = made.job.policy;
  for (size_t t = 0; t < made.tables.size(); ++t) {
    const TestTable& table = made.tables[t];
    int64_t nulls = 0;
    int64_t orphans = 0;
    int64_t duplicates = 0;
    for (const TestRow& row : table.rows) {
      nulls += row.null_key() ? 1 : 0;
      orphans += !row.null_key() && !expected.groups.contains(row.key) ? 1 : 0;
    }
    for (auto& [key, group] : expected.groups) {
      std::vector<TestRow>& rows = group[t];
      if (table.rows_per_key == Cardinality::kAny) continue;
      const bool missing = rows.empty() && table.rows_per_key == Cardinality::kOne;
      expected.fails |= missing && policy.missing == Policy::Missing::kError;
      if (rows.size() < 2) continue;
      expected.fails |= policy.duplicate == Policy::Duplicate::kError;
      if (policy.duplicate == Policy::Duplicate::kFirst) {
        duplicates += std::ssize(rows) - 1;
        // Any row of the first rank may be the first where ties are not fixed.
        const auto rank = [&](const TestRow& row) {
          return table.ordered ? row.OrderRank(table.descending) : std::pair(false, 0);
        };
        const auto first = rank(rows[0]);
        if (made.job.ties == Ties::kFixed) {
          rows.resize(1);
        } else {
          std::erase_if(rows, [&](const TestRow& row) { return rank(row) != first; });
        }
      }
    }
    expected.fails |= nulls > 0 && policy.null_key == Policy::NullKey::kError;
    expected.null_keys.push_back(nulls);
    expected.orphans.push_back(orphans);
    expected.duplicates.push_back(duplicates);
  }
  if (policy.missing == Policy::Missing::kDrop) {
    expected.dropped = static_cast<int64_t>(std::erase_if(expected.groups, [&](const auto& entry) {
      for (size_t t = 0; t < made.tables.size(); ++t) {
        if (made.tables[t].rows_per_key == Cardinality::kOne && entry.second[t].empty())
          return true;
      }
      return false;
    }));
  }
  return expected;
}

std::vector<int64_t> NumbersIn(const arrow::RecordBatch& rows) {
  const auto column = rows.GetColumnByName("number");
  std::vector<int64_t> numbers;
  for (int64_t i = 0; i < column->length(); ++i) {
    numbers.push_back(static_cast<const arrow::Int64Array&>(*column).Value(i));
  }
  return numbers;
}

void CheckRows(const TestJob& made, const TestTable& table, const std::vector<TestRow>& expected,
               std::vector<int64_t> numbers) {
  const bool one_of = made.job.policy.duplicate == Policy::Duplicate::kFirst &&
                      table.rows_per_key != Cardinality::kAny && expected.size() > 1;
  ASSERT_EQ(numbers.size(), one_of ? 1 : expected.size());
  std::vector<int64_t> wanted;
  for (const TestRow& row : expected) wanted.push_back(row.number);
  if (one_of) {
    ASSERT_THAT(wanted, ::testing::Contains(numbers[0]));
    return;
  }
  if (made.job.ties == Ties::kFixed) {
    ASSERT_EQ(numbers, wanted);
    return;
  }
  for (size_t i = 0; table.ordered && i < numbers.size(); ++i) {  // ties may come in any order
    ASSERT_EQ(table.rows[static_cast<size_t>(numbers[i])].order, expected[i].order);
  }
  ASSERT_THAT(numbers, ::testing::UnorderedElementsAreArray(wanted));
}

/// The key's columns hold the values at its places.
void CheckKey(const TestJob& made, const arrow::RecordBatch& key, const std::vector<int>& places) {
  for (size_t c = 0; c < places.size(); ++c) {
    const auto& values = made.pools[c].values;
    const auto cast =
        arrow::compute::Cast(*key.column(static_cast<int>(c)), values->type()).ValueOrDie();
    ASSERT_TRUE(
        cast->Equals(values->Slice(places[c], 1), arrow::EqualOptions::Defaults().nans_equal(true)))
        << cast->ToString() << " in place of " << values->Slice(places[c], 1)->ToString();
  }
}

/// The numbers of a group's rows of a table, with those in the batches that continue its key.
std::vector<int64_t> NumbersOf(const Group& group, const std::string& table,
                               std::span<const Batch> continued) {
  std::vector<int64_t> numbers = NumbersIn(*group.rows(table));
  for (const Batch& batch : continued) {
    const std::vector<int64_t> more = NumbersIn(*batch.table(table));
    numbers.insert(numbers.end(), more.begin(), more.end());
  }
  return numbers;
}

/// Whether a key may have more rows than come in one batch.
bool MayContinue(const TestJob& made) { return made.job.max_bytes || made.padding > 0; }

/// `batches` are the first ones that the job must deliver; all of them where `complete`.
void CheckBatches(const TestJob& made, const Expected& expected, const std::vector<Batch>& batches,
                  bool complete) {
  auto next = expected.groups.begin();
  for (size_t b = 0; b < batches.size(); ++b) {
    const Batch& batch = batches[b];
    ASSERT_EQ(batch.index(), static_cast<int64_t>(b));
    ASSERT_GT(batch.num_keys(), 0);
    ASSERT_LE(batch.num_keys(), made.job.max_keys);
    if (batch.continued()) {
      ASSERT_TRUE(b > 0 && MayContinue(made) && batch.num_keys() == 1);
      continue;
    }
    size_t end = b + 1;
    while (end < batches.size() && batches[end].continued()) ++end;
    const auto continued = std::span(batches).subspan(b + 1, end - b - 1);
    // Of a run that fails, the last key may have come in part.
    if (!complete && MayContinue(made) && end == batches.size()) return;
    for (const Group& group : batch.groups()) {
      ASSERT_NE(next, expected.groups.end()) << "a key too many";
      ASSERT_NO_FATAL_FAILURE(CheckKey(made, *group.key(), next->first));
      for (size_t t = 0; t < made.tables.size(); ++t) {
        const TestTable& table = made.tables[t];
        ASSERT_NO_FATAL_FAILURE(
            CheckRows(made, table, next->second[t], NumbersOf(group, table.name, continued)))
            << "table " << table.name << ", key number " << group.index() << " of batch " << b;
      }
      ++next;
    }
    const bool last = next == expected.groups.end();
    ASSERT_TRUE(MayContinue(made) || last || batch.num_keys() == made.job.max_keys)
        << "a batch that is not the last holds max_keys keys";
  }
  ASSERT_TRUE(!complete || next == expected.groups.end()) << "keys are missing";
}

/// The most rows that a key has in table `t`, in all batches that it comes in.
int64_t LargestGroup(const std::vector<Batch>& batches, size_t t) {
  int64_t largest = 0;
  int64_t rows = 0;
  for (const Batch& batch : batches) {
    for (const Group& group : batch.groups()) {
      rows = (batch.continued() ? rows : 0) + group.num_rows(batch.tables()[t].name);
      largest = std::max(largest, rows);
    }
  }
  return largest;
}

void CheckMetrics(const TestJob& made, const Expected& expected, const Metrics& metrics,
                  const std::vector<Batch>& batches) {
  EXPECT_EQ(metrics.batches, std::ssize(batches));
  EXPECT_EQ(metrics.keys, std::ssize(expected.groups));
  EXPECT_EQ(metrics.dropped_keys, expected.dropped);
  EXPECT_EQ(metrics.total_keys, std::ssize(expected.groups) + expected.dropped);
  int64_t rows = 0;
  for (size_t t = 0; t < made.tables.size(); ++t) {
    const TableMetrics& table = metrics.tables[t];
    int64_t delivered = 0;
    for (const Batch& batch : batches) delivered += batch.tables()[t].rows->num_rows();
    EXPECT_EQ(table.rows_delivered, delivered);
    EXPECT_EQ(table.rows_per_key.largest.empty() ? 0 : table.rows_per_key.largest[0].rows,
              LargestGroup(batches, t));
    EXPECT_EQ(table.rows_read, std::ssize(made.tables[t].rows));
    EXPECT_EQ(table.orphans, expected.orphans[t]);
    EXPECT_EQ(table.null_keys, expected.null_keys[t]);
    EXPECT_EQ(table.duplicates, expected.duplicates[t]);
    rows += delivered;
  }
  EXPECT_EQ(metrics.rows, rows);
}

class RandomStreamsTest : public ::testing::Test {
 protected:
  /// Runs `check` with a random source of its own for each job, so that one alone can be repeated.
  template <typename Check>
  void ForEachJob(Check check, uint64_t share = 1) {
    const uint64_t jobs = (FromEnvironment("SHEAF_RANDOM_JOBS", kDefaultJobs) + share - 1) / share;
    const uint64_t seed = FromEnvironment("SHEAF_RANDOM_SEED", std::random_device()());
    for (uint64_t job = 0; job < jobs; ++job) {
      const ::testing::ScopedTrace trace(
          __FILE__, __LINE__,
          "repeat with SHEAF_RANDOM_JOBS=1 SHEAF_RANDOM_SEED=" + std::to_string(seed + job));
      Random random(seed + job);
      check(&random);
      if (HasFailure()) return;
    }
  }

  const std::vector<KeyPool> pools_ = MakeKeyPools();
};

/// All batches of the job, by another strategy, from rows in another order, with another memory.
std::vector<Batch> RunAs(TestJob made, Strategy strategy, int64_t memory, Random* random) {
  made.job.WithStrategy(strategy).Memory(memory);
  if (strategy == Strategy::kPartition) {
    for (TestTable& table : made.tables) std::ranges::shuffle(table.rows, *random);
  }
  const auto reader = BatchReader::Open(nullptr, StreamsOf(made));
  EXPECT_TRUE(reader.ok()) << reader.status();
  Outcome outcome = ReadToTheEnd(reader->get());
  EXPECT_TRUE(outcome.status.ok()) << outcome.status;
  return std::move(outcome.batches);
}

void ExpectSame(const std::vector<Batch>& batches, const std::vector<Batch>& wanted) {
  const auto equal = arrow::EqualOptions::Defaults().nans_equal(true);
  ASSERT_EQ(batches.size(), wanted.size());
  for (size_t b = 0; b < batches.size(); ++b) {
    ASSERT_EQ(batches[b].continued(), wanted[b].continued());
    ASSERT_TRUE(batches[b].keys()->Equals(*wanted[b].keys(), false, equal)) << "batch " << b;
    for (size_t t = 0; t < wanted[b].tables().size(); ++t) {
      const BatchTable& table = wanted[b].tables()[t];
      ASSERT_TRUE(batches[b].tables()[t].rows->Equals(*table.rows, false, equal))
          << "table " << table.name << " of batch " << b;
      ASSERT_TRUE(batches[b].tables()[t].offsets->Equals(*table.offsets));
    }
  }
}

TEST_F(RandomStreamsTest, DeliverWhatAPlainMapOfKeysSays) {
  ForEachJob([this](Random* random) {
    TestJob made = RandomJob(random, pools_, /*lenient=*/false);
    if (OneIn(random, 20)) MakeKeyHot(random, &made);
    const Expected expected = ExpectedOf(made);
    const auto reader = BatchReader::Open(nullptr, StreamsOf(made));
    ASSERT_TRUE(reader.ok()) << reader.status();
    const Outcome outcome = ReadToTheEnd(reader->get());
    ASSERT_EQ(outcome.status.ok(), !expected.fails) << outcome.status;
    CheckBatches(made, expected, outcome.batches, outcome.status.ok());
    if (outcome.status.ok()) {
      CheckMetrics(made, expected, (*reader)->metrics(), outcome.batches);
    } else {
      EXPECT_EQ(KindOf(outcome.status), ErrorKind::kPolicy) << outcome.status;
    }
  });
}

TEST_F(RandomStreamsTest, AStreamThatFailsEndsTheRunAfterARightPrefix) {
  ForEachJob([this](Random* random) {
    TestJob made = RandomJob(random, pools_, /*lenient=*/true);
    if (OneIn(random, 20)) MakeKeyHot(random, &made);
    const auto failing = static_cast<size_t>(Below(random, static_cast<int>(made.tables.size())));
    const auto good_batches =
        static_cast<size_t>(Below(random, static_cast<int>(made.tables[failing].cuts.size()) + 1));
    const auto reader = BatchReader::Open(nullptr, StreamsOf(made, failing, good_batches));
    ASSERT_TRUE(reader.ok()) << reader.status();
    const Outcome outcome = ReadToTheEnd(reader->get());
    ASSERT_FALSE(outcome.status.ok());
    EXPECT_THAT(outcome.status.message(),
                StartsWith("table \"" + made.tables[failing].name + "\": broken on purpose"));
    CheckBatches(made, ExpectedOf(made), outcome.batches, /*complete=*/false);
  });
}

TEST_F(RandomStreamsTest, ACancelAtAnyMomentEndsTheRunAfterARightPrefix) {
  ForEachJob([this](Random* random) {
    TestJob made = RandomJob(random, pools_, /*lenient=*/true);
    if (OneIn(random, 20)) MakeKeyHot(random, &made);
    const auto reader = BatchReader::Open(nullptr, StreamsOf(made));
    ASSERT_TRUE(reader.ok()) << reader.status();
    const int wait = Below(random, OneIn(random, 2) ? 200 : 3000);
    std::thread canceller([&] {
      std::this_thread::sleep_for(std::chrono::microseconds(wait));
      (*reader)->Cancel();
    });
    const Outcome outcome = ReadToTheEnd(reader->get());
    canceller.join();
    EXPECT_TRUE(outcome.status.ok() || KindOf(outcome.status) == ErrorKind::kStopped)
        << outcome.status;
    CheckBatches(made, ExpectedOf(made), outcome.batches, outcome.status.ok());
  });
}

TEST_F(RandomStreamsTest, AKeyLargerThanMemoryIsCutAtTheSameRowsHoweverItIsRead) {
  constexpr uint64_t kShare = 10;  // of the jobs: these are larger
  ForEachJob(
      [this](Random* random) {
        TestJob made = RandomJob(random, pools_, /*lenient=*/true);
        while (made.job.strategy != Strategy::kMerge) {  // whose rows are in order
          made = RandomJob(random, pools_, /*lenient=*/true);
        }
        MakeKeyHot(random, &made);
        made.job.WithTies(Ties::kFixed);
        const auto least = int64_t{16} << 20;
        const auto wanted = RunAs(made, Strategy::kMerge, least, random);
        ExpectSame(RunAs(made, Strategy::kPartition, least, random), wanted);
        if (!made.job.max_bytes) return;
        ExpectSame(RunAs(made, Strategy::kMerge, Job::kDefaultMemory, random), wanted);
        ExpectSame(RunAs(made, Strategy::kPartition, Job::kDefaultMemory, random), wanted);
      },
      kShare);
}

}  // namespace
}  // namespace sheaf
