#include "job/nearest.h"

#include <gtest/gtest.h>

namespace sheaf {
namespace {

TEST(NearestWordTest, TakesTheFewestEdits) {
  EXPECT_EQ(NearestWord("mx_keys", {"memory", "max_keys", "max_bytes"}), "max_keys");
}

TEST(NearestWordTest, TakesTheFirstOfEquals) { EXPECT_EQ(NearestWord("c", {"a", "b"}), "a"); }

TEST(NearestWordTest, IgnoresLetterCase) {
  EXPECT_EQ(NearestWord("RESOURCES", {"sources", "resources"}), "resources");
}

TEST(NearestWordTest, IsEmptyWithoutCandidates) { EXPECT_EQ(NearestWord("a", {}), ""); }

TEST(DidYouMeanTest, CountsSwappedNeighboursAsOneEdit) {
  EXPECT_EQ(DidYouMean("kye", {"key", "name"}), "; did you mean \"key\"?");
}

TEST(DidYouMeanTest, ListsAFewCandidatesWhereNoneIsNear) {
  EXPECT_EQ(DidYouMean("banana", {"key", "name"}), "; there is \"key\", \"name\"");
}

TEST(DidYouMeanTest, NamesTheNearestOfMany) {
  const std::vector<std::string> many = {"a", "b", "c", "d", "e", "f", "g", "h", "banxyz"};
  EXPECT_EQ(DidYouMean("banana", many), "; the nearest is \"banxyz\"");
}

TEST(DidYouMeanTest, IsEmptyWithoutCandidates) { EXPECT_EQ(DidYouMean("a", {}), ""); }

}  // namespace
}  // namespace sheaf
