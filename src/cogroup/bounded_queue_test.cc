#include "cogroup/bounded_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <vector>

namespace sheaf {
namespace {

using ::testing::ElementsAre;

constexpr std::chrono::milliseconds kSoon{20};

/// True where the call has not come back a little later.
template <typename T>
bool Blocks(const std::future<T>& call) {
  return call.wait_for(kSoon) == std::future_status::timeout;
}

TEST(BoundedQueueTest, ItemsComeInTheOrderInWhichTheyWerePut) {
  BoundedQueue<int> queue(10);
  for (const int item : {1, 2, 3}) EXPECT_TRUE(queue.Push(item, 1));
  queue.End();
  EXPECT_EQ(queue.Pop(), 1);
  EXPECT_EQ(queue.Pop(), 2);
  EXPECT_EQ(queue.Pop(), 3);
  EXPECT_EQ(queue.Pop(), std::nullopt);
  EXPECT_EQ(queue.Pop(), std::nullopt) << "the end is repeated";
}

TEST(BoundedQueueTest, OneItemAlwaysFits) {
  BoundedQueue<int> queue(1);
  EXPECT_TRUE(queue.Push(1, 1000));
  EXPECT_EQ(queue.Pop(), 1);
  EXPECT_TRUE(queue.Push(2, 1000));
}

TEST(BoundedQueueTest, PushWaitsWhileTheQueueIsFull) {
  BoundedQueue<int> queue(10);
  EXPECT_TRUE(queue.Push(1, 9));
  EXPECT_TRUE(queue.Push(2, 9)) << "less than the capacity was held";
  auto push = std::async(std::launch::async, [&] { return queue.Push(3, 1); });
  EXPECT_TRUE(Blocks(push));
  EXPECT_EQ(queue.Pop(), 1);
  EXPECT_TRUE(push.get());
}

TEST(BoundedQueueTest, PopWaitsForAnItem) {
  BoundedQueue<int> queue(1);
  auto pop = std::async(std::launch::async, [&] { return queue.Pop(); });
  EXPECT_TRUE(Blocks(pop));
  EXPECT_TRUE(queue.Push(7, 1));
  EXPECT_EQ(pop.get(), 7);
}

TEST(BoundedQueueTest, EndWakesPop) {
  BoundedQueue<int> queue(1);
  auto pop = std::async(std::launch::async, [&] { return queue.Pop(); });
  queue.End();
  EXPECT_EQ(pop.get(), std::nullopt);
}

TEST(BoundedQueueTest, CloseWakesAndRefusesEveryone) {
  BoundedQueue<int> full(1);
  BoundedQueue<int> empty(1);
  EXPECT_TRUE(full.Push(1, 1));
  auto push = std::async(std::launch::async, [&] { return full.Push(2, 1); });
  auto pop = std::async(std::launch::async, [&] { return empty.Pop(); });
  EXPECT_TRUE(Blocks(push));
  EXPECT_TRUE(Blocks(pop));
  full.Close();
  empty.Close();
  EXPECT_FALSE(push.get());
  EXPECT_EQ(pop.get(), std::nullopt);
  EXPECT_EQ(full.Pop(), std::nullopt);
  EXPECT_FALSE(empty.Push(1, 1));
}

TEST(BoundedQueueTest, CloseDropsItems) {
  BoundedQueue<std::shared_ptr<int>> queue(1);
  auto item = std::make_shared<int>(1);
  const std::weak_ptr<int> watched = item;
  EXPECT_TRUE(queue.Push(std::move(item), 1));
  queue.Close();
  EXPECT_TRUE(watched.expired());
}

TEST(BoundedQueueTest, WaitUntilEmptyWaitsForTheLastItemOrTheClose) {
  BoundedQueue<int> queue(1);
  queue.WaitUntilEmpty();
  EXPECT_TRUE(queue.Push(1, 1));
  auto emptied = std::async(std::launch::async, [&] { queue.WaitUntilEmpty(); });
  EXPECT_TRUE(Blocks(emptied));
  EXPECT_EQ(queue.Pop(), 1);
  emptied.get();
  EXPECT_TRUE(queue.Push(2, 1));
  auto closed = std::async(std::launch::async, [&] { queue.WaitUntilEmpty(); });
  EXPECT_TRUE(Blocks(closed));
  queue.Close();
  closed.get();
}

TEST(BoundedQueueTest, ManyItemsPassBetweenTwoThreads) {
  constexpr int kItems = 10'000;
  BoundedQueue<int> queue(3);
  auto producer = std::async(std::launch::async, [&] {
    for (int i = 0; i < kItems; ++i) queue.Push(i, 1 + i % 3);
    queue.End();
  });
  int expected = 0;
  while (const auto item = queue.Pop()) ASSERT_EQ(*item, expected++);
  EXPECT_EQ(expected, kItems);
}

}  // namespace
}  // namespace sheaf
