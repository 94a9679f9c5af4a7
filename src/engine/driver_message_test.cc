#include "engine/driver_message.h"

#include <gtest/gtest.h>

#include "sheaf/engine_options.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

TEST(DriverMessage, IsOneLineWithoutTheEchoOfTheSql) {
  const DriverMessage message{EngineOptions{}};
  EXPECT_EQ(message.Clean("Catalog Error: no table s!\nDid you mean \"t\"?\n\n"
                          "LINE 12: SELECT * FROM s WHERE k = 'secret'\n               ^^^\n"),
            "Catalog Error: no table s! Did you mean \"t\"?");
  EXPECT_EQ(message.Clean("ERROR:  no column \"k\"\nHINT:  use j\nQuery was:\nSELECT\n'secret'"),
            "ERROR: no column \"k\" HINT: use j");
  EXPECT_EQ(message.Clean("no such table: t\nquery: SELECT 'secret'"), "no such table: t");
}

TEST(DriverMessage, LosesThePrefixesOfTheLayersBetween) {
  const DriverMessage message{EngineOptions{}};
  EXPECT_EQ(message.Clean("External error: Arrow error: division by zero"), "division by zero");
  EXPECT_EQ(message.Clean("SQL error: ParserError(\"Expected: an expression\")"),
            "Expected: an expression");
}

TEST(DriverMessage, HidesTheUriItsPasswordAndTheOptions) {
  EngineOptions options;
  options.uri = "postgresql://me:p%40ssword@host/db";
  options.options = {{"adbc.token", "token-123"}, {"adbc.flag", "true"}, {"adbc.size", "8"}};
  const DriverMessage message(options);
  EXPECT_EQ(message.Clean("cannot reach postgresql://me:p%40ssword@host/db"),
            "cannot reach ${uri}");
  EXPECT_EQ(message.Clean("p@ssword is wrong"), "${password} is wrong");
  EXPECT_EQ(message.Clean("token-123 expired, true, 8 times"),
            "${adbc.token} expired, true, 8 times");
}

TEST(DriverMessage, OfAnArrowStatusBecomesTheEngines) {
  const DriverMessage message{EngineOptions{}};
  const arrow::Status status =
      message.ToStatus(arrow::Status::Invalid("External error: no disk\n"));
  EXPECT_EQ(status.message(), "no disk");
  EXPECT_EQ(KindOf(status), ErrorKind::kEngine);
  EXPECT_TRUE(status.IsInvalid());
}

}  // namespace
}  // namespace sheaf
