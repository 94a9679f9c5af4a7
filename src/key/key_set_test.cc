#include "key/key_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace sheaf {
namespace {

// The ranks of `probes` in the set of `keys`, which are added in two portions.
template <typename T>
std::vector<int64_t> RanksOf(const std::vector<T>& keys, const std::vector<T>& probes) {
  KeySetBuilder builder;
  const auto middle = keys.begin() + static_cast<int64_t>(keys.size() / 2);
  builder.Add(KeyVector(std::vector<T>(keys.begin(), middle)));
  builder.Add(KeyVector(std::vector<T>(middle, keys.end())));
  std::vector<int64_t> ranks;
  EXPECT_TRUE(builder.Finish()->Ranks(KeyVector(probes), &ranks).ok());
  return ranks;
}

// The same by a sorted map.
template <typename T>
std::vector<int64_t> ExpectedRanks(std::vector<T> keys, const std::vector<T>& probes) {
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  std::vector<int64_t> ranks;
  for (const T& probe : probes) {
    const auto found = std::lower_bound(keys.begin(), keys.end(), probe);
    ranks.push_back(found != keys.end() && *found == probe ? found - keys.begin() : -1);
  }
  return ranks;
}

template <typename T>
void ExpectRanks(const std::vector<T>& keys, std::vector<T> probes) {
  probes.insert(probes.end(), keys.begin(), keys.end());
  EXPECT_EQ(RanksOf(keys, probes), ExpectedRanks(keys, probes));
}

TEST(KeySetTest, RanksDenseNumbers) {
  std::vector<uint64_t> keys;
  for (uint64_t k = 1'000'000; k < 1'300'000; k += 1 + k % 3) keys.push_back(k);
  std::shuffle(keys.begin(), keys.end(), std::mt19937_64(7));
  keys.insert(keys.end(), keys.begin(), keys.begin() + 100);
  ExpectRanks<uint64_t>(keys, {0, 999'999, 1'000'001, 1'300'001, ~uint64_t{0}});
}

TEST(KeySetTest, RanksSparseNumbers) {
  std::mt19937_64 random(8);
  std::vector<uint64_t> keys(20'000);
  for (uint64_t& key : keys) key = random();
  ExpectRanks<uint64_t>(keys, {0, 1, ~uint64_t{0}});
}

TEST(KeySetTest, RanksNumbersThatTurnOutSparse) {
  std::vector<uint64_t> keys;
  for (uint64_t k = 0; k < 10'000; ++k) keys.push_back(k);
  for (uint64_t k = 0; k < 10'000; ++k) keys.push_back((k + 1) << 20);
  ExpectRanks<uint64_t>(keys, {10'000, 12'345});
}

TEST(KeySetTest, RanksNumbersAtTheLimits) {
  const uint64_t max = std::numeric_limits<uint64_t>::max();
  ExpectRanks<uint64_t>({max, 0, max - 1, 1, uint64_t{1} << 63}, {2, max - 2});
}

TEST(KeySetTest, RanksPagesInFrontOfTheFirst) {
  ExpectRanks<uint64_t>({uint64_t{500} << 16, uint64_t{3} << 16, uint64_t{501} << 16, 70}, {71, 0});
}

TEST(KeySetTest, RanksWideNumbers) {
  std::mt19937_64 random(9);
  std::vector<Uint128> keys(3'000);
  for (Uint128& key : keys) key = (static_cast<Uint128>(random() % 7) << 64) | (random() % 1'000);
  EXPECT_EQ(RanksOf(keys, keys), ExpectedRanks(keys, keys));
}

TEST(KeySetTest, RanksStrings) {
  std::vector<std::string> texts = {"", std::string(1, '\0'), "a", "ab", std::string(100'000, 'x')};
  for (int i = 0; i < 5'000; ++i) texts.push_back("key " + std::to_string(i * 7919 % 5'000));
  const std::vector<std::string_view> keys(texts.begin(), texts.end());
  ExpectRanks<std::string_view>(keys, {"b", "key", "key 5000"});
}

TEST(KeySetTest, EmptySetMeetsKeysOfEveryForm) {
  KeySetBuilder builder;
  const std::unique_ptr<KeySet> set = builder.Finish();
  std::vector<int64_t> ranks;
  EXPECT_TRUE(set->Ranks(KeyVector(KeyVector::Strings{"a", "b"}), &ranks).ok());
  EXPECT_EQ(ranks, (std::vector<int64_t>{-1, -1}));
  EXPECT_TRUE(set->Ranks(KeyVector(KeyVector::WideWords{1}), &ranks).ok());
  EXPECT_EQ(ranks, (std::vector<int64_t>{-1}));
  EXPECT_EQ(set->size(), 0);
}

}  // namespace
}  // namespace sheaf
