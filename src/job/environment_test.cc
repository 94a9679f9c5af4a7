#include "job/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "sheaf/error.h"

namespace sheaf {
namespace {

using ::testing::HasSubstr;

class EnvironmentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    setenv("SHEAF_TEST_HOST", "db.example", 1);
    setenv("SHEAF_TEST_EMPTY", "", 1);
    unsetenv("SHEAF_TEST_UNSET");
  }

  std::string Expand(const std::string& text) {
    const auto expanded = ExpandVariables(text, &used_);
    EXPECT_TRUE(expanded.ok()) << expanded.status();
    return expanded.ValueOr("");
  }

  Environment used_;
};

TEST_F(EnvironmentTest, ReplacesVariablesAndRemembersThem) {
  EXPECT_EQ(Expand("${SHEAF_TEST_HOST}:5432/${SHEAF_TEST_HOST}"), "db.example:5432/db.example");
  EXPECT_EQ(Expand("a${SHEAF_TEST_EMPTY}b"), "ab");
  EXPECT_EQ(used_.at("SHEAF_TEST_HOST"), "db.example");
}

TEST_F(EnvironmentTest, LeavesOtherDollarsAlone) {
  EXPECT_EQ(Expand("$$text$$ $1 $ {x}"), "$$text$$ $1 $ {x}");
  EXPECT_EQ(Expand("$${SHEAF_TEST_HOST}"), "${SHEAF_TEST_HOST}");
  EXPECT_EQ(Expand("$$${x}"), "$${x}");
}

TEST_F(EnvironmentTest, EscapedTextComesBack) {
  for (const char* text : {"${x}", "$${x}", "$$${x}${", "plain"}) {
    EXPECT_EQ(Expand(EscapeVariables(text)), text);
  }
}

TEST_F(EnvironmentTest, NamesAnUnsetVariable) {
  const auto status = ExpandVariables("${SHEAF_TEST_HOST}${SHEAF_TEST_UNSET}", &used_).status();
  EXPECT_EQ(KindOf(status), ErrorKind::kJob);
  EXPECT_EQ(status.message(), "the environment variable SHEAF_TEST_UNSET is not set");
}

TEST_F(EnvironmentTest, RefusesWhatIsNoName) {
  for (const char* text : {"${", "${}", "${a b}", "${A", "${A:-b}"}) {
    const auto status = ExpandVariables(text, &used_).status();
    EXPECT_THAT(status.message(), HasSubstr("write \"$${\" for a plain \"${\"")) << text;
  }
}

TEST_F(EnvironmentTest, RedactionPutsTheNameBack) {
  const Environment used = {{"HOST", "db.example"}, {"URL", "https://db.example"}, {"N", "1"}};
  EXPECT_EQ(Redact("at https://db.example or db.example:1", used), "at ${URL} or ${HOST}:1");
}

TEST_F(EnvironmentTest, RedactionFindsAValueHoweverItIsWritten) {
  const Environment used = {{"A", "Hunter2Secret"}, {"B", "it''s\nHidden"}, {"C", "/x/My Data"}};
  EXPECT_EQ(Redact("no field hunter2secret", used), "no field ${A}");
  EXPECT_EQ(Redact("value it's\nHidden", used), "value ${B}");
  EXPECT_EQ(Redact("value it''s Hidden", used), "value ${B}");
  EXPECT_EQ(Redact("file:///x/My%20Data/p", used), "file://${C}/p");
}

}  // namespace
}  // namespace sheaf
