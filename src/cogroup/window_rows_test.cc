#include "cogroup/window_rows.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "cogroup/range_scatter.h"
#include "cogroup/rank_scatter.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

constexpr int64_t kRows = 120'000;  // more than 12 MiB: enough to be cut, and cut again
constexpr int64_t kChunkRows = 5000;
constexpr size_t kAtOnce = 2;  // tables
constexpr int64_t kMaxLoaded = int64_t{1} << 19;

std::shared_ptr<arrow::Schema> Schema() {
  const auto nested = arrow::struct_(
      {arrow::field("id", arrow::int64()), arrow::field("rows", arrow::list(arrow::int64()))});
  return arrow::schema({arrow::field("id", arrow::int64()), arrow::field("row", arrow::int64()),
                        arrow::field("text", arrow::utf8()), arrow::field("nested", nested)});
}

TableInput Input(const std::string& key) {
  TableInput input;
  input.table.name = "A";
  input.schema = Schema();
  input.key_names = {"id"};
  input.key_columns = {FindColumn(*input.schema, key, "key column").ValueOrDie()};
  std::vector<EncodedColumn> columns(1);
  columns[0].form = FormOf(*arrow::int64()).ValueOrDie();
  input.key_encoder = std::make_shared<const RowEncoder>(columns);
  input.group_order = std::make_shared<const GroupOrder>(
      GroupOrder::Make(*input.schema, {}, Ties::kAny).ValueOrDie());
  return input;
}

// Rows of the given ids, each with its number, a text that it can be told by, and the id and up to two numbers in a
// struct.
std::vector<Chunk> Chunks(const TableInput& input, const std::vector<int64_t>& ids) {
  std::vector<Chunk> chunks;
  for (int64_t begin = 0; begin < std::ssize(ids); begin += kChunkRows) {
    arrow::Int64Builder id;
    arrow::Int64Builder row;
    arrow::StringBuilder text;
    arrow::ListBuilder rows(arrow::default_memory_pool(), std::make_shared<arrow::Int64Builder>());
    const int64_t end = std::min(begin + kChunkRows, std::ssize(ids));
    for (int64_t i = begin; i < end; ++i) {
      EXPECT_TRUE(id.Append(ids[static_cast<size_t>(i)]).ok());
      EXPECT_TRUE(row.Append(i).ok());
      EXPECT_TRUE(text.Append(std::string(80 + i % 5, static_cast<char>('a' + i % 26))).ok());
      EXPECT_TRUE(rows.Append().ok());
      const std::vector<int64_t> numbers(static_cast<size_t>(i % 3), i);
      EXPECT_TRUE(
          static_cast<arrow::Int64Builder*>(rows.value_builder())->AppendValues(numbers).ok());
    }
    const auto column = id.Finish().ValueOrDie();
    const auto nested = std::make_shared<arrow::StructArray>(
        input.schema->field(3)->type(), end - begin,
        arrow::ArrayVector{column, rows.Finish().ValueOrDie()});
    Chunk chunk;
    chunk.rows = arrow::RecordBatch::Make(
        input.schema, end - begin,
        {column, row.Finish().ValueOrDie(), text.Finish().ValueOrDie(), nested});
    chunk.keys = input.key_encoder->Encode({chunk.rows->column(0)}).ValueOrDie();
    chunks.push_back(std::move(chunk));
  }
  return chunks;
}

// The ids of all rows of a table, in the order that they come.
struct Case {
  std::string name;
  std::string key;
  std::function<int64_t(int64_t row, std::mt19937_64* random)> id;
};

class WindowRowsTest : public ::testing::TestWithParam<std::tuple<Case, int64_t>> {
 protected:
  void SetUp() override {
    std::mt19937_64 random(3);
    for (int64_t row = 0; row < kRows; ++row)
      ids_.push_back(std::get<Case>(GetParam()).id(row, &random));
    for (int64_t row = 0; row < kRows; ++row) rows_of_[ids_[static_cast<size_t>(row)]].insert(row);
    chunks_ = Chunks(input_, ids_);
  }

  std::unique_ptr<KeySet> Keys(const std::function<bool(int64_t)>& has) {
    KeySetBuilder builder;
    std::erase_if(rows_of_, [&](const auto& rows) { return !has(rows.first); });
    for (const auto& [id, rows] : rows_of_) {
      arrow::Int64Builder array;
      EXPECT_TRUE(array.Append(id).ok());
      builder.Add(input_.key_encoder->Encode({array.Finish().ValueOrDie()}).ValueOrDie());
    }
    return builder.Finish();
  }

  // Takes windows of many lengths and looks for every row where it belongs.
  void ExpectAllRows(const KeySet& keys, ScatteredRows scattered) {
    WindowRows windows(input_, keys, std::move(scattered), kMaxLoaded, &budget_, &counters_,
                       groups_);
    auto expected = rows_of_.begin();
    std::mt19937_64 random(4);
    for (int64_t begin = 0; begin < keys.size();) {
      const auto length = static_cast<int64_t>(random() % 3000) + 1;
      const int64_t end = std::min(begin + length, keys.size());
      const TableShare share = windows.Take({begin, end}).ValueOrDie();
      ASSERT_EQ(share.offsets->length(), end - begin + 1);
      for (int64_t k = 0; k < end - begin; ++k, ++expected) {
        std::set<int64_t> rows;
        ASSERT_NO_FATAL_FAILURE(Collect(*RowsOf(share, k), expected->first, &rows));
        ASSERT_EQ(rows, expected->second) << "key " << expected->first;
        const bool is_large = FindLarge(share, k) != nullptr;
        ASSERT_EQ(is_large, groups_ && std::ssize(rows) > kRows / 4) << "key " << expected->first;
      }
      begin = end;
    }
    EXPECT_EQ(expected, rows_of_.end());
  }

  // The rows of a group, wherever they are.
  static std::shared_ptr<arrow::RecordBatch> RowsOf(const TableShare& share, int64_t group) {
    const int32_t begin = share.offsets->Value(group);
    const int32_t end = share.offsets->Value(group + 1);
    for (const LargeGroup& large : share.large) {
      if (large.group != group) continue;
      EXPECT_EQ(begin, end);
      return large.rows->Next(std::numeric_limits<int64_t>::max(), /*min_rows=*/1).ValueOrDie();
    }
    return share.rows->Slice(begin, end - begin);
  }

  // The numbers of the rows, which all must be as they were made.
  static void Collect(const arrow::RecordBatch& group, int64_t id, std::set<int64_t>* rows) {
    const auto& ids = static_cast<const arrow::Int64Array&>(*group.column(0));
    const auto& numbers = static_cast<const arrow::Int64Array&>(*group.column(1));
    const auto& texts = static_cast<const arrow::StringArray&>(*group.column(2));
    const auto& nested = static_cast<const arrow::StructArray&>(*group.column(3));
    const auto& nested_ids = static_cast<const arrow::Int64Array&>(*nested.field(0));
    const auto& lists = static_cast<const arrow::ListArray&>(*nested.field(1));
    for (int64_t i = 0; i < group.num_rows(); ++i) {
      ASSERT_EQ(ids.Value(i), id);
      const int64_t row = numbers.Value(i);
      ASSERT_EQ(texts.GetString(i), std::string(80 + row % 5, static_cast<char>('a' + row % 26)));
      ASSERT_EQ(nested_ids.Value(i), id);
      ASSERT_EQ(lists.value_length(i), row % 3);
      for (int64_t n = lists.value_offset(i); n < lists.value_offset(i + 1); ++n) {
        ASSERT_EQ(static_cast<const arrow::Int64Array&>(*lists.values()).Value(n), row);
      }
      rows->insert(row);
    }
  }

  const TableInput input_ = Input(std::get<Case>(GetParam()).key);
  MemoryBudget budget_{std::get<int64_t>(GetParam())};
  // Where memory is little, the rows of one key are held up to 2 MiB.
  const std::optional<GroupMemory> groups_ =
      budget_.limit() > 1 << 20 ? std::nullopt : std::optional(GroupMemory{2 << 20, 1 << 18});
  TableCounters counters_;
  std::vector<int64_t> ids_;
  std::map<int64_t, std::set<int64_t>> rows_of_;
  std::vector<Chunk> chunks_;
};

TEST_P(WindowRowsTest, RowsScatteredByRangesOfKeysComeOutByKey) {
  const auto keys = Keys([](int64_t) { return true; });
  RangeScatter scatter(input_, kAtOnce, kMaxLoaded, &budget_);
  for (const Chunk& chunk : chunks_) ASSERT_TRUE(scatter.Add(chunk).ok());
  ExpectAllRows(*keys, scatter.Finish(*keys).ValueOrDie());
}

TEST_P(WindowRowsTest, RowsScatteredByRankComeOutByKeyAndOrphansAreDropped) {
  const auto keys = Keys([](int64_t id) { return id % 7 != 0; });
  int64_t kept = 0;
  for (const auto& [id, rows] : rows_of_) kept += std::ssize(rows);
  RankScatter scatter(input_, *keys, kAtOnce, &budget_, &counters_);
  for (Chunk& chunk : chunks_) {
    ASSERT_TRUE(scatter.Prepare(&chunk).ok());
    ASSERT_TRUE(scatter.Add(chunk).ok());
  }
  EXPECT_EQ(counters_.orphans, kRows - kept);
  ExpectAllRows(*keys, scatter.Finish().ValueOrDie());
}

TEST_P(WindowRowsTest, KeysOnDiskServeAsWellAndOrphansAreDroppedLate) {
  // Another table, of rows that come the other way round, selects all keys but some.
  std::vector<int64_t> selected;
  std::ranges::copy_if(ids_, std::back_inserter(selected), [](int64_t id) { return id % 7 != 0; });
  std::ranges::reverse(selected);
  RangeScatter selecting(input_, kAtOnce, kMaxLoaded, &budget_);
  for (const Chunk& chunk : Chunks(input_, selected)) ASSERT_TRUE(selecting.Add(chunk).ok());
  const auto keys = selecting.MakeKeySet(kMaxLoaded, [] { return false; }).ValueOrDie();
  int64_t kept = 0;
  std::erase_if(rows_of_, [](const auto& rows) { return rows.first % 7 == 0; });
  for (const auto& [id, rows] : rows_of_) kept += std::ssize(rows);
  ASSERT_EQ(keys->size(), std::ssize(rows_of_));

  RangeScatter scatter(input_, *keys->ranges(), kAtOnce, &budget_);
  for (const Chunk& chunk : chunks_) ASSERT_TRUE(scatter.Add(chunk).ok());
  ExpectAllRows(*keys, scatter.Finish(*keys).ValueOrDie());
  EXPECT_EQ(counters_.orphans, kRows - kept);
}

TEST_P(WindowRowsTest, ARunThatHasStoppedSortsNoMoreKeys) {
  RangeScatter selecting(input_, kAtOnce, kMaxLoaded, &budget_);
  for (const Chunk& chunk : chunks_) ASSERT_TRUE(selecting.Add(chunk).ok());
  std::atomic<int> asked = 0;
  const auto stopped = selecting.MakeKeySet(kMaxLoaded, [&] { return ++asked > 1; }).status();
  EXPECT_EQ(KindOf(stopped), ErrorKind::kStopped) << stopped.ToString();
}

INSTANTIATE_TEST_SUITE_P(
    All, WindowRowsTest,
    ::testing::Combine(
        ::testing::Values(
            Case{"shuffled", "id",
                 [](int64_t, auto* random) { return static_cast<int64_t>((*random)() % 30'000); }},
            Case{"ascending", "id", [](int64_t row, auto*) { return row / 5 - 1000; }},
            Case{"descending", "nested.id", [](int64_t row, auto*) { return (kRows - row) / 5; }},
            Case{"one_key", "nested.id", [](int64_t, auto*) { return int64_t{43}; }},
            Case{"hot_key", "id",
                 [](int64_t row, auto* random) {
                   return row % 2 == 0 ? int64_t{500} : static_cast<int64_t>((*random)() % 1000);
                 }},
            Case{"sparse", "nested.id",
                 [](int64_t, auto* random) { return static_cast<int64_t>((*random)()); }}),
        // All in memory, and next to nothing.
        ::testing::Values(int64_t{1} << 30, int64_t{1} << 20)),
    [](const auto& info) {
      return std::get<Case>(info.param).name +
             (std::get<int64_t>(info.param) > (1 << 20) ? "_in_memory" : "_on_disk");
    });

}  // namespace
}  // namespace sheaf
