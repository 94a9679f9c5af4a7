#include "cogroup/row_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cogroup/cogroup_test_support.h"

namespace sheaf {
namespace {

using sheaf::testing::IdSchema;
using sheaf::testing::RowsFromJson;
using ::testing::EndsWith;
using ::testing::SizeIs;

TEST(RowTextTest, NamesEveryColumnAndItsValue) {
  const auto rows = RowsFromJson(IdSchema(), R"([[1,"a"],[null,"b"]])");
  EXPECT_EQ(RowText(*rows, 0), "id=1, v=a");
  EXPECT_EQ(RowText(*rows, 1), "id=null, v=b");
}

TEST(RowTextTest, CutsLongValuesBetweenCharacters) {
  for (const std::string start : {"", "x"}) {
    std::string value = start;
    std::string cut = start;
    for (int i = 0; i < 30; ++i) value += "é";
    for (int i = 0; i < (start.empty() ? 20 : 19); ++i) cut += "é";
    const auto rows = RowsFromJson(IdSchema(), "[[1,\"" + value + "\"]]");
    EXPECT_EQ(RowText(*rows, 0), "id=1, v=" + cut + "...");
  }
}

TEST(RowTextTest, BinaryIsHexadecimal) {
  for (const auto& type : {arrow::binary(), arrow::large_binary(), arrow::fixed_size_binary(2)}) {
    const auto value = arrow::MakeScalar(type, arrow::Buffer::FromString("\xff\x0a"));
    const auto column = arrow::MakeArrayFromScalar(**value, 1).ValueOrDie();
    const auto rows =
        arrow::RecordBatch::Make(arrow::schema({arrow::field("k", type)}), 1, {column});
    EXPECT_EQ(RowText(*rows, 0), "k=FF0A");
  }
}

TEST(RowTextTest, CutsLongRows) {
  arrow::FieldVector fields;
  std::string json = "[[";
  for (int i = 0; i < 100; ++i) {
    fields.push_back(arrow::field("column" + std::to_string(i), arrow::int64()));
    json += (i == 0 ? "" : ",") + std::to_string(i);
  }
  const auto rows = RowsFromJson(arrow::schema(fields), json + "]]");
  EXPECT_THAT(RowText(*rows, 0), EndsWith(", ..."));
  EXPECT_THAT(RowText(*rows, 0), SizeIs(::testing::Lt(300)));
}

}  // namespace
}  // namespace sheaf
