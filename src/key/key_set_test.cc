#include "key/key_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
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

TEST(KeySetTest, RanksWideNumbersThatAreDenseBelowEachUpperHalf) {
  std::vector<Uint128> keys;
  for (uint64_t upper = 0; upper < 200; ++upper) {
    for (uint64_t lower = 0; lower < 500; ++lower) {
      keys.push_back((static_cast<Uint128>(upper * 1'000'003) << 64) | (lower * 3));
    }
  }
  std::shuffle(keys.begin(), keys.end(), std::mt19937_64(10));
  ExpectRanks<Uint128>(keys, {1, static_cast<Uint128>(1'000'003) << 63, ~Uint128{0}});
}

TEST(KeySetTest, RanksDenseNumbersOnManyPagesFarApart) {
  std::vector<uint64_t> keys;
  for (uint64_t page = 0; page < 300; ++page) {
    for (uint64_t k = 0; k < 400; ++k) keys.push_back((page * page << 30) + k * 7);
  }
  std::shuffle(keys.begin(), keys.end(), std::mt19937_64(11));
  ExpectRanks<uint64_t>(keys, {1, (uint64_t{299} * 299 << 30) + 1});
}

TEST(KeySetTest, RanksNumbersThatTurnOutSparseAndThenDenseAgain) {
  std::vector<uint64_t> keys;
  for (uint64_t k = 0; k < 10'000; ++k) keys.push_back(k);
  for (uint64_t k = 0; k < 10'000; ++k) keys.push_back((k + 1) << 20);
  for (uint64_t k = 10'000; k < 4'000'000; ++k) keys.push_back(k);
  ExpectRanks<uint64_t>(keys, {(uint64_t{1} << 20) + 4'000'000, 10'001 << 20});
}

TEST(KeySetTest, RanksStrings) {
  std::vector<std::string> texts = {"", std::string(1, '\0'), "a", "ab", std::string(100'000, 'x')};
  for (int i = 0; i < 5'000; ++i) texts.push_back("key " + std::to_string(i * 7919 % 5'000));
  const std::vector<std::string_view> keys(texts.begin(), texts.end());
  ExpectRanks<std::string_view>(keys, {"b", "key", "key 5000"});
}

// Keys of each form and in each way they are held, in random order.
struct SomeKeys {
  const char* name;
  KeyVector keys;
};

KeyVector NumbersBy(const std::function<uint64_t(uint64_t)>& number) {
  KeyVector::Words keys;
  for (uint64_t k = 0; k < 30'000; ++k) keys.push_back(number(k));
  std::shuffle(keys.begin(), keys.end(), std::mt19937_64(12));
  return KeyVector(std::move(keys));
}

KeyVector WideNumbers() {
  KeyVector::WideWords keys;
  for (uint64_t k = 0; k < 30'000; ++k) keys.push_back((static_cast<Uint128>(k / 3000) << 70) | k);
  std::shuffle(keys.begin(), keys.end(), std::mt19937_64(13));
  return KeyVector(std::move(keys));
}

KeyVector Texts() {
  static const std::vector<std::string>* const kTexts = [] {
    auto* texts = new std::vector<std::string>();
    for (int k = 0; k < 30'000; ++k) texts->push_back("text " + std::to_string(k * 7919 % 30'000));
    return texts;
  }();
  return KeyVector(KeyVector::Strings(kTexts->begin(), kTexts->end()));
}

class SomeKeysTest : public ::testing::TestWithParam<SomeKeys> {
 protected:
  // The keys, ascending: the distinct ones among `keys`, by a sort.
  static KeyVector Sorted(const KeyVector& keys) {
    std::vector<int64_t> order(static_cast<size_t>(keys.size()));
    std::iota(order.begin(), order.end(), 0);
    std::ranges::sort(order,
                      [&](int64_t a, int64_t b) { return CompareKeys(keys, a, keys, b) < 0; });
    return keys.Take(order);
  }

  static void ExpectEqual(const KeyVector& a, const KeyVector& b) {
    ASSERT_EQ(a.size(), b.size());
    for (int64_t i = 0; i < a.size(); ++i) ASSERT_EQ(CompareKeys(a, i, b, i), 0) << i;
  }
};

TEST_P(SomeKeysTest, EveryStepthKeyAndTheLastAreHandedOutInOrder) {
  const KeyVector& keys = GetParam().keys;
  for (const int64_t step : {1, 7, 30'000, 40'000}) {
    KeySetBuilder builder;
    builder.Add(keys);
    builder.Add(keys);
    std::vector<int64_t> expected;
    for (int64_t k = step - 1; k < keys.size(); k += step) expected.push_back(k);
    if (keys.size() % step != 0) expected.push_back(keys.size() - 1);
    ExpectEqual(builder.FinishEvery(step), Sorted(keys).Take(expected));
  }
}

TEST_P(SomeKeysTest, TheSmallerHalfIsKeptAndTakesMoreKeys) {
  const KeyVector sorted = Sorted(GetParam().keys);
  KeySetBuilder builder;
  builder.Add(GetParam().keys);
  const int64_t bytes = builder.bytes();
  const KeyVector greatest = builder.KeepSmallerHalf();
  const int64_t kept = builder.size();
  // Whole pages are forgotten: some more than half may stay.
  EXPECT_GE(kept, sorted.size() / 2 - 1);
  EXPECT_LT(kept, sorted.size() * 3 / 4);
  EXPECT_LT(builder.bytes(), bytes);
  ExpectEqual(greatest, sorted.Take({kept - 1}));

  builder.Add(sorted.Take({0, kept - 1, kept, sorted.size() - 1}));
  std::vector<int64_t> expected(static_cast<size_t>(kept) + 1);
  std::iota(expected.begin(), expected.end(), 0);
  expected.push_back(sorted.size() - 1);
  ExpectEqual(builder.FinishEvery(1), sorted.Take(expected));
}

INSTANTIATE_TEST_SUITE_P(
    KeySetBuilder, SomeKeysTest,
    ::testing::Values(SomeKeys{"dense", NumbersBy([](uint64_t k) { return k * 20; })},
                      SomeKeys{"sparse", NumbersBy([](uint64_t k) { return k * 1'000'003; })},
                      SomeKeys{"wide", WideNumbers()}, SomeKeys{"texts", Texts()}),
    [](const auto& info) { return info.param.name; });

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
