#include "cogroup/key_selector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <numeric>
#include <utility>
#include <vector>

#include "cogroup/cogroup_test_support.h"

namespace sheaf {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = KeySelector::Turn::Kind;
using Numbers = std::vector<int64_t>;

std::shared_ptr<arrow::Schema> KeySchema() {
  return arrow::schema({arrow::field("id", arrow::int64(), false)});
}

arrow::Status Announce(KeySelector* selector, size_t table, const Numbers& keys) {
  arrow::Int64Builder builder;
  EXPECT_TRUE(builder.AppendValues(keys).ok());
  const auto rows =
      arrow::RecordBatch::Make(KeySchema(), std::ssize(keys), {builder.Finish().ValueOrDie()});
  return selector->Announce(table, KeyVector(KeyVector::Words(keys.begin(), keys.end())), rows);
}

Numbers KeysOf(const Window& window) {
  const auto& words = std::get<KeyVector::Words>(window.keys.values());
  const auto& column = static_cast<const arrow::Int64Array&>(*window.key_rows->column(0));
  EXPECT_EQ(column.length(), std::ssize(words));
  for (int64_t i = 0; i < column.length(); ++i) {
    EXPECT_EQ(column.Value(i), static_cast<int64_t>(words[static_cast<size_t>(i)]));
  }
  return {words.begin(), words.end()};
}

/// The window that is there for a table; no keys where the turn is another.
Numbers Cut(KeySelector* selector, size_t table) {
  const KeySelector::Turn turn = selector->Next(table);
  EXPECT_EQ(turn.kind, Kind::kCut);
  return turn.kind == Kind::kCut ? KeysOf(*turn.window) : Numbers();
}

TEST(KeySelectorTest, OneTableSelectsItsDistinctKeys) {
  KeySelector selector({true, false}, 2, 2);
  EXPECT_EQ(selector.Next(0).kind, Kind::kRead);
  ASSERT_TRUE(Announce(&selector, 0, {1, 1, 3, 3, 4}).ok());
  EXPECT_THAT(Cut(&selector, 0), ElementsAre(1, 3));
  EXPECT_THAT(Cut(&selector, 1), ElementsAre(1, 3));
  EXPECT_EQ(selector.Next(0).kind, Kind::kRead);
  ASSERT_TRUE(selector.Finish(0).ok());
  EXPECT_THAT(Cut(&selector, 0), ElementsAre(4));
  EXPECT_EQ(selector.Next(0).kind, Kind::kEnd);
  EXPECT_THAT(Cut(&selector, 1), ElementsAre(4));
  EXPECT_EQ(selector.Next(1).kind, Kind::kEnd);
}

TEST(KeySelectorTest, AKeyThatSpansChunksIsOneKey) {
  KeySelector selector({true}, 10, 10);
  ASSERT_TRUE(Announce(&selector, 0, {1, 2}).ok());
  ASSERT_TRUE(Announce(&selector, 0, {2, 2}).ok());
  ASSERT_TRUE(Announce(&selector, 0, {2, 3}).ok());
  ASSERT_TRUE(selector.Finish(0).ok());
  EXPECT_THAT(Cut(&selector, 0), ElementsAre(1, 2, 3));
}

TEST(KeySelectorTest, AWindowIsReadyAsSoonAsItIsFull) {
  KeySelector selector({true}, 2, 2);
  ASSERT_TRUE(Announce(&selector, 0, {1, 2}).ok());
  EXPECT_THAT(Cut(&selector, 0), ElementsAre(1, 2));
  ASSERT_TRUE(selector.Finish(0).ok());
  EXPECT_EQ(selector.Next(0).kind, Kind::kEnd) << "there is no empty last window";
}

TEST(KeySelectorTest, AWindowComesInPortionsAndTheOneThatFillsItEndsTheBatch) {
  KeySelector selector({true}, 5, 2);
  ASSERT_TRUE(Announce(&selector, 0, {1, 2, 3, 4, 5, 6}).ok());
  ASSERT_TRUE(selector.Finish(0).ok());
  const std::vector<std::pair<Numbers, bool>> expected = {
      {{1, 2}, false}, {{3, 4}, false}, {{5}, true}, {{6}, false}};
  for (const auto& [keys, ends] : expected) {
    const KeySelector::Turn turn = selector.Next(0);
    ASSERT_EQ(turn.kind, Kind::kCut);
    EXPECT_EQ(KeysOf(*turn.window), keys);
    EXPECT_EQ(turn.window->ends_share, ends);
  }
  EXPECT_EQ(selector.Next(0).kind, Kind::kEnd);
}

/// The sizes of the portions of `count` keys, and, negative, of those that end a share.
Numbers Portions(KeySelector* selector, int64_t first, int64_t count) {
  Numbers keys(static_cast<size_t>(count));
  std::iota(keys.begin(), keys.end(), first);
  EXPECT_TRUE(Announce(selector, 0, keys).ok());
  Numbers sizes;
  while (true) {
    const KeySelector::Turn turn = selector->Next(0);
    if (turn.kind != Kind::kCut) return sizes;
    const int64_t size = turn.window->keys.size();
    sizes.push_back(turn.window->ends_share ? -size : size);
  }
}

TEST(KeySelectorTest, AShareEndsWhereItsRowsHaveTheirBytesOrTheBatchItsKeys) {
  constexpr int64_t kKiB = 1024;
  KeySelector selector({true, false, false}, 100, 10, /*max_bytes=*/30'000 * kKiB);
  selector.AddBytes(0, /*keys=*/5, /*bytes=*/3000 * kKiB);
  selector.AddBytes(1, 1, 400 * kKiB);  // together 1000 KiB a key
  EXPECT_THAT(Portions(&selector, 0, 50), ElementsAre(7, 7, 7, -7, 7, 7, 7));
  selector.AddBytes(0, 5, 0);
  EXPECT_THAT(Portions(&selector, 50, 60), ElementsAre(7, -10, 10, 10, 10, -4, 10));
}

TEST(KeySelectorTest, PortionsAreNoSmallerThanTheyNeedBe) {
  KeySelector selector({true, false}, 1000, 1000, /*max_bytes=*/1'500'000);
  selector.AddBytes(0, 1, 10'000);
  EXPECT_THAT(Portions(&selector, 0, 250), ElementsAre(-104, -104));
}

TEST(KeySelectorTest, OfLongRowsAPortionHasAKeyAtLeast) {
  KeySelector selector({true, false}, 100, 10, /*max_bytes=*/300);
  selector.AddBytes(0, 1, 1000);
  EXPECT_THAT(Portions(&selector, 0, 3), ElementsAre(-1, -1, -1));
}

TEST(KeySelectorTest, PortionsAreSmallUntilEachTableHasTold) {
  KeySelector selector({true, false, false}, 10'000, 1000, /*max_bytes=*/1'000'000);
  selector.AddBytes(0, 1, 1);
  EXPECT_THAT(Portions(&selector, 0, 512), ElementsAre(256, 256));
  selector.AddBytes(1, 1, 1);
  EXPECT_THAT(Portions(&selector, 512, 2000), ElementsAre(1000, 1000));
}

TEST(KeySelectorTest, SeveralTablesSelectTheUnionOfTheirKeys) {
  KeySelector selector({true, true}, 3, 3);
  ASSERT_TRUE(Announce(&selector, 0, {1, 3, 5}).ok());
  EXPECT_EQ(selector.Next(1).kind, Kind::kRead) << "table 1 may still have a smaller key";
  ASSERT_TRUE(Announce(&selector, 1, {2, 3, 4}).ok());
  EXPECT_THAT(Cut(&selector, 1), ElementsAre(1, 2, 3));
  ASSERT_TRUE(selector.Finish(0).ok());
  ASSERT_TRUE(selector.Finish(1).ok());
  EXPECT_THAT(Cut(&selector, 1), ElementsAre(4, 5));
  EXPECT_THAT(Cut(&selector, 0), ElementsAre(1, 2, 3));
  EXPECT_THAT(Cut(&selector, 0), ElementsAre(4, 5));
}

TEST(KeySelectorTest, AnEmptySelectingTableHoldsNobodyUp) {
  KeySelector selector({true, true}, 2, 2);
  ASSERT_TRUE(selector.Finish(1).ok());
  ASSERT_TRUE(Announce(&selector, 0, {1, 2}).ok());
  EXPECT_THAT(Cut(&selector, 0), ElementsAre(1, 2));
}

TEST(KeySelectorTest, ATableFarAheadWaitsForTheOthers) {
  KeySelector selector({true, true}, 2, 2);
  ASSERT_TRUE(Announce(&selector, 0, {10, 11}).ok());
  auto turn = std::async(std::launch::async, [&] { return selector.Next(0); });
  EXPECT_EQ(turn.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  ASSERT_TRUE(Announce(&selector, 1, {1, 2}).ok());
  EXPECT_EQ(turn.get().kind, Kind::kCut);
}

TEST(KeySelectorTest, NoKeysGiveNoWindow) {
  KeySelector selector({true, false}, 10, 10);
  EXPECT_EQ(selector.total_keys(), std::nullopt);
  ASSERT_TRUE(selector.Finish(0).ok());
  EXPECT_EQ(selector.Next(0).kind, Kind::kEnd);
  EXPECT_EQ(selector.Next(1).kind, Kind::kEnd);
  EXPECT_EQ(selector.total_keys(), 0);
}

TEST(KeySelectorTest, TheTotalIsKnownOnceAllIsRead) {
  KeySelector selector({true}, 2, 2);
  ASSERT_TRUE(Announce(&selector, 0, {1, 2, 3}).ok());
  EXPECT_EQ(selector.total_keys(), std::nullopt);
  ASSERT_TRUE(selector.Finish(0).ok());
  EXPECT_EQ(selector.total_keys(), 3);
}

TEST(KeySelectorTest, CloseWakesEveryone) {
  KeySelector selector({true, false}, 2, 2);
  auto waiting = std::async(std::launch::async, [&] { return selector.Next(1); });
  EXPECT_EQ(waiting.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  selector.Close();
  EXPECT_EQ(waiting.get().kind, Kind::kClosed);
  EXPECT_EQ(selector.Next(0).kind, Kind::kClosed);
}

/// Windows of every size and chunks of every length hold just the union.
TEST(KeySelectorTest, WindowsPartitionTheUnionWhateverTheChunks) {
  const Numbers odd = {1, 3, 5, 7, 9, 11};
  const Numbers triple = {3, 6, 9, 12};
  const Numbers both = {1, 3, 5, 6, 7, 9, 11, 12};
  for (int32_t max_keys = 1; max_keys <= 9; ++max_keys) {
    for (size_t chunk = 1; chunk <= 6; ++chunk) {
      KeySelector selector({true, true}, max_keys, max_keys);
      const auto announce = [&](size_t table, const Numbers& keys) {
        for (size_t i = 0; i < keys.size(); i += chunk) {
          const auto begin = keys.begin() + static_cast<int64_t>(i);
          const auto end = keys.begin() + static_cast<int64_t>(std::min(i + chunk, keys.size()));
          ASSERT_TRUE(Announce(&selector, table, Numbers(begin, end)).ok());
        }
        ASSERT_TRUE(selector.Finish(table).ok());
      };
      announce(0, odd);
      announce(1, triple);
      Numbers seen;
      while (true) {
        const KeySelector::Turn turn = selector.Next(0);
        if (turn.kind == Kind::kEnd) break;
        const Numbers keys = KeysOf(*turn.window);
        seen.insert(seen.end(), keys.begin(), keys.end());
        EXPECT_TRUE(std::ssize(keys) == max_keys || seen.size() == both.size());
      }
      EXPECT_EQ(seen, both) << max_keys << " keys, chunks of " << chunk;
    }
  }
}

}  // namespace
}  // namespace sheaf
