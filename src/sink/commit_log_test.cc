#include "sink/commit_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sheaf/error.h"
#include "sink/sink_test_support.h"

namespace sheaf {
namespace {

using ::testing::HasSubstr;

TEST(CommitLogTest, EachAppendIsALine) {
  const testing::TemporaryDirectory directory;
  const auto path = directory.path() / "log";
  auto log = CommitLog::Create(path);
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ(testing::ReadText(path), "");
  ASSERT_TRUE((*log)->Append("one").ok());
  EXPECT_EQ(testing::ReadText(path), "one\n");
  ASSERT_TRUE((*log)->Append("two").ok());
  EXPECT_EQ(testing::ReadText(path), "one\ntwo\n");
}

TEST(CommitLogTest, AFailedAppendLeavesWholeLinesOnly) {
  const testing::TemporaryDirectory directory;
  const auto path = directory.path() / "log";
  auto log = CommitLog::Create(path);
  ASSERT_TRUE(log.ok()) << log.status();
  ASSERT_TRUE((*log)->Append("one").ok());
  {
    const testing::FileSizeLimit limit(6);
    const arrow::Status status = (*log)->Append("a longer line");
    EXPECT_EQ(KindOf(status), ErrorKind::kEngine);
    EXPECT_THAT(status.message(), HasSubstr("log\": File too large"));
  }
  EXPECT_EQ(testing::ReadText(path), "one\n");
}

TEST(CommitLogTest, AnExistingLogIsNotTouched) {
  const testing::TemporaryDirectory directory;
  const auto path = directory.path() / "log";
  std::ofstream(path) << "old\n";
  const auto log = CommitLog::Create(path);
  EXPECT_THAT(log.status().message(), HasSubstr("log\": File exists"));
  EXPECT_EQ(testing::ReadText(path), "old\n");
}

}  // namespace
}  // namespace sheaf
