#include "key/key_bounds.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace sheaf {
namespace {

std::vector<uint64_t> RandomWords(std::mt19937_64* random, size_t count, uint64_t below) {
  std::vector<uint64_t> words(count);
  for (uint64_t& word : words) word = (*random)() % below;
  return words;
}

const KeyVector::Words& WordsOf(const KeyVector& keys) {
  return std::get<KeyVector::Words>(keys.values());
}

template <typename T>
void ExpectFound(const std::vector<T>& bounds, const std::vector<T>& keys) {
  KeyBounds ranges;
  ranges.Cut(0, KeyVector(bounds));
  std::vector<uint32_t> found;
  ranges.Find(KeyVector(keys), &found);
  for (size_t i = 0; i < keys.size(); ++i) {
    ASSERT_EQ(found[i], std::ranges::upper_bound(bounds, keys[i]) - bounds.begin()) << i;
  }
}

TEST(KeyBoundsTest, FindsTheRangeOfEachKeyForAnyNumberOfBounds) {
  std::mt19937_64 random(1);
  for (size_t count = 0; count < 70; ++count) {
    std::vector<uint64_t> bounds = RandomWords(&random, count, 1000);
    std::ranges::sort(bounds);
    const auto repeats = std::ranges::unique(bounds);
    bounds.erase(repeats.begin(), repeats.end());
    ExpectFound(bounds, RandomWords(&random, 500, 1100));
  }
}

TEST(KeyBoundsTest, FindsTheRangeOfTextsAndWideNumbers) {
  const std::vector<std::string_view> texts = {"b", "bb", "d"};
  ExpectFound(texts, {"", "a", "b", "ba", "bb", "c", "d", "e"});
  const Uint128 high = Uint128{1} << 100;
  ExpectFound(std::vector<Uint128>{5, high}, {0, 5, 6, high - 1, high, high + 1});
}

TEST(KeyBoundsTest, FindsTheRangeOfTextsHoweverFarTheyAreAlike) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto text = [&](std::string made, size_t longest) {
    for (size_t left = random() % (longest + 1); left > 0; --left) {
      made += "\0ab\xff"[random() % 4];
    }
    return made;
  };
  for (const std::string prefix : {"", "a", "the same in all of them"}) {
    for (const size_t longest : {2U, 12U}) {
      std::vector<std::string> bounds;
      std::vector<std::string> keys = {"", prefix, prefix + std::string(9, '\xff')};
      for (int i = 0; i < 40; ++i) bounds.push_back(text(prefix, longest));
      for (int i = 0; i < 500; ++i) keys.push_back(text(i % 5 == 0 ? "" : prefix, longest));
      keys.insert(keys.end(), bounds.begin(), bounds.end());
      std::ranges::sort(bounds);
      const auto repeats = std::ranges::unique(bounds);
      bounds.erase(repeats.begin(), repeats.end());
      ExpectFound(std::vector<std::string_view>(bounds.begin(), bounds.end()),
                  std::vector<std::string_view>(keys.begin(), keys.end()));
    }
  }
}

TEST(KeyBoundsTest, ARangeIsCutAgain) {
  KeyBounds ranges;
  EXPECT_EQ(ranges.ranges(), 1U);
  ranges.Cut(0, KeyVector(KeyVector::Words{10, 20}));
  ranges.Cut(1, KeyVector(KeyVector::Words{12, 15}));
  ranges.Cut(4, KeyVector(KeyVector::Words{30}));
  ranges.Cut(2, KeyVector(KeyVector::Words()));
  EXPECT_EQ(WordsOf(ranges.bounds()), (KeyVector::Words{10, 12, 15, 20, 30}));
}

TEST(KeyBoundsTest, CutsAreAscendingDistinctAndMakePartsOfAboutOneLength) {
  std::mt19937_64 random(2);
  const std::vector<uint64_t> keys = RandomWords(&random, 10'000, 1'000'000);
  const KeyVector cuts = CutsOf(KeyVector(keys), 10);
  ASSERT_EQ(cuts.size(), 9);
  KeyBounds ranges;
  ranges.Cut(0, cuts);
  std::vector<uint32_t> found;
  ranges.Find(KeyVector(keys), &found);
  for (uint32_t range = 0; range < 10; ++range) {
    EXPECT_NEAR(static_cast<double>(std::ranges::count(found, range)), 1000, 5) << range;
  }
}

TEST(KeyBoundsTest, AKeyThatRepeatsThroughAPartIsCutOffOnBothSides) {
  std::vector<uint64_t> keys(100, 50);
  for (uint64_t k = 0; k < 20; ++k) keys.push_back(k + (k < 10 ? 0 : 90));
  EXPECT_EQ(WordsOf(CutsOf(KeyVector(keys), 4)), (KeyVector::Words{50, 100}));
}

TEST(KeyBoundsTest, NothingCutsEqualKeys) {
  EXPECT_EQ(CutsOf(KeyVector(KeyVector::Words(100, 7)), 8).size(), 0);
  EXPECT_EQ(CutsOf(KeyVector(KeyVector::Words{7}), 8).size(), 0);
}

}  // namespace
}  // namespace sheaf
