#include "parallel/task_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <numeric>
#include <thread>
#include <vector>

namespace sheaf {
namespace {

TEST(TaskQueueTest, OneThreadDoesTasksInTheOrderInWhichTheyAreAdded) {
  std::vector<int> done;
  std::promise<void> all;
  TaskQueue queue(1);
  constexpr int kTasks = 1000;
  for (int i = 0; i < kTasks; ++i) {
    queue.Add([&, i] {
      done.push_back(i);
      if (i == kTasks - 1) all.set_value();
    });
  }
  all.get_future().wait();
  std::vector<int> expected(kTasks);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(done, expected);
}

TEST(TaskQueueTest, AsManyTasksAsThreadsAreDoneAtTheSameTimeAndNoMore) {
  constexpr int kThreads = 3;
  std::atomic<int> begun = 0;
  std::promise<void> all_at_work;
  std::promise<void> go_on;
  const auto may_go_on = go_on.get_future().share();
  TaskQueue queue(kThreads);
  for (int i = 0; i < 10 * kThreads; ++i) {
    queue.Add([&, may_go_on] {
      if (++begun == kThreads) all_at_work.set_value();
      may_go_on.wait();
    });
  }
  all_at_work.get_future().wait();  // were fewer at work, this would not end
  EXPECT_EQ(begun, kThreads);
  go_on.set_value();
}

TEST(TaskQueueTest, WhoAsksGetsTheResult) {
  TaskQueue queue(1);
  std::promise<int> from_caller;
  auto result = queue.Ask([&] { return from_caller.get_future().get() + 1; });
  from_caller.set_value(41);
  EXPECT_EQ(result.get(), 42);
}

TEST(TaskQueueTest, ItsEndWaitsForTheTaskThatHasBegunAndDropsTheOthers) {
  std::promise<void> begun;
  std::promise<void> go_on;
  std::atomic<bool> first_done = false;
  std::atomic<bool> second_done = false;
  std::future<void> release;
  {
    TaskQueue queue(1);
    queue.Add([&] {
      begun.set_value();
      go_on.get_future().wait();
      first_done = true;
    });
    queue.Add([&] { second_done = true; });
    begun.get_future().wait();
    release = std::async(std::launch::async, [&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));  // the end has come meanwhile
      go_on.set_value();
    });
  }
  EXPECT_TRUE(first_done);
  EXPECT_FALSE(second_done);
}

}  // namespace
}  // namespace sheaf
