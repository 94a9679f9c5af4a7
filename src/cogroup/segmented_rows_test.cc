#include "cogroup/segmented_rows.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "cogroup/row_packing.h"
#include "spill/row_memory.h"

namespace sheaf {
namespace {

constexpr int64_t kSegmentBytes = 64 << 10;
constexpr uint32_t kRows = 10'000;

/// Texts of so many bytes; nulls where that is 0.
std::shared_ptr<arrow::RecordBatch> Texts(const std::shared_ptr<arrow::Schema>& schema,
                                          size_t length) {
  arrow::StringBuilder builder;
  for (uint32_t i = 0; i < kRows; ++i) {
    EXPECT_TRUE(
        (length == 0 ? builder.AppendNull() : builder.Append(std::string(length, 'x'))).ok());
  }
  return arrow::RecordBatch::Make(schema, kRows, {builder.Finish().ValueOrDie()});
}

TEST(SegmentedRowsTest, SegmentsSuitTheRowsThatComeWhateverTheFirstWereLike) {
  const auto schema = arrow::schema({arrow::field("t", arrow::utf8())});
  std::vector<uint32_t> numbers(kRows);
  std::iota(numbers.begin(), numbers.end(), 0);
  for (const std::vector<size_t>& lengths :
       {std::vector<size_t>{0, 100}, {1, 100}, {0, 100, 0, 100}}) {
    MemoryBudget budget(int64_t{1} << 30);
    SegmentedRows rows(schema, 1, kSegmentBytes, &budget);
    int64_t bytes = 0;
    for (const size_t length : lengths) {
      ASSERT_TRUE(rows.Append(0, SegmentSource(Texts(schema, length)), numbers).ok());
      bytes += static_cast<int64_t>(length + 5) * kRows;
    }
    auto all = rows.Take(0);
    int64_t taken = 0;
    int64_t count = 0;
    while (true) {
      const auto pieces = all.LoadSome().ValueOrDie();
      if (pieces.empty()) break;
      for (const auto& piece : pieces) taken += piece->num_rows();
      count += std::ssize(pieces);
    }
    EXPECT_EQ(taken, std::ssize(lengths) * kRows);
    EXPECT_LT(count, 3 * bytes / kSegmentBytes);
  }
}

// Packed rows of a list of 500 numbers and a text of 14 to 26 KB, which is now and then longer than a segment.
std::shared_ptr<arrow::RecordBatch> LongRows(int64_t count) {
  arrow::StringBuilder texts;
  const auto numbers = std::make_shared<arrow::Int64Builder>();
  arrow::ListBuilder lists(arrow::default_memory_pool(), numbers);
  for (int64_t i = 0; i < count; ++i) {
    EXPECT_TRUE(texts.Append(std::string(static_cast<size_t>(14000 + i * 977 % 12000), 'x')).ok());
    EXPECT_TRUE(lists.Append().ok());
    for (int64_t n = 0; n < 500; ++n) EXPECT_TRUE(numbers->Append(n).ok());
  }
  const arrow::ArrayVector columns = {texts.Finish().ValueOrDie(), lists.Finish().ValueOrDie()};
  const auto schema =
      arrow::schema({arrow::field("t", columns[0]->type()), arrow::field("v", columns[1]->type())});
  return RowPacking(schema).Pack(arrow::RecordBatch::Make(schema, count, columns)).ValueOrDie();
}

RowsByPlace AllToOnePlace(const arrow::RecordBatch& rows) {
  RowsByPlace by_place;
  by_place.Sort(std::vector<uint32_t>(static_cast<size_t>(rows.num_rows()), 0), 1);
  return by_place;
}

TEST(SegmentedRowsTest, TheBudgetHasAllOfRowsThatAreTaken) {
  const auto batch = LongRows(100);
  MemoryBudget budget(int64_t{1} << 40);
  SegmentedRows rows(batch->schema(), 1, 32 << 10, &budget);
  for (int round = 0; round < 5; ++round) {
    std::vector<int64_t> bytes(1);
    ASSERT_TRUE(rows.AppendAll(SegmentSource(batch), AllToOnePlace(*batch), &bytes).ok());
    EXPECT_GE(budget.used(), 100 * (14000 + 500 * 8));
    rows.Take(0);
    EXPECT_EQ(budget.used(), 0);
  }
}

TEST(SegmentedRowsTest, NestedColumnsCountAndFillSegments) {
  const auto batch = LongRows(1000)->SelectColumns({1}).ValueOrDie();
  MemoryBudget budget(/*limit=*/1 << 20);
  SegmentedRows rows(batch->schema(), 1, kSegmentBytes, &budget);
  std::vector<int64_t> bytes(1);
  ASSERT_TRUE(rows.AppendAll(SegmentSource(batch), AllToOnePlace(*batch), &bytes).ok());
  EXPECT_GE(bytes[0], 1000 * 500 * 8);
  EXPECT_LE(bytes[0], 1000 * 600 * 8);
  EXPECT_TRUE(rows.has_spilled());
  EXPECT_LE(budget.used(), (1 << 20) + kSegmentBytes);
}

// All rows of a place, and in how many pieces they come.
struct Taken {
  std::vector<int64_t> values;
  int64_t pieces = 0;
};

Taken TakeAll(SegmentedRows* rows, size_t place) {
  Taken taken;
  auto all = rows->Take(place);
  while (true) {
    const auto pieces = all.LoadSome().ValueOrDie();
    if (pieces.empty()) return taken;
    for (const auto& piece : pieces) {
      const auto& column = static_cast<const arrow::Int64Array&>(*piece->column(0));
      for (int64_t i = 0; i < column.length(); ++i) taken.values.push_back(column.Value(i));
    }
    taken.pieces += std::ssize(pieces);
  }
}

// Places whose segments are open while those of another become wider: each must hold what it got.
TEST(SegmentedRowsTest, ValuesMaySpreadFartherThanTheFirstDid) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  constexpr size_t kPlaces = 5;
  const auto schema = arrow::schema({arrow::field("n", arrow::int64())});
  for (const bool spills : {false, true}) {
    MemoryBudget budget(int64_t{1} << (spills ? 16 : 30));
    SegmentedRows rows(schema, kPlaces, kSegmentBytes, &budget);
    std::vector<std::vector<int64_t>> expected(kPlaces);
    // Values that one byte holds, then two, then four, then none of these.
    for (const int bits : {4, 10, 20, 40, 63, 4}) {
      for (int chunk = 0; chunk < 20; ++chunk) {
        arrow::Int64Builder builder;
        std::vector<std::vector<uint32_t>> numbers(kPlaces);
        for (uint32_t row = 0; row < 500; ++row) {
          const auto value =
              static_cast<int64_t>(random() >> (64 - bits)) - (int64_t{1} << bits / 2);
          const size_t place = random() % kPlaces;
          ASSERT_TRUE(builder.Append(value).ok());
          numbers[place].push_back(row);
          expected[place].push_back(value);
        }
        const SegmentSource source(
            arrow::RecordBatch::Make(schema, 500, {builder.Finish().ValueOrDie()}));
        for (size_t place = 0; place < kPlaces; ++place) {
          ASSERT_TRUE(rows.Append(place, source, numbers[place]).ok());
        }
      }
    }
    for (size_t place = 0; place < kPlaces; ++place) {
      Taken taken = TakeAll(&rows, place);
      if (!spills) {
        EXPECT_LE(taken.pieces, 6 + std::ssize(taken.values) * 8 / kSegmentBytes);
      }
      std::ranges::sort(taken.values);
      std::ranges::sort(expected[place]);
      EXPECT_EQ(taken.values, expected[place]);
    }
  }
}

TEST(SegmentedRowsTest, AllRowsGoToTheirPlacesButForThoseBeyondTheLast) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  constexpr size_t kPlaces = 40;
  const auto schema = arrow::schema({arrow::field("n", arrow::int64())});
  MemoryBudget budget(int64_t{1} << 30);
  SegmentedRows rows(schema, kPlaces, kSegmentBytes, &budget);
  std::vector<std::vector<int64_t>> expected(kPlaces);
  std::vector<int64_t> bytes(kPlaces);
  int64_t sum = 0;
  RowsByPlace by_place;
  for (const uint32_t places : {uint32_t{kPlaces + 1}, uint32_t{kPlaces}, uint32_t{3}}) {
    for (int chunk = 0; chunk < 20; ++chunk) {
      arrow::Int64Builder builder;
      std::vector<uint32_t> place_of;
      for (int row = 0; row < 2000; ++row) {
        const auto value = static_cast<int64_t>(random());
        place_of.push_back(static_cast<uint32_t>(random() % places));
        ASSERT_TRUE(builder.Append(value).ok());
        if (place_of.back() < kPlaces) expected[place_of.back()].push_back(value);
      }
      by_place.Sort(place_of, places);
      const SegmentSource source(
          arrow::RecordBatch::Make(schema, 2000, {builder.Finish().ValueOrDie()}));
      sum += rows.AppendAll(source, by_place, &bytes).ValueOrDie();
    }
  }
  EXPECT_EQ(sum, std::reduce(bytes.begin(), bytes.end()));
  for (size_t place = 0; place < kPlaces; ++place) {
    EXPECT_EQ(bytes[place], std::ssize(expected[place]) * 8);
    EXPECT_EQ(TakeAll(&rows, place).values, expected[place]);
  }
}

// Others fill the budget: rows still wait until segments are full, for on disk all are as long.
TEST(SegmentedRowsTest, SegmentsAreFullBeforeTheyGoToDisk) {
  constexpr uint32_t kPlaces = 64;
  constexpr int64_t kChunks = 200;
  const auto schema = arrow::schema({arrow::field("n", arrow::int64())});
  MemoryBudget budget(/*limit=*/kPlaces * kSegmentBytes);
  budget.Add(2 * budget.limit());
  SegmentedRows rows(schema, kPlaces, kSegmentBytes, &budget);
  std::mt19937_64 random(1);
  RowsByPlace by_place;
  std::vector<int64_t> bytes(kPlaces);
  for (int64_t chunk = 0; chunk < kChunks; ++chunk) {
    arrow::Int64Builder builder;
    std::vector<uint32_t> place_of;
    for (int64_t row = 0; row < kRows; ++row) {
      ASSERT_TRUE(builder.Append(static_cast<int64_t>(random())).ok());
      place_of.push_back(static_cast<uint32_t>(random() % kPlaces));
    }
    by_place.Sort(place_of, kPlaces);
    const SegmentSource source(
        arrow::RecordBatch::Make(schema, kRows, {builder.Finish().ValueOrDie()}));
    ASSERT_TRUE(rows.AppendAll(source, by_place, &bytes).ok());
  }
  int64_t held = 0;
  for (size_t place = 0; place < kPlaces; ++place) held += rows.BytesOf(place);
  EXPECT_TRUE(rows.has_spilled());
  EXPECT_LE(held, 2 * kChunks * kRows * 8);
}

// A row that is longer than a segment comes before, between and after others, in a batch of its own or with them.
TEST(SegmentedRowsTest, AFewLongRowsMakeNoRoomForMoreOfThem) {
  const auto schema = arrow::schema({arrow::field("t", arrow::utf8())});
  const auto texts = [&](const std::vector<size_t>& lengths) {
    arrow::StringBuilder builder;
    for (const size_t length : lengths) EXPECT_TRUE(builder.Append(std::string(length, 'x')).ok());
    return arrow::RecordBatch::Make(schema, std::ssize(lengths), {builder.Finish().ValueOrDie()});
  };
  constexpr size_t kLong = 20 * kSegmentBytes;
  std::vector<size_t> mixed(1000, 10);
  mixed[500] = kLong;
  const std::vector<std::vector<size_t>> kinds = {{kLong}, std::vector<size_t>(1000, 10), mixed};
  for (size_t first = 0; first < kinds.size(); ++first) {
    MemoryBudget budget(int64_t{1} << 40);
    SegmentedRows rows(schema, 2, kSegmentBytes, &budget);
    int64_t bytes = 0;
    for (size_t batch = 0; batch < 60; ++batch) {
      const auto& lengths = kinds[(first + batch * batch) % kinds.size()];
      std::vector<uint32_t> numbers(lengths.size());
      std::iota(numbers.begin(), numbers.end(), 0);
      ASSERT_TRUE(rows.Append(batch % 2, SegmentSource(texts(lengths)), numbers).ok());
      for (const size_t length : lengths) bytes += static_cast<int64_t>(length) + 5;
    }
    EXPECT_LE(budget.used(), 2 * bytes);
  }
}

TEST(SegmentedRowsTest, NoMoreIsReadAheadThanIsAskedFor) {
  constexpr int kTimes = 20;
  constexpr int64_t kAhead = 8 * kSegmentBytes;
  const auto schema = arrow::schema({arrow::field("t", arrow::utf8())});
  std::vector<uint32_t> numbers(kRows);
  std::iota(numbers.begin(), numbers.end(), 0);
  MemoryBudget budget(kSegmentBytes);
  SegmentedRows rows(schema, 1, kSegmentBytes, &budget);
  const SegmentSource source(Texts(schema, 100));
  for (int i = 0; i < kTimes; ++i) ASSERT_TRUE(rows.Append(0, source, numbers).ok());
  ASSERT_TRUE(rows.Spill(rows.bytes()).ok());
  auto all = rows.Take(0);
  const int64_t before = RowMemory()->bytes_allocated();
  all.ReadAhead(kAhead);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // time to read far more
  int64_t most = 0;
  int64_t taken = 0;
  while (true) {
    const auto pieces = all.LoadSome().ValueOrDie();
    if (pieces.empty()) break;
    for (const auto& piece : pieces) taken += piece->num_rows();
    most = std::max(most, RowMemory()->bytes_allocated() - before);
  }
  EXPECT_EQ(taken, kTimes * int64_t{kRows});
  EXPECT_LE(most, 2 * kAhead);
}

}  // namespace
}  // namespace sheaf
