#include "sink/directory_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "sheaf/error.h"
#include "sink/sink_test_support.h"

namespace sheaf {
namespace {

using ::testing::HasSubstr;

TEST(DirectoryLockTest, ADirectoryIsHeldUntilTheLockGoes) {
  const testing::TemporaryDirectory directory;
  auto first = DirectoryLock::Take(directory.path()).ValueOrDie();
  const arrow::Status status = DirectoryLock::Take(directory.path()).status();
  EXPECT_EQ(KindOf(status), ErrorKind::kEngine);
  EXPECT_THAT(status.message(), HasSubstr("another run writes to output directory"));
  first.reset();
  EXPECT_TRUE(DirectoryLock::Take(directory.path()).ok());
}

TEST(DirectoryLockTest, WhatIsNoDirectoryIsAnError) {
  const testing::TemporaryDirectory directory;
  EXPECT_THAT(DirectoryLock::Take(directory.path() / "absent").status().message(),
              HasSubstr("absent\": No such file or directory"));
  std::ofstream(directory.path() / "file") << "text";
  EXPECT_THAT(DirectoryLock::Take(directory.path() / "file").status().message(),
              HasSubstr("file\": Not a directory"));
}

}  // namespace
}  // namespace sheaf
