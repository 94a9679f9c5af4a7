#include "sink/key_json.h"

#include <arrow/extension_type.h>
#include <gtest/gtest.h>

#include <string>

#include "sink/sink_test_support.h"

namespace sheaf {
namespace {

struct KeyCase {
  std::string name;
  std::shared_ptr<arrow::DataType> type;
  std::string value;     ///< As Arrow's JSON form has it.
  std::string expected;  ///< JSON text.
};

void PrintTo(const KeyCase& key, std::ostream* stream) { *stream << key.name; }

class KeyJsonTest : public ::testing::TestWithParam<KeyCase> {};

TEST_P(KeyJsonTest, Renders) {
  const KeyCase& key = GetParam();
  const auto keys = testing::RowsOf({{"k", testing::ArrayOf(key.type, "[" + key.value + "]")}});
  const auto json = KeyJson(*keys, 0);
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ(CompactText(*json), "{\"k\":" + key.expected + "}");
}

INSTANTIATE_TEST_SUITE_P(
    AllKeyTypes, KeyJsonTest,
    ::testing::Values(
        KeyCase{"bool", arrow::boolean(), "true", "true"},
        KeyCase{"int8", arrow::int8(), "-128", "-128"},
        KeyCase{"int64", arrow::int64(), "-9223372036854775808", "-9223372036854775808"},
        KeyCase{"uint8", arrow::uint8(), "255", "255"},
        KeyCase{"uint64", arrow::uint64(), "18446744073709551615", "18446744073709551615"},
        KeyCase{"float16", arrow::float16(), "1.5", "1.5"},
        KeyCase{"float32", arrow::float32(), "0.5", "0.5"},
        KeyCase{"float64", arrow::float64(), "0.1", "0.1"},
        KeyCase{"nan", arrow::float64(), "NaN", "\"NaN\""},
        KeyCase{"infinity", arrow::float64(), "Inf", "\"Infinity\""},
        KeyCase{"minus_infinity", arrow::float32(), "-Inf", "\"-Infinity\""},
        KeyCase{"decimal32", arrow::decimal32(5, 2), "\"-1.50\"", "\"-1.50\""},
        KeyCase{"decimal128", arrow::decimal128(38, 2),
                "\"123456789012345678901234567890123456.78\"",
                "\"123456789012345678901234567890123456.78\""},
        KeyCase{"decimal256", arrow::decimal256(50, 0), "\"7\"", "\"7\""},
        KeyCase{"date32", arrow::date32(), "19000", "\"2022-01-08\""},
        KeyCase{"date64", arrow::date64(), "86400000", "\"1970-01-02\""},
        KeyCase{"time32", arrow::time32(arrow::TimeUnit::SECOND), "3661", "\"01:01:01\""},
        KeyCase{"time64", arrow::time64(arrow::TimeUnit::NANO), "1", "\"00:00:00.000000001\""},
        KeyCase{"timestamp", arrow::timestamp(arrow::TimeUnit::NANO), "1",
                "\"1970-01-01 00:00:00.000000001\""},
        KeyCase{"timestamp_with_zone", arrow::timestamp(arrow::TimeUnit::SECOND, "Europe/Berlin"),
                "0", "\"1970-01-01 00:00:00Z\""},
        KeyCase{"duration", arrow::duration(arrow::TimeUnit::SECOND), "5", "5"},
        KeyCase{"text", arrow::utf8(), R"("a \"b\" é")", R"("a \"b\" é")"},
        KeyCase{"large_text", arrow::large_utf8(), R"("a")", R"("a")"},
        KeyCase{"text_view", arrow::utf8_view(), R"("a text of more than twelve bytes")",
                R"("a text of more than twelve bytes")"},
        KeyCase{"binary", arrow::binary(), R"("\u0000Az")", R"("00417a")"},
        KeyCase{"binary_view", arrow::binary_view(), R"("Az")", R"("417a")"},
        KeyCase{"fixed_size_binary", arrow::fixed_size_binary(2), R"("Az")", R"("417a")"},
        KeyCase{"dictionary", arrow::dictionary(arrow::int8(), arrow::utf8()), R"("a")", R"("a")"},
        KeyCase{"null", arrow::int64(), "null", "null"}),
    [](const auto& info) { return info.param.name; });

TEST(KeyJsonRowTest, CompositeKeysKeepTheirOrderAndTheRowIsTheOneAsked) {
  const auto keys = testing::RowsOf({{"z", testing::ArrayOf(arrow::int32(), "[1, 2]")},
                                     {"a", testing::ArrayOf(arrow::utf8(), R"(["x", "y"])")}});
  EXPECT_EQ(CompactText(KeyJson(*keys, 1).ValueOrDie()), R"({"z":2,"a":"y"})");
}

TEST(KeyJsonRowTest, TextThatIsNotUtf8StaysValidJson) {
  arrow::StringBuilder builder;
  ASSERT_TRUE(builder.Append("a\xff").ok());
  const auto keys = testing::RowsOf({{"k", builder.Finish().ValueOrDie()}});
  EXPECT_EQ(CompactText(KeyJson(*keys, 0).ValueOrDie()), "{\"k\":\"a\uFFFD\"}");
}

}  // namespace
}  // namespace sheaf
