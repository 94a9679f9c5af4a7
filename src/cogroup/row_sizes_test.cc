#include "cogroup/row_sizes.h"

#include <arrow/api.h>
#include <arrow/compute/api.h>
#include <arrow/compute/initialize.h>
#include <gtest/gtest.h>

#include <random>

#include "cogroup/random_rows_test_support.h"
#include "cogroup/take_rows.h"
#include "key/key_test_support.h"

namespace sheaf {
namespace {

using sheaf::testing::RandomRows;
using sheaf::testing::RowsFromJson;

int64_t BytesOf(const std::shared_ptr<arrow::DataType>& type, const std::string& json) {
  return RowSizes(RowsFromJson(arrow::schema({arrow::field("v", type)}), json)).OfAll();
}

TEST(RowSizesTest, AValueHasTheBytesOfItsType) {
  EXPECT_EQ(BytesOf(arrow::int32(), "[[1]]"), 4);
  EXPECT_EQ(BytesOf(arrow::int32(), "[[null]]"), 4);
  EXPECT_EQ(BytesOf(arrow::boolean(), "[[true]]"), 1);
  EXPECT_EQ(BytesOf(arrow::utf8(), R"([["abc"],[null]])"), 3 + 2 * 4);
  EXPECT_EQ(BytesOf(arrow::large_utf8(), R"([["abc"]])"), 3 + 8);
  EXPECT_EQ(BytesOf(arrow::list(arrow::int16()), "[[[1,2]],[null],[[]]]"), 2 * 2 + 3 * 4);
  EXPECT_EQ(BytesOf(arrow::fixed_size_list(arrow::int16(), 2), "[[[1,2]],[null]]"), 4);
  EXPECT_EQ(
      BytesOf(arrow::struct_({arrow::field("a", arrow::int64()), arrow::field("b", arrow::utf8())}),
              R"([[{"a":1,"b":"xy"}],[null]])"),
      8 + 2 + 4);
  EXPECT_EQ(BytesOf(arrow::null(), "[[null]]"), 0);
}

TEST(RowSizesTest, BytesThatANullHidesDoNotCount) {
  const auto offsets = arrow::Buffer::FromVector(std::vector<int32_t>{0, 3, 6});
  const auto values = arrow::Buffer::FromString("abcdef");
  const auto validity = arrow::Buffer::FromVector(std::vector<uint8_t>{2});
  const auto text = std::make_shared<arrow::StringArray>(2, offsets, values, validity);
  const auto rows =
      arrow::RecordBatch::Make(arrow::schema({arrow::field("v", arrow::utf8())}), 2, {text});
  EXPECT_EQ(RowSizes(rows).Of(0), 4);
  EXPECT_EQ(RowSizes(rows).Of(1), 7);
}

TEST(RowSizesTest, ARowHasOneSizeHoweverItsArraysAreMade) {
  ASSERT_TRUE(arrow::compute::Initialize().ok());
  std::mt19937 random(5);
  for (const int nulls : {0, 3}) {
    const auto rows = RandomRows(&random, 200, nulls);
    const RowSizes sizes(rows);
    int64_t sum = 0;
    for (int64_t row = 0; row < rows->num_rows(); ++row) {
      const auto copy = TakeRows(rows, std::vector<int64_t>{row}).ValueOrDie();
      ASSERT_EQ(sizes.Of(row), RowSizes(copy).OfAll());
      ASSERT_EQ(sizes.Of(row), RowSizes(rows->Slice(row)).Of(0));
      sum += sizes.Of(row);
    }
    EXPECT_EQ(sizes.OfAll(), sum);
  }
}

TEST(RowSizesTest, AsManyRowsFitAsHaveTheBytes) {
  const auto rows =
      RowsFromJson(arrow::schema({arrow::field("v", arrow::utf8())}), R"([["aaaa"],[""],["aa"]])");
  const RowSizes sizes(rows);
  EXPECT_EQ(sizes.Fitting(0, 7), 0);
  EXPECT_EQ(sizes.Fitting(0, 8), 1);
  EXPECT_EQ(sizes.Fitting(0, 12), 2);
  EXPECT_EQ(sizes.Fitting(1, 1000), 2);
  EXPECT_EQ(sizes.Fitting(3, 1000), 0);
  EXPECT_EQ(sizes.Fitting(0, -1), 0);
}

}  // namespace
}  // namespace sheaf
