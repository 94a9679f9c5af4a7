#include "cogroup/shared_rows.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace sheaf {
namespace {

constexpr int64_t kSegmentBytes = 64 << 10;
constexpr size_t kPlaces = 8;
constexpr int64_t kChunkRows = 1000;

std::shared_ptr<arrow::Schema> NumberAndText() {
  return arrow::schema({arrow::field("n", arrow::int64()), arrow::field("t", arrow::utf8())});
}

/// Rows `first`, `first` + 1, ..., with texts of 100 bytes.
SegmentSource ChunkFrom(int64_t first) {
  arrow::Int64Builder numbers;
  arrow::StringBuilder texts;
  for (int64_t i = 0; i < kChunkRows; ++i) {
    EXPECT_TRUE(numbers.Append(first + i).ok());
    EXPECT_TRUE(texts.Append(std::string(100, 'x')).ok());
  }
  return SegmentSource(arrow::RecordBatch::Make(
      NumberAndText(), kChunkRows, {numbers.Finish().ValueOrDie(), texts.Finish().ValueOrDie()}));
}

void RunThreads(int64_t count, const std::function<void(int64_t)>& work) {
  std::vector<std::thread> threads;
  threads.reserve(static_cast<size_t>(count));
  for (int64_t t = 0; t < count; ++t) threads.emplace_back(work, t);
  for (std::thread& thread : threads) thread.join();
}

/// Each of the threads appends so many chunks, whose rows go to the places in turn.
void AppendByThreads(SharedRows* rows, int64_t threads, int64_t chunks) {
  RunThreads(threads, [&](int64_t thread) {
    std::vector<uint32_t> places(kChunkRows);
    for (size_t i = 0; i < places.size(); ++i) places[i] = static_cast<uint32_t>(i % kPlaces);
    RowsByPlace by_place;
    by_place.Sort(places, kPlaces);
    std::vector<int64_t> bytes(kPlaces);
    for (int64_t c = 0; c < chunks; ++c) {
      const SegmentSource chunk = ChunkFrom((thread * chunks + c) * kChunkRows);
      EXPECT_TRUE(rows->AppendAll(chunk, by_place, &bytes).ok());
    }
  });
}

std::vector<int64_t> NumbersIn(const SharedRows::Pieces& pieces) {
  std::vector<int64_t> numbers;
  for (const auto& piece : pieces) {
    const auto& column = static_cast<const arrow::Int64Array&>(*piece->column(0));
    for (int64_t i = 0; i < column.length(); ++i) numbers.push_back(column.Value(i));
  }
  return numbers;
}

/// Of a place, as Take() gives them.
std::vector<int64_t> TakeAll(SharedRows* rows, size_t place) {
  std::vector<int64_t> numbers;
  auto taken = rows->Take(place);
  while (true) {
    const auto pieces = taken.LoadSome().ValueOrDie();
    if (pieces.empty()) return numbers;
    std::ranges::copy(NumbersIn(pieces), std::back_inserter(numbers));
  }
}

TEST(SharedRowsTest, RowsOfAllThreadsAreInTheirPlacesAndThoseOfOneInTheOrderInWhichItAppendedThem) {
  constexpr int64_t kThreads = 4;
  constexpr int64_t kChunks = 30;
  constexpr int64_t kRowsAThread = kChunks * kChunkRows;
  for (const size_t writers : {size_t{1}, size_t{3}, size_t{4}}) {
    for (const bool spills : {false, true}) {
      MemoryBudget budget(int64_t{1} << (spills ? 20 : 30));
      SharedRows rows(NumberAndText(), kPlaces, kSegmentBytes, writers, &budget);
      AppendByThreads(&rows, kThreads, kChunks);
      for (size_t place = 0; place < kPlaces; ++place) {
        std::map<int64_t, std::vector<int64_t>> by_thread;
        for (const int64_t number : TakeAll(&rows, place)) {
          EXPECT_EQ(number % kChunkRows % kPlaces, place);
          by_thread[number / kRowsAThread].push_back(number);
        }
        EXPECT_EQ(std::ssize(by_thread), kThreads);
        for (const auto& [thread, numbers] : by_thread) {
          EXPECT_EQ(std::ssize(numbers), kRowsAThread / static_cast<int64_t>(kPlaces));
          EXPECT_TRUE(std::ranges::is_sorted(numbers));
        }
      }
    }
  }
}

TEST(SharedRowsTest, VisitedRowsStayAndThoseThatAreTakenSomeAtATimeGo) {
  constexpr int64_t kThreads = 3;
  constexpr int64_t kChunks = 10;
  constexpr int64_t kRowsAPlace = kThreads * kChunks * kChunkRows / static_cast<int64_t>(kPlaces);
  MemoryBudget budget(int64_t{1} << 30);
  SharedRows rows(NumberAndText(), kPlaces, kSegmentBytes, kThreads, &budget);
  AppendByThreads(&rows, kThreads, kChunks);
  for (int times = 0; times < 2; ++times) {
    int64_t visited = 0;
    const auto count = [&](const arrow::RecordBatch& piece) {
      visited += piece.num_rows();
      return arrow::Status::OK();
    };
    ASSERT_TRUE(rows.Visit(5, count).ok());
    EXPECT_EQ(visited, kRowsAPlace);
  }
  for (const int64_t expected : {kRowsAPlace, int64_t{0}}) {
    int64_t taken = 0;
    while (true) {
      const auto pieces = rows.TakeSome(5).ValueOrDie();
      if (pieces.empty()) break;
      taken += std::ssize(NumbersIn(pieces));
    }
    EXPECT_EQ(taken, expected);
  }
}

TEST(SharedRowsTest, ManyThreadsThatHaveLittleEachMoveRowsToDiskOnceTheirTableHasMuch) {
  constexpr size_t kWriters = 20;
  MemoryBudget budget(int64_t{16} << 20);
  SharedRows rows(NumberAndText(), kPlaces, kSegmentBytes / 4, kWriters, &budget);
  AppendByThreads(&rows, kWriters, /*chunks=*/12);
  EXPECT_LE(budget.used(), budget.limit() + static_cast<int64_t>(kWriters) * kSegmentBytes);
}

TEST(SharedRowsTest, ATableThatAllButFillsTheBudgetLeavesRoomToThoseThatFollow) {
  for (const int64_t threads : {1, 3}) {
    MemoryBudget unlimited(int64_t{1} << 30);
    SharedRows same(NumberAndText(), kPlaces, kSegmentBytes, static_cast<size_t>(threads),
                    &unlimited);
    AppendByThreads(&same, threads, /*chunks=*/12);
    const int64_t table = unlimited.used();
    for (const int64_t limit : {table * 2, table * 9 / 8}) {
      MemoryBudget budget(limit);
      SharedRows rows(NumberAndText(), kPlaces, kSegmentBytes, static_cast<size_t>(threads),
                      &budget);
      AppendByThreads(&rows, threads, /*chunks=*/12);
      ASSERT_EQ(budget.used(), table);
      ASSERT_TRUE(rows.MakeRoom().ok());
      EXPECT_LE(budget.used(), limit * 3 / 4);
      EXPECT_EQ(budget.used() == table, limit == table * 2);
      EXPECT_GT(budget.used(), limit * 2 / 5);  // no more than that goes to disk
    }
  }
}

TEST(SharedRowsTest, ATableOfWhichSomeRowsAreOnDiskGoesThereWhole) {
  constexpr int64_t kThreads = 3;
  MemoryBudget budget(int64_t{4} << 20);
  SharedRows rows(NumberAndText(), kPlaces, kSegmentBytes / 4, kThreads, &budget);
  AppendByThreads(&rows, kThreads, /*chunks=*/20);
  ASSERT_TRUE(rows.MakeRoom().ok());
  EXPECT_EQ(budget.used(), 0);
}

}  // namespace
}  // namespace sheaf
