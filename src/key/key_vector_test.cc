#include "key/key_vector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sheaf {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

KeyVector Words(KeyVector::Words words) { return KeyVector(std::move(words)); }
KeyVector WideWords(KeyVector::WideWords words) { return KeyVector(std::move(words)); }
KeyVector Strings(KeyVector::Strings strings) { return KeyVector(std::move(strings)); }

/// The same keys in each of the three forms.
std::vector<KeyVector> AllForms(const std::vector<uint64_t>& numbers) {
  KeyVector::WideWords wide;
  KeyVector::Strings strings;
  static const std::string kLetters = "abcdefghijklmnopqrstuvwxyz";
  for (const uint64_t number : numbers) {
    wide.push_back(Uint128{number} << 64);
    strings.push_back(std::string_view(kLetters).substr(number, 1));
  }
  std::vector<KeyVector> forms;
  forms.push_back(Words(numbers));
  forms.push_back(WideWords(std::move(wide)));
  forms.push_back(Strings(std::move(strings)));
  return forms;
}

TEST(KeyVectorTest, TheFirstRowOutOfOrderIsFound) {
  for (const KeyVector& keys : AllForms({1, 1, 2, 5, 3, 4})) EXPECT_EQ(keys.FirstOutOfOrder(), 4);
  for (const KeyVector& keys : AllForms({2, 1})) EXPECT_EQ(keys.FirstOutOfOrder(), 1);
  for (const KeyVector& keys : AllForms({1, 1, 2})) EXPECT_EQ(keys.FirstOutOfOrder(), 3);
  for (const KeyVector& keys : AllForms({})) EXPECT_EQ(keys.FirstOutOfOrder(), 0);
}

TEST(KeyVectorTest, RunsStartWhereTheKeyChanges) {
  for (const KeyVector& keys : AllForms({1, 1, 2, 5, 5, 5})) {
    EXPECT_THAT(keys.RunStarts(), ElementsAre(0, 2, 3));
  }
  for (const KeyVector& keys : AllForms({3})) EXPECT_THAT(keys.RunStarts(), ElementsAre(0));
  for (const KeyVector& keys : AllForms({})) EXPECT_THAT(keys.RunStarts(), IsEmpty());
}

TEST(KeyVectorTest, KeysCompareThreeWays) {
  for (const KeyVector& keys : AllForms({1, 2, 2})) {
    EXPECT_LT(CompareKeys(keys, 0, keys, 1), 0);
    EXPECT_EQ(CompareKeys(keys, 1, keys, 2), 0);
    EXPECT_GT(CompareKeys(keys, 2, keys, 0), 0);
  }
}

TEST(KeyVectorTest, BytesCompareUnsignedAndByLengthAfterThat) {
  const KeyVector keys =
      Strings({"", std::string_view("\0", 1), "a", "ab", "\x7F", "\x80", "\xFF"});
  EXPECT_EQ(keys.FirstOutOfOrder(), keys.size());
  EXPECT_EQ(std::ssize(keys.RunStarts()), keys.size());
}

TEST(KeyVectorTest, TakenRowsDoNotNeedTheirOrigin) {
  auto text = std::make_unique<std::string>("one key that is long enough, another");
  const std::string_view view = *text;
  const KeyVector taken = Strings({view.substr(0, 7), view.substr(8, 3), view}).Take({0, 2});
  text.reset();
  ASSERT_EQ(taken.size(), 2);
  EXPECT_EQ(std::get<KeyVector::Strings>(taken.values())[0], "one key");
}

TEST(KeyVectorTest, TakeGivesTheRowsAskedFor) {
  for (const KeyVector& keys : AllForms({4, 5, 6, 7})) {
    const KeyVector taken = keys.Take({3, 1, 1});
    ASSERT_EQ(taken.size(), 3);
    EXPECT_EQ(CompareKeys(taken, 0, keys, 3), 0);
    EXPECT_EQ(CompareKeys(taken, 1, keys, 1), 0);
    EXPECT_EQ(CompareKeys(taken, 2, keys, 1), 0);
  }
}

TEST(KeyVectorTest, BytesCountWhatIsHeld) {
  EXPECT_GE(Words({1, 2, 3}).bytes(), 3 * 8);
  EXPECT_GE(WideWords({1, 2, 3}).bytes(), 3 * 16);
}

TEST(KeyVectorBuilderTest, RangesFollowEachOther) {
  for (const KeyVector& keys : AllForms({1, 2, 3, 4})) {
    KeyVectorBuilder builder;
    builder.Append(keys, 0, 2);
    builder.Append(keys, 2, 2);
    builder.Append(keys, 3, 4);
    EXPECT_EQ(builder.size(), 3);
    const KeyVector built = builder.Finish();
    ASSERT_EQ(built.size(), 3);
    EXPECT_EQ(CompareKeys(built, 1, keys, 1), 0);
    EXPECT_EQ(CompareKeys(built, 2, keys, 3), 0);
  }
}

TEST(KeyVectorBuilderTest, AFinishedBuilderIsEmptyAndGoodForMore) {
  for (const KeyVector& keys : AllForms({1, 2})) {
    KeyVectorBuilder builder;
    builder.Append(keys, 0, 2);
    const KeyVector first = builder.Finish();
    EXPECT_EQ(builder.size(), 0);
    builder.Append(keys, 1, 2);
    const KeyVector second = builder.Finish();
    EXPECT_EQ(first.size(), 2);
    ASSERT_EQ(second.size(), 1);
    EXPECT_EQ(CompareKeys(second, 0, keys, 1), 0);
    EXPECT_EQ(CompareKeys(first, 0, keys, 0), 0) << "what was finished stays";
  }
}

}  // namespace
}  // namespace sheaf
