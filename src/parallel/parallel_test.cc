#include "parallel/parallel.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace sheaf {
namespace {

TEST(RunInParallelTest, EachTaskRunsOnce) {
  std::array<std::atomic<int>, 100> runs{};
  ASSERT_TRUE(RunInParallel(runs.size(), [&](size_t i) {
                ++runs[i];
                return arrow::Status::OK();
              }).ok());
  for (size_t i = 0; i < runs.size(); ++i) EXPECT_EQ(runs[i], 1) << i;
}

TEST(RunInParallelTest, NoTasksIsFine) {
  EXPECT_TRUE(RunInParallel(0, [](size_t) { return arrow::Status::Invalid("never"); }).ok());
}

TEST(RunInParallelTest, AnErrorIsReturnedAndEndsTheRest) {
  std::atomic<size_t> started = 0;
  const arrow::Status status = RunInParallel(1'000'000, [&](size_t) {
    ++started;
    return arrow::Status::Invalid("first");
  });
  EXPECT_EQ(status.message(), "first");
  EXPECT_LT(started, 1'000'000U);
}

TEST(RunInParallelTest, OfSeveralErrorsThatOfTheFirstTaskIsReturned) {
  std::atomic<bool> failed = false;
  const arrow::Status status = RunInParallel(2, [&](size_t task) {
    // One core alone runs no task beside this one.
    for (int i = 0; task == 0 && !failed && i < 1000; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    failed = true;
    return arrow::Status::Invalid("task ", task);
  });
  EXPECT_EQ(status.message(), "task 0");
}

TEST(RunInParallelTest, BurstsMayNest) {
  std::atomic<int> runs = 0;
  ASSERT_TRUE(RunInParallel(20, [&](size_t) {
                return RunInParallel(20, [&](size_t) {
                  ++runs;
                  return arrow::Status::OK();
                });
              }).ok());
  EXPECT_EQ(runs, 400);
}

TEST(RunInParallelTest, BurstsOfManyThreadsShareTheHelpers) {
  const auto helpers = BurstThreads();
  std::atomic<int> runs = 0;
  std::vector<std::thread> callers;
  for (int c = 0; c < 8; ++c) {
    callers.emplace_back([&] {
      for (int burst = 0; burst < 200; ++burst) {
        const int task = burst;  // of a burst that is over, none is called
        ASSERT_TRUE(RunInParallel(5, [&, task](size_t) {
                      runs += task == burst ? 1 : 0;
                      return arrow::Status::OK();
                    }).ok());
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(runs, 8 * 200 * 5);
}

}  // namespace
}  // namespace sheaf
