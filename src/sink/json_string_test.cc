#include "sink/json_string.h"

#include <gtest/gtest.h>

#include <string>

#include "sink/json_text.h"

namespace sheaf {
namespace {

std::string Quoted(std::string_view value) {
  std::string text;
  AppendJsonString(value, &text);
  return text;
}

TEST(JsonStringTest, PlainTextIsQuotedAndAppended) {
  std::string text = "x";
  AppendJsonString("an é and a 日", &text);
  EXPECT_EQ(text, "x\"an é and a 日\"");
}

TEST(JsonStringTest, EveryByteBelow128ComesBack) {
  for (int byte = 0; byte < 128; ++byte) {
    const std::string value = {'a', static_cast<char>(byte), 'b'};
    EXPECT_EQ(Json::parse(Quoted(value)).get<std::string>(), value) << byte;
  }
}

TEST(JsonStringTest, ShortFormsAreUsedWhereJsonHasThem) {
  EXPECT_EQ(Quoted("\"\\\n\t\r\x01"), R"("\"\\\n\t\r\u0001")");
}

TEST(JsonStringTest, BytesThatAreNoTextAreReplaced) {
  EXPECT_EQ(Quoted("a\xff\"b"), "\"a\uFFFD\\\"b\"");
}

}  // namespace
}  // namespace sheaf
