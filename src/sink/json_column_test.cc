#include "sink/json_column.h"

#include <arrow/api.h>
#include <arrow/extension/uuid.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "sink/sink_test_support.h"

namespace sheaf {
namespace {

using arrow::TimeUnit;
using ::testing::HasSubstr;

std::string TextOf(const std::shared_ptr<arrow::Array>& array) {
  const auto column = MakeJsonColumn(array);
  EXPECT_TRUE(column.ok()) << column.status();
  std::string text;
  for (int64_t row = 0; row < array->length(); ++row) {
    if (row > 0) text += ' ';
    (*column)->Append(row, &text);
  }
  return text;
}

struct Case {
  std::string name;
  std::shared_ptr<arrow::DataType> type;
  std::string values;    ///< As Arrow's JSON form has them.
  std::string expected;  ///< JSON texts with a space between.
};

void PrintTo(const Case& c, std::ostream* stream) { *stream << c.name; }

class JsonColumnTest : public ::testing::TestWithParam<Case> {};

TEST_P(JsonColumnTest, Writes) {
  EXPECT_EQ(TextOf(testing::ArrayOf(GetParam().type, GetParam().values)), GetParam().expected);
}

TEST_P(JsonColumnTest, WritesASlice) {
  const auto array = testing::ArrayOf(GetParam().type, GetParam().values);
  EXPECT_EQ(TextOf(arrow::Concatenate({array, array}).ValueOrDie()->Slice(array->length())),
            GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Types, JsonColumnTest,
    ::testing::Values(
        Case{"Null", arrow::null(), "[null, null]", "null null"},
        Case{"Bool", arrow::boolean(), "[true, null, false]", "true null false"},
        Case{"Int8", arrow::int8(), "[-128, null, 127]", "-128 null 127"},
        Case{"Int64", arrow::int64(), "[-9223372036854775808]", "-9223372036854775808"},
        Case{"UInt64", arrow::uint64(), "[18446744073709551615]", "18446744073709551615"},
        Case{"Half", arrow::float16(), "[1.5, null, -Inf]", "1.5 null null"},
        Case{"Float", arrow::float32(), "[0.1, 16777216, NaN]", "0.1 16777216 null"},
        Case{"Double", arrow::float64(), "[0.1, -0.0, 1e300, NaN, Inf, null]",
             "0.1 -0 1e+300 null null null"},
        Case{"Decimal32", arrow::decimal32(5, 2), R"(["1.50", "-0.01"])", "1.50 -0.01"},
        Case{"Decimal128", arrow::decimal128(38, 2),
             R"(["123456789012345678901234567890123456.78", null])",
             "123456789012345678901234567890123456.78 null"},
        Case{"Decimal256", arrow::decimal256(60, 0),
             R"(["1234567890123456789012345678901234567890"])",
             "1234567890123456789012345678901234567890"},
        Case{"Date32", arrow::date32(), "[0, -1, null, 20484]",
             R"("1970-01-01" "1969-12-31" null "2026-01-31")"},
        Case{"Date64", arrow::date64(), "[86400000]", R"("1970-01-02")"},
        Case{"FarDates", arrow::date32(), "[-719529, 2932897, 2147483647]",
             R"("-0001-12-31" "10000-01-01" "<value out of range: 2147483647>")"},
        Case{"Time32", arrow::time32(TimeUnit::SECOND), "[86399]", R"("23:59:59")"},
        Case{"Time64", arrow::time64(TimeUnit::NANO), "[1]", R"("00:00:00.000000001")"},
        Case{"Timestamp", arrow::timestamp(TimeUnit::SECOND), "[0, null]",
             R"("1970-01-01T00:00:00" null)"},
        Case{"TimestampNano", arrow::timestamp(TimeUnit::NANO), "[1695549046903355064, -1]",
             R"("2023-09-24T09:50:46.903355064" "1969-12-31T23:59:59.999999999")"},
        Case{"TimestampUtc", arrow::timestamp(TimeUnit::MICRO, "UTC"), "[1]",
             R"("1970-01-01T00:00:00.000001Z")"},
        Case{"TimestampZoned", arrow::timestamp(TimeUnit::MILLI, "Europe/Berlin"), "[1]",
             R"("1970-01-01T00:00:00.001Z")"},
        Case{"Duration", arrow::duration(TimeUnit::MILLI), "[-5, null]", "-5 null"},
        Case{"Months", arrow::month_interval(), "[14]", "14"},
        Case{"DayTime", arrow::day_time_interval(), "[[1, 2]]", R"({"days":1,"milliseconds":2})"},
        Case{"MonthDayNano", arrow::month_day_nano_interval(), "[[1, 2, 3]]",
             R"({"months":1,"days":2,"nanoseconds":3})"},
        Case{"Text", arrow::utf8(), R"(["é", null, "", "a\"b\n"])", R"("é" null "" "a\"b\n")"},
        Case{"LargeText", arrow::large_utf8(), R"(["a"])", R"("a")"},
        Case{"TextView", arrow::utf8_view(), R"(["longer than twelve bytes", null])",
             R"("longer than twelve bytes" null)"},
        Case{"Binary", arrow::binary(), R"(["\u0000a", "", null])", R"("AGE=" "" null)"},
        Case{"FixedBinary", arrow::fixed_size_binary(2), R"(["ab"])", R"("YWI=")"},
        Case{"BinaryView", arrow::binary_view(), R"(["ab"])", R"("YWI=")"},
        Case{"Dictionary", arrow::dictionary(arrow::int8(), arrow::utf8()), R"(["a", null, "a"])",
             R"("a" null "a")"},
        Case{"List", arrow::list(arrow::int32()), "[[1, null], null, []]", "[1,null] null []"},
        Case{"LargeList", arrow::large_list(arrow::int32()), "[[1], [2, 3]]", "[1] [2,3]"},
        Case{"FixedList", arrow::fixed_size_list(arrow::int32(), 2), "[[1, 2], null, [3, 4]]",
             "[1,2] null [3,4]"},
        Case{"ListView", arrow::list_view(arrow::int32()), "[[1], [2, 3]]", "[1] [2,3]"},
        Case{"Struct",
             arrow::struct_({arrow::field("x", arrow::int32()), arrow::field("\"", arrow::utf8())}),
             R"([{"x": 1, "\"": "a"}, null, {"x": null, "\"": null}])",
             R"({"x":1,"\"":"a"} null {"x":null,"\"":null})"},
        Case{"EmptyStruct", arrow::struct_({}), "[{}]", "{}"},
        Case{"Map", arrow::map(arrow::utf8(), arrow::int32()),
             R"([[["a", 1], ["b", null]], null, []])", R"({"a":1,"b":null} null {})"},
        Case{"MapOfNumbers", arrow::map(arrow::int32(), arrow::int32()), "[[[1, 2]], []]",
             R"([{"key":1,"value":2}] [])"},
        Case{"ListsOfStructs",
             arrow::list(arrow::struct_({arrow::field("x", arrow::list(arrow::utf8()))})),
             R"([[{"x": ["a"]}, {"x": null}]])", R"([{"x":["a"]},{"x":null}])"}),
    [](const auto& info) { return info.param.name; });

TEST(JsonColumnSpecialsTest, AnExtensionIsWrittenAsItsStorage) {
  const auto storage = testing::ArrayOf(arrow::fixed_size_binary(16), R"(["0123456789abcdef"])");
  EXPECT_EQ(TextOf(arrow::ExtensionType::WrapArray(arrow::extension::uuid(), storage)),
            R"("MDEyMzQ1Njc4OWFiY2RlZg==")");
}

TEST(JsonColumnSpecialsTest, ADecimalOfThousandsIsANumber) {
  const arrow::Decimal128Scalar twelve_thousand(arrow::Decimal128(12), arrow::decimal128(5, -3));
  EXPECT_EQ(TextOf(arrow::MakeArrayFromScalar(twelve_thousand, 1).ValueOrDie()), "1.2E+4");
}

TEST(JsonColumnSpecialsTest, ADictionaryMayHoldANull) {
  const auto array =
      arrow::DictionaryArray::FromArrays(testing::ArrayOf(arrow::int8(), "[0, 1]"),
                                         testing::ArrayOf(arrow::utf8(), R"([null, "a"])"))
          .ValueOrDie();
  EXPECT_EQ(TextOf(array), R"(null "a")");
}

TEST(JsonColumnErrorsTest, ATypeThatJsonLacksIsRefusedWithItsColumn) {
  const auto array = arrow::MakeEmptyArray(
      arrow::struct_({arrow::field("u", arrow::dense_union({arrow::field("a", arrow::int32())}))}));
  EXPECT_THAT(MakeJsonColumn(array.ValueOrDie()).status().message(),
              HasSubstr("column \"u\" is dense_union<a: int32=0>, which JSON cannot hold"));
}

TEST(JsonColumnErrorsTest, TwoFieldsOfOneNameAreRefused) {
  const auto array = arrow::MakeEmptyArray(
      arrow::struct_({arrow::field("a", arrow::int32()), arrow::field("a", arrow::int32())}));
  EXPECT_THAT(MakeJsonColumn(array.ValueOrDie()).status().message(),
              HasSubstr("column \"a\" is there twice"));
}

}  // namespace
}  // namespace sheaf
