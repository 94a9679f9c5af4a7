#include "cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "sheaf/error.h"

namespace sheaf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

arrow::Result<CommandLine> Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "sheaf");
  return ParseCommandLine(static_cast<int>(arguments.size()), arguments.data());
}

std::string UsageFault(const std::vector<const char*>& arguments) {
  const auto line = Parse(arguments);
  EXPECT_FALSE(line.ok());
  EXPECT_EQ(KindOf(line.status()), ErrorKind::kJob);
  return line.status().message();
}

TEST(CommandLineTest, RunTakesOptionsAsOverridesAfterThoseOfSet) {
  const auto line = Parse({"run",
                           "--set",
                           "batch.max_keys=1",
                           "--set",
                           "table.A.query=SELECT 1",
                           "job.toml",
                           "--max-keys",
                           "10",
                           "--strategy",
                           "merge",
                           "--memory",
                           "64MiB",
                           "--format",
                           "arrow",
                           "--out",
                           "/a/${b}",
                           "--stop-after",
                           "2",
                           "--progress",
                           "never",
                           "--json"});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->command, CommandLine::Command::kRun);
  EXPECT_EQ(line->run.job.path, "job.toml");
  EXPECT_TRUE(line->run.job.json);
  EXPECT_FALSE(line->run.progress);
  EXPECT_EQ(line->run.stop_after, 2);
  EXPECT_THAT(OverridesOf(line->run),
              ElementsAre("batch.max_keys=1", "table.A.query=SELECT 1", "batch.max_keys=10",
                          "batch.strategy=merge", "batch.memory=64MiB", "output.format=arrow",
                          "output.dir=/a/$${b}"));
}

TEST(CommandLineTest, OutIsRelativeToTheCaller) {
  const auto line = Parse({"run", "x/job.toml", "--out", "out"});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_THAT(OverridesOf(line->run),
              ElementsAre("output.dir=" + (std::filesystem::current_path() / "out").string()));
}

TEST(CommandLineTest, OutMayBeStandardOutput) {
  EXPECT_THAT(OverridesOf(Parse({"run", "x/job.toml", "--out", "-"})->run),
              ElementsAre("output.dir=-"));
}

TEST(CommandLineTest, InitWritesJobTomlUnlessToldOtherwise) {
  EXPECT_EQ(Parse({"init"})->init_path, "job.toml");
  EXPECT_EQ(Parse({"init", "-"})->init_path, "-");
}

TEST(CommandLineTest, HelpAndVersionAreTexts) {
  EXPECT_THAT(Parse({"--help"})->text, HasSubstr("Examples:"));
  EXPECT_THAT(Parse({"run", "--help"})->text, HasSubstr("--stop-after"));
  EXPECT_THAT(Parse({"--version"})->text, HasSubstr("sheaf "));
}

TEST(CommandLineTest, AnEmptyValueIsRefused) {
  for (const char* option : {"--out", "--format", "--strategy", "--memory", "--from"}) {
    EXPECT_THAT(UsageFault({"run", "job.toml", option, ""}), HasSubstr(option));
  }
}

TEST(CommandLineTest, BadUsageSaysWhatIsWrong) {
  EXPECT_THAT(UsageFault({}), HasSubstr("see sheaf --help"));
  EXPECT_EQ(UsageFault({"rnu"}), "unknown command \"rnu\"; did you mean \"run\"?");
  EXPECT_THAT(UsageFault({"run"}), HasSubstr("JOB is required"));
  EXPECT_THAT(UsageFault({"run", "j", "--max-keys", "0"}), HasSubstr("not in range 1 to"));
  EXPECT_THAT(UsageFault({"run", "j", "--stop-after", "0"}), HasSubstr("not in range 1 to"));
  EXPECT_THAT(UsageFault({"run", "j", "--progress", "always"}), HasSubstr("always"));
  EXPECT_THAT(UsageFault({"run", "j", "--bogus"}), HasSubstr("--bogus"));
  EXPECT_THAT(UsageFault({"explain", "j", "--out", "x"}), HasSubstr("--out"));
}

}  // namespace
}  // namespace sheaf
