#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sheaf/error.h"
#include "sheaf/job.h"

namespace sheaf {
namespace {

using ::testing::HasSubstr;

std::string MessageOf(const std::string& text) {
  const auto term = OrderTerm::Parse(text);
  EXPECT_FALSE(term.ok()) << text;
  EXPECT_EQ(KindOf(term.status()), ErrorKind::kJob);
  return term.status().message();
}

void ExpectTerm(const std::string& text, const std::string& column, bool descending,
                bool nulls_first) {
  const auto term = OrderTerm::Parse(text);
  ASSERT_TRUE(term.ok()) << term.status();
  EXPECT_EQ(term->column, column) << text;
  EXPECT_EQ(term->descending, descending) << text;
  EXPECT_EQ(term->nulls_first, nulls_first) << text;
}

TEST(OrderTermTest, NullsComeLastAscendingAndFirstDescending) {
  ExpectTerm("ts", "ts", false, false);
  ExpectTerm("ts ASC", "ts", false, false);
  ExpectTerm("ts DESC", "ts", true, true);
}

TEST(OrderTermTest, NullsCanBePlaced) {
  ExpectTerm("ts NULLS FIRST", "ts", false, true);
  ExpectTerm("ts DESC NULLS LAST", "ts", true, false);
}

TEST(OrderTermTest, WordsTakeAnyLetterCaseAndSpacing) {
  ExpectTerm("  Ts  desc\tnulls  last ", "Ts", true, false);
}

TEST(OrderTermTest, QuotedNamesHoldAnything) {
  ExpectTerm("\"a b\"", "a b", false, false);
  ExpectTerm("\"say \"\"x\"\", y\" DESC", "say \"x\", y", true, true);
  ExpectTerm("\"DESC\"", "DESC", false, false);
}

TEST(OrderTermTest, RefusesUnknownWordsWithTheNearest) {
  EXPECT_EQ(MessageOf("ts DSC"),
            "order_by \"ts DSC\": \"DSC\" is not understood here; did you mean \"DESC\"?");
  EXPECT_THAT(MessageOf("ts DESC ASC"), HasSubstr("\"ASC\" is not understood here"));
  EXPECT_THAT(MessageOf("ts NULLS"), HasSubstr("NULLS must be followed by FIRST or LAST"));
  EXPECT_THAT(MessageOf("ts NULLS MIDDLE"), HasSubstr("FIRST or LAST"));
}

TEST(OrderTermTest, RefusesWhatIsNoColumn) {
  EXPECT_THAT(MessageOf(""), HasSubstr("names no column"));
  for (const char* text : {"a,b", "\"a", "\"\"", "\"a\"b", "a\"b"}) {
    EXPECT_THAT(MessageOf(text), HasSubstr("one column name")) << text;
  }
}

}  // namespace
}  // namespace sheaf
