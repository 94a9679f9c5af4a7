#include "cogroup/scattered_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <thread>

#include "cogroup/cogroup_test_support.h"
#include "cogroup/range_scatter.h"
#include "cogroup/rank_scatter.h"

namespace sheaf {
namespace {

using sheaf::testing::IdSchema;
using sheaf::testing::StreamOf;

constexpr int64_t kChunkRows = 1000;
constexpr int kChunks = 60;
constexpr int kThreads = 4;

/// Rows a key.
using Counts = std::map<int64_t, int64_t>;

class ScatteredRowsTest : public ::testing::Test {
 protected:
  ScatteredRowsTest() {
    Job job;
    job.Key({"id"}).Add(Table::Stream("T", StreamOf(IdSchema(), {})).SelectsKeys());
    resolved_ = ResolveJob(nullptr, job).ValueOrDie();
  }

  [[nodiscard]] const TableInput& input() const { return resolved_.tables[0]; }

  /// Keys below `end`; texts so long that partitions are cut soon. The caller counts the rows.
  Chunk RandomChunk(std::mt19937_64* random, int64_t end, Counts* counts) const {
    arrow::Int64Builder ids;
    arrow::StringBuilder texts;
    for (int64_t i = 0; i < kChunkRows; ++i) {
      const auto id = static_cast<int64_t>((*random)() % static_cast<uint64_t>(end));
      ++(*counts)[id];
      EXPECT_TRUE(ids.Append(id).ok());
      EXPECT_TRUE(texts.Append(std::string(100, static_cast<char>('a' + id % 26))).ok());
    }
    Chunk chunk;
    chunk.rows = arrow::RecordBatch::Make(input().schema, kChunkRows,
                                          {ids.Finish().ValueOrDie(), texts.Finish().ValueOrDie()});
    chunk.keys = input().key_encoder->Encode({chunk.rows->column(0)}).ValueOrDie();
    return chunk;
  }

  /// Adds random chunks by several threads at the same time, and returns how many rows each key has.
  Counts AddByThreads(unsigned seed, int64_t end, const std::function<void(Chunk)>& add) const {
    std::vector<Counts> counts(kThreads);
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        std::mt19937_64 random(seed + t);
        for (int c = 0; c < kChunks; ++c) add(RandomChunk(&random, end, &counts[t]));
      });
    }
    for (std::thread& thread : threads) thread.join();
    Counts all;
    for (const Counts& some : counts) {
      for (const auto& [key, rows] : some) all[key] += rows;
    }
    return all;
  }

  ResolvedJob resolved_;
};

/// How many rows each key of a partition has. Each text must be that of its key.
Counts CountsOf(SharedRows* rows, size_t partition) {
  Counts counts;
  while (true) {
    const auto pieces = rows->TakeSome(partition).ValueOrDie();
    if (pieces.empty()) return counts;
    for (const auto& piece : pieces) {
      const auto& ids = static_cast<const arrow::Int64Array&>(*piece->column(0));
      const auto& texts = static_cast<const arrow::StringArray&>(*piece->column(1));
      for (int64_t i = 0; i < ids.length(); ++i) {
        EXPECT_EQ(texts.GetView(i), std::string(100, static_cast<char>('a' + ids.Value(i) % 26)));
        ++counts[ids.Value(i)];
      }
    }
  }
}

/// Of all partitions; keys must be in the partition of their ranks.
Counts CountsOf(const ScatteredRows& scattered, const Counts& expected) {
  std::map<int64_t, int64_t> ranks;
  for (const auto& [key, rows] : expected) ranks.emplace(key, std::ssize(ranks));
  Counts all;
  for (size_t p = 0; p < scattered.bytes.size(); ++p) {
    for (const auto& [key, rows] : CountsOf(scattered.rows.get(), p)) {
      EXPECT_GE(ranks[key], scattered.first_ranks[p]);
      EXPECT_LT(ranks[key], scattered.first_ranks[p + 1]);
      all[key] += rows;
    }
  }
  return all;
}

std::unique_ptr<KeySet> KeySetOf(const TableInput& input, const Counts& counts) {
  arrow::Int64Builder ids;
  for (const auto& [key, rows] : counts) EXPECT_TRUE(ids.Append(key).ok());
  KeySetBuilder keys;
  keys.Add(input.key_encoder->Encode({ids.Finish().ValueOrDie()}).ValueOrDie());
  return keys.Finish();
}

TEST_F(ScatteredRowsTest, ThreadsThatScatterByRangesWhileTheseAreLearnedLoseNoRow) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  for (const int64_t memory : {int64_t{1} << 30, int64_t{8} << 20}) {  // the second one spills
    MemoryBudget budget(memory);
    RangeScatter scatter(input(), /*at_once=*/1, /*max_loaded=*/int64_t{1} << 20, &budget);
    const Counts expected = AddByThreads(
        seed, 50'000, [&](const Chunk& chunk) { EXPECT_TRUE(scatter.Add(chunk).ok()); });
    const auto keys = KeySetOf(input(), expected);
    const ScatteredRows scattered = scatter.Finish(*keys).ValueOrDie();
    EXPECT_GT(scattered.bytes.size(), 10U);
    EXPECT_EQ(CountsOf(scattered, expected), expected);
  }
}

TEST_F(ScatteredRowsTest, ThreadsThatScatterByRankLoseNoRow) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Counts selected;
  for (int64_t key = 0; key < 50'000; key += 2) selected[key] = 0;
  const auto keys = KeySetOf(input(), selected);
  MemoryBudget budget(int64_t{1} << 30);
  TableCounters counters;
  RankScatter scatter(input(), *keys, /*at_once=*/1, &budget, &counters);
  const Counts added = AddByThreads(seed, 50'000, [&](Chunk chunk) {
    EXPECT_TRUE(scatter.Prepare(&chunk).ok());
    EXPECT_TRUE(scatter.Add(chunk).ok());
  });
  int64_t orphans = 0;
  for (const auto& [key, rows] : added) (key % 2 == 0 ? selected[key] : orphans) += rows;
  const ScatteredRows scattered = scatter.Finish().ValueOrDie();
  EXPECT_GT(scattered.bytes.size(), 1U);
  EXPECT_EQ(counters.orphans, orphans);
  Counts found = CountsOf(scattered, selected);
  std::erase_if(selected, [](const auto& entry) { return entry.second == 0; });
  EXPECT_EQ(found, selected);
}

RowsByPlace Alternating(int64_t rows, size_t places) {
  std::vector<uint32_t> place_of;
  for (int64_t i = 0; i < rows; ++i) place_of.push_back(static_cast<uint32_t>(i) % places);
  RowsByPlace by_place;
  by_place.Sort(place_of, places);
  return by_place;
}

TEST(MakeRowsTest, SegmentsOfManyColumnsAreNotAllButPadding) {
  constexpr int kColumns = 400;
  constexpr int64_t kRows = 2000;
  constexpr size_t kPlaces = 16;
  arrow::Int32Builder builder;
  for (int32_t i = 0; i < kRows; ++i) ASSERT_TRUE(builder.Append(i * 1'000'003).ok());
  const auto column = builder.Finish().ValueOrDie();
  arrow::FieldVector fields;
  for (int c = 0; c < kColumns; ++c) fields.push_back(arrow::field("c", arrow::int32()));
  const auto batch =
      arrow::RecordBatch::Make(arrow::schema(fields), kRows, arrow::ArrayVector(kColumns, column));
  MemoryBudget budget(int64_t{8} << 20);
  const auto rows = MakeRows(batch->schema(), kPlaces,
                             {.partitions = kPlaces, .tables = 1, .threads = 1}, &budget);
  std::vector<int64_t> added(kPlaces);
  ASSERT_TRUE(rows->AppendAll(SegmentSource(batch), Alternating(kRows, kPlaces), &added).ok());
  int64_t bytes = 0;
  for (size_t p = 0; p < kPlaces; ++p) bytes += rows->BytesOf(p);
  EXPECT_LT(bytes, 4 * kRows * kColumns * int64_t{sizeof(int32_t)});
}

TEST_F(ScatteredRowsTest, APartitionOfRowsLongerThanMostHasTheirBytes) {
  MemoryBudget budget(int64_t{64} << 20);
  ScatteredRows scattered;
  scattered.bytes.resize(2);
  scattered.rows =
      MakeRows(input().schema, 2, {.partitions = 2, .tables = 1, .threads = 1}, &budget);
  std::mutex mutex;
  const auto append = [&](int64_t rows, const std::string& text, const RowsByPlace& by_place) {
    arrow::Int64Builder ids;
    arrow::StringBuilder texts;
    for (int64_t i = 0; i < rows; ++i) {
      ASSERT_TRUE(ids.Append(i).ok());
      ASSERT_TRUE(texts.Append(text).ok());
    }
    const auto batch = arrow::RecordBatch::Make(
        input().schema, rows, {ids.Finish().ValueOrDie(), texts.Finish().ValueOrDie()});
    ASSERT_TRUE(scattered.Append(SegmentSource(batch), by_place, &mutex).ok());
  };
  append(10'000, "short", Alternating(10'000, 2));
  append(100, std::string(20'000, 'x'), Alternating(100, 1));  // all to the first
  scattered.CountSegments();
  EXPECT_GE(scattered.bytes[0], 100 * 20'000);
  EXPECT_LT(scattered.bytes[1], 1'000'000);
}

}  // namespace
}  // namespace sheaf
