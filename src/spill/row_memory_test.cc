#include "spill/row_memory.h"

#include <arrow/buffer.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <span>
#include <vector>

namespace sheaf {
namespace {

std::unique_ptr<arrow::Buffer> Allocate(int64_t size) {
  return arrow::AllocateBuffer(size, RowMemory()).ValueOrDie();
}

TEST(RowMemoryTest, NoTwoBuffersShareBytes) {
  std::mt19937 random(1);
  std::vector<std::unique_ptr<arrow::Buffer>> buffers;
  for (int round = 0; round < 300; ++round) {
    const int64_t size = int64_t{1} << (random() % 23);
    buffers.push_back(Allocate(size + static_cast<int64_t>(random() % 1000)));
    std::memset(buffers.back()->mutable_data(), static_cast<int>(buffers.size() % 251),
                static_cast<size_t>(buffers.back()->size()));
    if (round % 3 == 2) buffers[random() % buffers.size()] = Allocate(64);
    for (size_t i = 0; i < buffers.size(); ++i) {
      if (buffers[i]->size() == 64) continue;
      const auto expected = static_cast<uint8_t>((i + 1) % 251);
      ASSERT_EQ(buffers[i]->data()[0], expected);
      ASSERT_EQ(buffers[i]->data()[buffers[i]->size() - 1], expected);
    }
  }
}

TEST(RowMemoryTest, CountsWhatIsHeld) {
  const int64_t before = RowMemory()->bytes_allocated();
  {
    const auto small = Allocate(100);
    const auto large = Allocate(3 << 20);
    EXPECT_GE(RowMemory()->bytes_allocated() - before, 100 + (3 << 20));
  }
  EXPECT_EQ(RowMemory()->bytes_allocated(), before);
}

TEST(RowMemoryTest, WhatIsHeldSurvivesTheReleaseOfWhatIsNot) {
  const auto held = Allocate(100 << 10);
  std::memset(held->mutable_data(), 7, static_cast<size_t>(held->size()));
  for (const int64_t size : {64 << 10, 200 << 10, 2 << 20, 5 << 20}) Allocate(size);
  RowMemory()->ReleaseUnused();
  for (int64_t i = 0; i < held->size(); ++i) ASSERT_EQ(held->data()[i], 7);
  const auto again = Allocate(200 << 10);
  std::memset(again->mutable_data(), 8, static_cast<size_t>(again->size()));
  EXPECT_EQ(held->data()[0], 7);
}

// The sanitizers' memory is not recycled, and so not given back.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// Pages of a buffer that are in memory.
int64_t Resident(uint8_t* begin, int64_t size) {
  const int64_t page = ::sysconf(_SC_PAGESIZE);
  std::vector<uint8_t> pages(static_cast<size_t>(size / page));
  EXPECT_EQ(::mincore(begin, static_cast<size_t>(size), pages.data()), 0);
  return std::ranges::count_if(pages, [](uint8_t bits) { return (bits & 1) != 0; });
}

TEST(RowMemoryTest, WhatARunLeavesGoesBackToTheKernelWithIt) {
  constexpr int64_t kSize = int64_t{48} << 20;
  uint8_t* begin = nullptr;
  const auto held = Allocate(kSize);
  std::memset(held->mutable_data(), 7, static_cast<size_t>(kSize));
  {
    const RowMemoryOfRun run;
    const auto rows = Allocate(kSize);
    begin = rows->mutable_data();
    std::memset(begin, 7, static_cast<size_t>(kSize));
    EXPECT_EQ(Resident(begin, kSize), kSize / ::sysconf(_SC_PAGESIZE));
  }
  EXPECT_EQ(Resident(begin, kSize), 0);
  EXPECT_TRUE(std::ranges::all_of(std::span(held->data(), static_cast<size_t>(kSize)),
                                  [](uint8_t byte) { return byte == 7; }));
}
#endif

}  // namespace
}  // namespace sheaf
