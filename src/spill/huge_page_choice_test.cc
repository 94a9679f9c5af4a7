#include "spill/huge_page_choice.h"

#include <gtest/gtest.h>

#include <chrono>

namespace sheaf {
namespace {

using std::chrono::microseconds;

constexpr microseconds kFast(250);
constexpr microseconds kSlow(5000);

/// How many of so many pages are huge where each takes so long.
int HugeOf(int pages, microseconds time, HugePageChoice* choice) {
  int huge = 0;
  for (int i = 0; i < pages; ++i) {
    if (!choice->Next()) continue;
    choice->Measured(time);
    ++huge;
  }
  return huge;
}

TEST(HugePageChoiceTest, AllAreHugeWhereTheyAreFast) {
  HugePageChoice choice;
  EXPECT_EQ(HugeOf(1000, kFast, &choice), 1000);
}

TEST(HugePageChoiceTest, FewAreTriedWhereTheyAreSlow) {
  HugePageChoice choice;
  EXPECT_LE(HugeOf(1000, kSlow, &choice), 10);
}

TEST(HugePageChoiceTest, ASlowOneAmongFastOnesCostsAFewOnly) {
  HugePageChoice choice;
  HugeOf(100, kFast, &choice);
  EXPECT_EQ(HugeOf(1, kSlow, &choice), 1);
  EXPECT_GE(HugeOf(100, kFast, &choice), 90);
}

TEST(HugePageChoiceTest, FewAreTriedWhereEveryOtherIsSlow) {
  HugePageChoice choice;
  int tried = 0;
  for (int i = 0; i < 1000; ++i) {
    if (choice.Next()) choice.Measured(++tried % 2 == 0 ? kFast : kSlow);
  }
  EXPECT_LE(tried, 20);
}

TEST(HugePageChoiceTest, IsTriedAgainAfterManySlowOnes) {
  HugePageChoice choice;
  HugeOf(10000, kSlow, &choice);
  EXPECT_GE(HugeOf(1000, kFast, &choice), 700);
}

}  // namespace
}  // namespace sheaf
