#include "cli/explain.h"

#include <gtest/gtest.h>

namespace sheaf {
namespace {

Plan SmallPlan() {
  TablePlan table;
  table.name = "A";
  table.sql = "SELECT *\nFROM t";
  table.executions = "once: all its rows";
  return {Strategy::kMerge, "the job asks for it", {table}, {"Keys ascend."}};
}

TEST(ExplainTest, TextHoldsEverythingThatIsKnown) {
  EXPECT_EQ(PlanText(SmallPlan()),
            "strategy merge: the job asks for it\n"
            "\n"
            "table A\n"
            "  runs: once: all its rows\n"
            "  sql:\n"
            "    SELECT *\n"
            "    FROM t\n"
            "\n"
            "guarantees\n"
            "  - Keys ascend.\n");
}

TEST(ExplainTest, JsonIsOneLine) {
  EXPECT_EQ(PlanJson(SmallPlan()),
            R"({"strategy":"merge","reason":"the job asks for it","tables":[{"name":"A",)"
            R"("sql":"SELECT *\nFROM t","executions":"once: all its rows","engine_plan":""}],)"
            R"("guarantees":["Keys ascend."]})"
            "\n");
}

}  // namespace
}  // namespace sheaf
