#include "cogroup/narrow_values.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace sheaf {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

std::shared_ptr<arrow::Array> Int64s(const std::vector<int64_t>& values,
                                     const std::vector<bool>& valid = {}) {
  arrow::Int64Builder builder;
  EXPECT_TRUE(
      (valid.empty() ? builder.AppendValues(values) : builder.AppendValues(values, valid)).ok());
  return builder.Finish().ValueOrDie();
}

ColumnRows RowsOf(const std::shared_ptr<arrow::Array>& column) {
  return {*column->data(), ColumnKind::kFixed};
}

std::vector<uint32_t> AllRows(size_t count) {
  std::vector<uint32_t> rows(count);
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

TEST(NarrowValuesTest, TheWidthLeavesRoomForValuesThatSpreadFarther) {
  EXPECT_EQ(NarrowWidth({7, 7}, 8), 1);
  EXPECT_EQ(NarrowWidth({-30, 30}, 8), 1);
  EXPECT_EQ(NarrowWidth({-40, 40}, 8), 2);
  EXPECT_EQ(NarrowWidth({0, 1 << 20}, 8), 4);
  EXPECT_EQ(NarrowWidth({0, 1 << 20}, 4), 4);
  EXPECT_EQ(NarrowWidth({0, int64_t{1} << 40}, 8), 8);
  EXPECT_EQ(NarrowWidth({kMin, kMax}, 8), 8);
}

TEST(NarrowValuesTest, ABaseReachesAsFarAboveTheValuesAsBelowThem) {
  const int64_t base = BaseOf({1000, 1100}, 1);
  EXPECT_LE(base, 1000 - 77);
  EXPECT_GE(base + 255, 1100 + 77);
  const auto fitting = [](const std::vector<int64_t>& values, int64_t from, int stored) {
    const auto array = Int64s(values);
    std::vector<uint8_t> narrow(values.size() * static_cast<size_t>(stored));
    return Narrow(RowsOf(array), 8, AllRows(values.size()), from, stored, narrow.data());
  };
  EXPECT_EQ(fitting({base, base + 255}, base, 1), 2);
  EXPECT_EQ(fitting({base, base + 256}, base, 1), 1);
  EXPECT_EQ(fitting({base - 1, base}, base, 1), 0);
  EXPECT_EQ(fitting({kMin, kMax}, base, 4), 0);
}

TEST(NarrowValuesTest, WhatFitsComesBackAndWhatDoesNotIsFound) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (const int64_t around : {int64_t{0}, int64_t{-5}, kMin, kMax, int64_t{1} << 31}) {
    for (const int stored : {1, 2, 4}) {
      const auto sum = [](int64_t a, uint64_t b) {  // wraps around
        return static_cast<int64_t>(static_cast<uint64_t>(a) + b);
      };
      const int64_t base = sum(around, -(uint64_t{1} << (8 * stored - 1)));
      std::vector<int64_t> values;
      for (int i = 0; i < 100; ++i) values.push_back(sum(base, random() >> (64 - 8 * stored)));
      values.push_back(sum(base, uint64_t{1} << (8 * stored)));
      const auto array = Int64s(values);
      const ColumnRows column = RowsOf(array);
      const auto rows = AllRows(values.size());
      std::vector<uint8_t> narrow(rows.size() * static_cast<size_t>(stored));
      ASSERT_EQ(Narrow(column, 8, rows, base, stored, narrow.data()), 100);
      std::vector<int64_t> wide(100);
      Widen(narrow.data(), 100, base, stored, 8, reinterpret_cast<uint8_t*>(wide.data()));
      values.pop_back();
      EXPECT_EQ(wide, values);
    }
  }
}

TEST(NarrowValuesTest, NullsCountForNothing) {
  const auto array = Int64s({kMax, 5, 9, kMin}, {false, true, true, false});
  const ColumnRows column = RowsOf(array);
  const auto span = SpanOf(column, 8, AllRows(4));
  ASSERT_TRUE(span);
  EXPECT_EQ(span->least, 5);
  EXPECT_EQ(span->greatest, 9);
  std::array<uint8_t, 4> narrow{};
  EXPECT_EQ(Narrow(column, 8, AllRows(4), BaseOf(*span, 1), 1, narrow.data()), 4);
  EXPECT_FALSE(SpanOf(column, 8, std::vector<uint32_t>{0, 3}));
  EXPECT_FALSE(SpanOf(column, 8, int64_t{4}));
}

}  // namespace
}  // namespace sheaf
