#include "cli/exit_code.h"

#include <gtest/gtest.h>

namespace sheaf {
namespace {

TEST(ExitCodeTest, SaysWhoseFaultItIs) {
  EXPECT_EQ(ExitCodeOf(arrow::Status::OK()), 0);
  EXPECT_EQ(ExitCodeOf(MakeError(ErrorKind::kEngine, "x")), 1);
  EXPECT_EQ(ExitCodeOf(arrow::Status::IOError("x")), 1);
  EXPECT_EQ(ExitCodeOf(MakeError(ErrorKind::kJob, "x")), 2);
  EXPECT_EQ(ExitCodeOf(MakeError(ErrorKind::kPolicy, "x")), 3);
  EXPECT_EQ(ExitCodeOf(MakeError(ErrorKind::kStopped, "x")), 130);
}

TEST(ErrorLineTest, IsOneLine) {
  EXPECT_EQ(ErrorLine("table \"A\":\n\n  at line 1\r\n\x1b[31mhere\t"),
            "sheaf: error: table \"A\": at line 1 [31mhere");
  EXPECT_EQ(ErrorLine("\nfirst"), "sheaf: error: first");
}

}  // namespace
}  // namespace sheaf
