#include "sheaf/error.h"

#include <gtest/gtest.h>

namespace sheaf {
namespace {

TEST(Error, CarriesItsKind) {
  for (const ErrorKind kind :
       {ErrorKind::kJob, ErrorKind::kEngine, ErrorKind::kPolicy, ErrorKind::kStopped}) {
    const arrow::Status status = MakeError(kind, "what");
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(KindOf(status), kind);
    EXPECT_EQ(status.message(), "what");
  }
}

TEST(Error, OfArrowItselfIsTheEngines) {
  EXPECT_EQ(KindOf(arrow::Status::Invalid("a kernel")), ErrorKind::kEngine);
}

TEST(Error, OfAStopIsArrowsCancelled) {
  EXPECT_TRUE(MakeError(ErrorKind::kStopped, "stop").IsCancelled());
}

TEST(Error, ContextKeepsKindAndCode) {
  const arrow::Status status =
      WithContext(MakeError(ErrorKind::kPolicy, "two rows"), "table \"P\"");
  EXPECT_EQ(status.message(), "table \"P\": two rows");
  EXPECT_EQ(KindOf(status), ErrorKind::kPolicy);
  EXPECT_TRUE(status.IsInvalid());
}

TEST(Error, ContextLeavesSuccessAlone) { EXPECT_TRUE(WithContext(arrow::Status::OK(), "x").ok()); }

}  // namespace
}  // namespace sheaf
