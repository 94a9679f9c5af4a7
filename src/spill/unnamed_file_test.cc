#include "spill/unnamed_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <string>

#include "sheaf/error.h"

namespace sheaf {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// What a new file in `directory` fails with.
std::string ErrorIn(const std::filesystem::path& directory) {
  const arrow::Status status = UnnamedFile::Create(directory).status();
  EXPECT_EQ(KindOf(status), ErrorKind::kEngine);
  EXPECT_THAT(status.message(), HasSubstr(directory.string()));
  return status.message();
}

TEST(UnnamedFileTest, ADirectoryThatIsNoneIsNamedAndAnotherAsked) {
  const std::string error = ErrorIn("/nowhere/at/all");
  EXPECT_THAT(error, HasSubstr("No such file or directory"));
  EXPECT_THAT(error, HasSubstr("SHEAF_SPILL_DIR"));
}

TEST(UnnamedFileTest, WhereTooManyFilesAreOpenItAsksForMoreOfThemAndNotForSpace) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const std::string error = ErrorIn(::testing::TempDir());
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_THAT(error, HasSubstr("ulimit -n"));
  EXPECT_THAT(error, Not(HasSubstr("space")));
}

}  // namespace
}  // namespace sheaf
