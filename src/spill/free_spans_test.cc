#include "spill/free_spans.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace sheaf {
namespace {

class FreeSpansTest : public ::testing::Test {
 protected:
  uint8_t* At(int64_t offset) { return memory_.data() + offset; }

  FreeSpans spans_;

 private:
  std::array<uint8_t, 1000> memory_{};
};

TEST_F(FreeSpansTest, SpansThatTouchAreOne) {
  spans_.Insert(At(0), 100);
  spans_.Insert(At(200), 100);
  EXPECT_EQ(spans_.Take(300), nullptr);
  spans_.Insert(At(100), 100);
  EXPECT_EQ(spans_.bytes(), 300);
  EXPECT_EQ(spans_.Take(300), At(0));
  EXPECT_EQ(spans_.bytes(), 0);
}

TEST_F(FreeSpansTest, TheSmallestThatIsLargeEnoughIsCut) {
  spans_.Insert(At(0), 300);
  spans_.Insert(At(400), 100);
  EXPECT_EQ(spans_.Take(60), At(400));
  EXPECT_EQ(spans_.Take(60), At(0));
  EXPECT_EQ(spans_.bytes(), 280);
}

TEST_F(FreeSpansTest, TheLargestIsTakenWhole) {
  spans_.Insert(At(0), 100);
  spans_.Insert(At(200), 300);
  EXPECT_EQ(spans_.TakeLargest(), std::pair(At(200), int64_t{300}));
  EXPECT_EQ(spans_.bytes(), 100);
}

TEST_F(FreeSpansTest, NoByteIsTakenTwice) {
  std::mt19937 random(7);
  std::vector<bool> taken(1000);
  std::vector<std::pair<int64_t, int64_t>> held;
  spans_.Insert(At(0), 1000);
  for (int round = 0; round < 2000; ++round) {
    const auto size = static_cast<int64_t>(1 + random() % 50);
    if (uint8_t* const span = spans_.Take(size); span != nullptr) {
      for (int64_t i = span - At(0); i < span - At(0) + size; ++i) {
        ASSERT_FALSE(taken[static_cast<size_t>(i)]);
        taken[static_cast<size_t>(i)] = true;
      }
      held.emplace_back(span - At(0), size);
    }
    if (held.empty() || random() % 2 == 0) continue;
    std::swap(held[random() % held.size()], held.back());
    const auto [begin, freed] = held.back();
    held.pop_back();
    for (int64_t i = begin; i < begin + freed; ++i) taken[static_cast<size_t>(i)] = false;
    spans_.Insert(At(begin), freed);
  }
  for (const auto& [begin, size] : held) spans_.Insert(At(begin), size);
  EXPECT_EQ(spans_.Take(1000), At(0));
}

}  // namespace
}  // namespace sheaf
