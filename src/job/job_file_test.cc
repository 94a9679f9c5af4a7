#include "sheaf/job_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "sheaf/error.h"

namespace sheaf {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;

/// Lines 1 to 5 of every job here: what a job must have at least.
constexpr const char* kMinimal = R"([batch]
key = ["id"]
[[table]]
name = "A"
selects_keys = true
)";

class JobFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::temp_directory_path() /
                 ("sheaf_job_file_test_" + std::to_string(getpid()));
    std::filesystem::create_directories(directory_);
    path_ = directory_ / "job.toml";
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  arrow::Result<JobFile> Load(const std::string& text,
                              const std::vector<std::string>& overrides = {}) {
    std::ofstream(path_) << text;
    return LoadJobFile(path_, overrides);
  }

  JobFile Good(const std::string& text, const std::vector<std::string>& overrides = {}) {
    auto file = Load(text, overrides);
    EXPECT_TRUE(file.ok()) << file.status();
    return file.ok() ? *file : JobFile();
  }

  /// The message without the folder of the job file; checks the kind.
  std::string Fault(const std::string& text, const std::vector<std::string>& overrides = {}) {
    const auto file = Load(text, overrides);
    EXPECT_FALSE(file.ok()) << text;
    EXPECT_EQ(KindOf(file.status()), ErrorKind::kJob);
    std::string message = file.status().message();
    const std::string folder = directory_.string() + "/";
    if (message.starts_with(folder)) message.erase(0, folder.size());
    return message;
  }

  std::filesystem::path directory_;
  std::filesystem::path path_;
};

TEST_F(JobFileTest, ReadsEveryField) {
  const JobFile file = Good(R"toml(
[engine]
driver = "duckdb"
uri = "x.db"
setup = ["CREATE TABLE a (id INT)", "CREATE TABLE b (id INT)"]
[engine.options]
"datafusion.target_partitions" = "2"
threads = 4
exact = true
[batch]
key = ["tenant", "id"]
max_keys = 1000
max_bytes = "256MiB"
strategy = "merge"
ties = "fixed"
memory = 67108864
[[table]]
name = "A"
query = "SELECT 1"
order_by = ["ts", "seq DESC"]
selects_keys = true
[[table]]
name = "R"
source = "resource_attrs"
key = ["tenant", "parent_id"]
optional = true
rows_per_key = "at_most_one"
[policy]
null_key = "error"
missing = "drop"
duplicate = "first"
[output]
dir = "out"
format = "arrow"
)toml");
  EXPECT_EQ(file.path, path_);
  EXPECT_EQ(file.directory, directory_);
  EXPECT_EQ(file.engine.driver, "duckdb");
  EXPECT_EQ(file.engine.uri, "x.db");
  EXPECT_THAT(file.engine.setup, ElementsAre("CREATE TABLE a (id INT)", "CREATE TABLE b (id INT)"));
  EXPECT_THAT(file.engine.options, ElementsAre(Pair("datafusion.target_partitions", "2"),
                                               Pair("exact", "true"), Pair("threads", "4")));
  const Job& job = file.job;
  EXPECT_THAT(job.key, ElementsAre("tenant", "id"));
  EXPECT_EQ(job.max_keys, 1000);
  EXPECT_EQ(job.max_bytes, 268435456);
  EXPECT_EQ(job.strategy, Strategy::kMerge);
  EXPECT_EQ(job.ties, Ties::kFixed);
  EXPECT_EQ(job.memory, 67108864);
  ASSERT_EQ(job.tables.size(), 2U);
  EXPECT_EQ(job.tables[0].query, "SELECT 1");
  EXPECT_EQ(job.tables[0].source, "");
  EXPECT_THAT(job.tables[0].order_by, ElementsAre("ts", "seq DESC"));
  EXPECT_TRUE(job.tables[0].selects_keys);
  EXPECT_EQ(job.tables[1].source, "resource_attrs");
  EXPECT_THAT(job.tables[1].key, ElementsAre("tenant", "parent_id"));
  EXPECT_TRUE(job.tables[1].optional);
  EXPECT_EQ(job.tables[1].rows_per_key, Cardinality::kAtMostOne);
  EXPECT_EQ(job.policy.null_key, Policy::NullKey::kError);
  EXPECT_EQ(job.policy.missing, Policy::Missing::kDrop);
  EXPECT_EQ(job.policy.duplicate, Policy::Duplicate::kFirst);
  ASSERT_TRUE(file.output.has_value());
  EXPECT_EQ(file.output->dir, directory_ / "out");
  EXPECT_EQ(file.output->format, Format::kArrow);
}

TEST_F(JobFileTest, HasDefaults) {
  const JobFile file = Good(kMinimal);
  EXPECT_EQ(file.engine.driver, "datafusion");
  EXPECT_EQ(file.job.max_keys, 65536);
  EXPECT_EQ(file.job.max_bytes, std::nullopt);
  EXPECT_EQ(file.job.memory, 1 << 30);
  EXPECT_EQ(file.job.strategy, Strategy::kAuto);
  EXPECT_EQ(file.output, std::nullopt);
}

TEST_F(JobFileTest, ATableWithoutSourceAndQueryIsCalledByItsName) {
  EXPECT_EQ(Good(kMinimal).job.tables[0].source, "A");
}

TEST_F(JobFileTest, AFileThatCannotBeReadIsNotTheJobsFault) {
  for (const auto& path : {directory_ / "absent.toml", directory_}) {
    const auto file = LoadJobFile(path);
    ASSERT_FALSE(file.ok());
    EXPECT_EQ(KindOf(file.status()), ErrorKind::kEngine);
    EXPECT_THAT(file.status().message(), HasSubstr("cannot read the job file " + path.string()));
  }
}

TEST_F(JobFileTest, SyntaxErrorsNameTheLine) {
  EXPECT_THAT(Fault("[batch]\nkey = [\"id\"]\nmax_keys 5\n"), StartsWith("job.toml:3: "));
  EXPECT_THAT(Fault("[batch]\nkey = \"id\n"), StartsWith("job.toml:2: "));
}

TEST_F(JobFileTest, UnknownFieldsNameTheLineAndTheNearest) {
  EXPECT_EQ(Fault("[batch]\nkey = [\"id\"]\nmx_keys = 5\n"),
            "job.toml:3: unknown field \"mx_keys\" in [batch]; did you mean \"max_keys\"?");
  EXPECT_EQ(Fault(std::string(kMinimal) + "quary = \"SELECT 1\"\n"),
            "job.toml:6: unknown field \"quary\" in [table]; did you mean \"query\"?");
  EXPECT_EQ(Fault(std::string(kMinimal) + "[ouput]\ndir = \"x\"\n"),
            "job.toml:6: unknown field \"ouput\"; did you mean \"output\"?");
  EXPECT_EQ(Fault("[policy]\nnul_key = \"skip\"\n"),
            "job.toml:2: unknown field \"nul_key\" in [policy]; did you mean \"null_key\"?");
  EXPECT_THAT(Fault("[engine]\ndrivers = \"x\"\n"), HasSubstr("did you mean \"driver\"?"));
  EXPECT_THAT(Fault("[output]\ndirectory = \"x\"\n"), HasSubstr("there is \"dir\", \"format\""));
}

TEST_F(JobFileTest, WrongTypesNameTheLineAndBothTypes) {
  EXPECT_EQ(Fault("[batch]\nmax_keys = \"10\"\n"),
            "job.toml:2: batch.max_keys must be a whole number, not a string");
  EXPECT_EQ(Fault("[batch]\nmax_keys = 1.5\n"),
            "job.toml:2: batch.max_keys must be a whole number, not a number with a fraction");
  EXPECT_EQ(Fault("[batch]\nkey = \"id\"\n"),
            "job.toml:2: batch.key must be a list of strings, not a string");
  EXPECT_EQ(Fault("[batch]\nkey = [\n\"id\",\n7]\n"),
            "job.toml:4: an element of batch.key must be a string, not a whole number");
  EXPECT_EQ(Fault("[batch]\nstrategy = 1\n"),
            "job.toml:2: batch.strategy must be a string, not a whole number");
  EXPECT_EQ(Fault("[batch]\nmemory = true\n"),
            "job.toml:2: batch.memory must be a size such as \"256MiB\", not true or false");
  EXPECT_EQ(Fault("[[table]]\nname = 2024-01-01\n"),
            "job.toml:2: table.name must be a string, not a date or time");
  EXPECT_EQ(Fault("[[table]]\nselects_keys = \"yes\"\n"),
            "job.toml:2: table.selects_keys must be true or false, not a string");
  EXPECT_EQ(Fault("batch = 1\n"), "job.toml:1: batch must be a table, not a whole number");
  EXPECT_EQ(Fault("[table]\nname = \"A\"\n"),
            "job.toml:1: table must be a list of tables, each under [[table]], not a table");
  EXPECT_EQ(Fault("table = [1]\n"),
            "job.toml:1: table must be a list of tables, each under [[table]], not a whole number");
}

TEST_F(JobFileTest, OptionsWithDotsNeedQuotes) {
  EXPECT_THAT(
      Fault("[engine.options]\ndatafusion.target_partitions = \"2\"\n"),
      StartsWith("job.toml:2: engine.options.\"datafusion\" must be a string, not a table; a "
                 "name with dots stands in double quotes"));
  EXPECT_THAT(Fault("[engine.options]\nx = 1.5\n"),
              HasSubstr("must be a string, not a number with a fraction"));
}

TEST_F(JobFileTest, ValuesOutOfRangeNameTheLine) {
  for (const char* value : {"0", "-1", "2147483648"}) {
    EXPECT_EQ(
        Fault(std::string("[batch]\nmax_keys = ") + value),
        std::string("job.toml:2: batch.max_keys must be between 1 and 2147483647, not ") + value);
  }
  EXPECT_EQ(
      Fault("[batch]\nmax_bytes = \"12 apples\"\n"),
      "job.toml:2: batch.max_bytes must be a size such as \"256MiB\", \"1GB\" or 1048576, not "
      "\"12 apples\"");
  EXPECT_EQ(Fault(std::string(kMinimal) + "[policy]\n", {"batch.memory=1MiB"}),
            "command line: memory must be at least 16MiB");
}

TEST_F(JobFileTest, UnknownWordsNameTheNearest) {
  EXPECT_EQ(Fault("[batch]\nstrategy = \"merg\"\n"),
            "job.toml:2: batch.strategy can't be \"merg\"; did you mean \"merge\"?");
  EXPECT_EQ(
      Fault("[[table]]\nrows_per_key = \"several\"\n"),
      "job.toml:2: table.rows_per_key can't be \"several\"; there is \"one\", \"at_most_one\", "
      "\"any\"");
  EXPECT_EQ(Fault("[output]\nformat = \"parqet\"\n"),
            "job.toml:2: output.format can't be \"parqet\"; did you mean \"parquet\"?");
}

TEST_F(JobFileTest, ASubstraitPlanIsTheBytesOfItsFile) {
  std::ofstream(directory_ / "plan.bin", std::ios::binary) << std::string("\x1a\0\xff", 3);
  const JobFile file = Load(
                           "[batch]\nkey = [\"id\"]\n[[table]]\nname = \"A\"\nsubstrait = "
                           "\"plan.bin\"\nselects_keys = true\n")
                           .ValueOrDie();
  EXPECT_EQ(file.job.tables[0].substrait, std::string("\x1a\0\xff", 3));
  EXPECT_EQ(file.job.tables[0].source, "");
}

TEST_F(JobFileTest, ASubstraitFileThatCannotBeReadSaysWhy) {
  std::filesystem::create_directory(directory_ / "folder");
  const std::string table = "[[table]]\nname = \"A\"\nsubstrait = ";
  for (const auto& [name, why] : {std::pair("absent.bin", "No such file or directory"),
                                  std::pair("folder", "Is a directory")}) {
    const arrow::Status status = Load(table + "\"" + name + "\"\n").status();
    EXPECT_EQ(KindOf(status), ErrorKind::kEngine);
    EXPECT_THAT(status.message(), EndsWith("job.toml:3: table.substrait: the file \"" +
                                           std::string(name) + "\" can't be read: " + why));
  }
  std::ofstream(directory_ / "empty.bin").close();
  EXPECT_EQ(Fault(table + "\"empty.bin\"\n"),
            "job.toml:3: table.substrait: the file \"empty.bin\" is empty");
}

TEST_F(JobFileTest, AnErrorShowsNoValueOfAVariable) {
  ::setenv("SHEAF_TEST_TOKEN", "Hunter2Secret", 1);
  const arrow::Status status =
      Load("[[table]]\nname = \"A\"\nsubstrait = \"${SHEAF_TEST_TOKEN}\"\n").status();
  EXPECT_THAT(status.message(), HasSubstr("\"${SHEAF_TEST_TOKEN}\" can't be read"));
}

TEST_F(JobFileTest, WhatCheckFindsNamesTheLine) {
  EXPECT_EQ(Fault("[batch]\nmax_keys = 5\n"),
            "job.toml:1: key is missing: name the key columns of the job");
  EXPECT_EQ(Fault(""), "job.toml: key is missing: name the key columns of the job");
  EXPECT_EQ(Fault("[batch]\nkey = [\"id\"]\n"), "job.toml:1: a job needs at least one table");
  for (const std::string end : {";", "; ", "; -- and no more", ";\\n-- a\\n-- b\\n"}) {
    EXPECT_EQ(Fault(std::string(kMinimal) + "query = \"SELECT 1" + end + "\"\n"),
              "job.toml:6: table \"A\": query must be one query without a semicolon at its end");
  }
  EXPECT_EQ(Fault(std::string(kMinimal) + "[[table]]\nsource = \"x\"\n"),
            "job.toml:6: table number 2: name is missing");
  EXPECT_THAT(Fault(std::string(kMinimal) + "[[table]]\nname = \"A\"\n"),
              StartsWith("job.toml:7: table \"A\": "));
  EXPECT_THAT(Fault(std::string(kMinimal) + "order_by = [\"a up\"]\n"), StartsWith("job.toml:6: "));
  EXPECT_THAT(Fault(std::string(kMinimal) + "query = \"SELECT 1\"\nsource = \"x\"\n"),
              HasSubstr("exactly one of source, query, substrait and stream"));
}

TEST_F(JobFileTest, OutputNeedsADirectory) {
  EXPECT_EQ(Fault(std::string(kMinimal) + "[output]\nformat = \"arrow\"\n"),
            "job.toml:6: output.dir is missing");
  EXPECT_EQ(Fault(std::string(kMinimal) + "[output]\ndir = \"\"\n"),
            "job.toml:7: output.dir is missing");
}

TEST_F(JobFileTest, ADriverThatIsNamedHasAName) {
  EXPECT_EQ(Fault(std::string(kMinimal) + "[engine]\ndriver = \"\"\n"),
            "job.toml:7: engine.driver is missing");
}

TEST_F(JobFileTest, OutputMayBeStandardOutput) {
  EXPECT_EQ(Good(kMinimal, {"output.dir=-", "output.format=jsonl"}).output->dir, "-");
  EXPECT_EQ(Fault(std::string(kMinimal) + "[output]\ndir = \"-\"\nformat = \"nested\"\n"),
            "job.toml:8: standard output takes output.format = \"jsonl\" or \"arrow\", not "
            "\"nested\"");
  EXPECT_THAT(Fault(kMinimal, {"output.dir=-"}), HasSubstr("not \"parquet\""));
}

TEST_F(JobFileTest, LocalIdsAreCounted) {
  EXPECT_EQ(Good(kMinimal, {"output.dir=x"}).output->local_id, LocalId::kNone);
  EXPECT_EQ(Good(kMinimal, {"output.dir=x", "output.local_id=uint16"}).output->local_id,
            LocalId::kUint16);
  EXPECT_THAT(Fault(std::string(kMinimal) + "[output]\ndir = \"x\"\nlocal_id = \"uint16\"\n",
                    {"batch.max_keys=65537"}),
              StartsWith("job.toml:8: output.local_id = \"uint16\" counts"));
}

TEST_F(JobFileTest, VariablesAreReplacedEverywhere) {
  setenv("SHEAF_TEST_SECRET", "hunter2", 1);
  const JobFile file = Good(std::string(kMinimal) + "query = \"SELECT '${SHEAF_TEST_SECRET}'\"\n" +
                            "[engine]\nuri = \"u:${SHEAF_TEST_SECRET}\"\n" +
                            "setup = [\"SET x = '${SHEAF_TEST_SECRET}'\"]\n" +
                            "options = { p = \"${SHEAF_TEST_SECRET}\" }\n");
  EXPECT_EQ(file.job.tables[0].query, "SELECT 'hunter2'");
  EXPECT_EQ(file.engine.uri, "u:hunter2");
  EXPECT_EQ(file.engine.setup[0], "SET x = 'hunter2'");
  EXPECT_EQ(file.engine.options.at("p"), "hunter2");
  EXPECT_THAT(file.environment, ElementsAre(Pair("SHEAF_TEST_SECRET", "hunter2")));
}

TEST_F(JobFileTest, UnsetVariablesNameTheLine) {
  unsetenv("SHEAF_TEST_UNSET");
  EXPECT_EQ(Fault("[engine]\nsetup = [\"a\",\n\"${SHEAF_TEST_UNSET}\"]\n"),
            "job.toml:3: the environment variable SHEAF_TEST_UNSET is not set");
}

TEST_F(JobFileTest, ErrorsNeverQuoteWhatVariablesHold) {
  setenv("SHEAF_TEST_SECRET", "hunter2", 1);
  for (const std::string& text : {
           std::string("[batch]\nstrategy = \"${SHEAF_TEST_SECRET}\"\n"),
           std::string("[batch]\nmemory = \"${SHEAF_TEST_SECRET}\"\n"),
           kMinimal + std::string("order_by = [\"a ${SHEAF_TEST_SECRET}\"]\n"),
           kMinimal + std::string("[[table]]\nname = \"${SHEAF_TEST_SECRET}/\"\n"),
       }) {
    const std::string message = Fault(text);
    EXPECT_THAT(message, HasSubstr("${SHEAF_TEST_SECRET}"));
    EXPECT_THAT(message, Not(HasSubstr("hunter2")));
  }
}

TEST_F(JobFileTest, OverridesReplaceAddAndCreate) {
  const JobFile file = Good(
      kMinimal, {"batch.max_keys=10", "batch.memory=64MiB", "batch.key=[\"a\"]",
                 "table.A.query=SELECT x = 1 AS id", "engine.driver=sqlite",
                 "engine.options.\"datafusion.batch_size\"=1024", "output.dir=a b", "policy = {}"});
  EXPECT_EQ(file.job.max_keys, 10);
  EXPECT_EQ(file.job.memory, 64 << 20);
  EXPECT_THAT(file.job.key, ElementsAre("a"));
  EXPECT_EQ(file.job.tables[0].query, "SELECT x = 1 AS id");
  EXPECT_EQ(file.engine.driver, "sqlite");
  EXPECT_EQ(file.engine.options.at("datafusion.batch_size"), "1024");
  EXPECT_EQ(file.output->dir, directory_ / "a b");
}

TEST_F(JobFileTest, OverridesTakeTextThatIsNoToml) {
  EXPECT_EQ(Good(kMinimal, {"engine.uri=say \"x\"\\y\n[batch]"}).engine.uri,
            "say \"x\"\\y\n[batch]");
  EXPECT_EQ(Good(kMinimal, {"engine.uri='7'"}).engine.uri, "7");
  EXPECT_EQ(Good(kMinimal, {"engine.uri="}).engine.uri, "");
  // A text whose second line is TOML brings in no second field.
  EXPECT_EQ(Good(kMinimal, {"engine.uri=1\nengine.driver = \"x\""}).engine.driver, "datafusion");
}

TEST_F(JobFileTest, OverridesNameTheNearestWhereTheyAreUnknown) {
  EXPECT_EQ(Fault(kMinimal, {"batch.mx_keys=5"}),
            "command line: unknown field \"mx_keys\" in [batch]; did you mean \"max_keys\"?");
  EXPECT_EQ(Fault(kMinimal, {"bach.max_keys=5"}),
            "command line: unknown field \"bach\"; did you mean \"batch\"?");
  EXPECT_EQ(Fault(kMinimal, {"policy.nul_key=skip"}),
            "command line: unknown field \"nul_key\" in [policy]; did you mean \"null_key\"?");
  EXPECT_EQ(Fault(kMinimal, {"table.AA.query=SELECT 1"}),
            "command line: no table \"AA\"; did you mean \"A\"?");
  EXPECT_EQ(Fault(kMinimal, {"table.A.quary=SELECT 1"}),
            "command line: unknown field \"quary\" in [table]; did you mean \"query\"?");
}

TEST_F(JobFileTest, OverridesAreCheckedLikeTheFile) {
  EXPECT_EQ(Fault(kMinimal, {"batch.max_keys=ten"}),
            "command line: batch.max_keys must be a whole number, not a string");
  EXPECT_EQ(Fault(kMinimal, {"batch.key.x=1"}),
            "command line: batch.key must be a list of strings, not a table");
}

TEST_F(JobFileTest, OverridesMustBeAPathAndAValue) {
  for (const char* text : {"batch.max_keys", "=5", "batch.=5", "batch max_keys=5", ""}) {
    EXPECT_THAT(Fault(kMinimal, {text}), HasSubstr("\" must be path=value")) << text;
  }
  EXPECT_THAT(Fault(kMinimal, {"table.A=5"}), HasSubstr("needs a table and a field"));
  EXPECT_THAT(Fault(kMinimal, {"table=5"}), HasSubstr("needs a table and a field"));
}

TEST_F(JobFileTest, OutputPathsAreRelativeToTheFile) {
  EXPECT_EQ(Good(kMinimal, {"output.dir=../x"}).output->dir, directory_ / "../x");
  EXPECT_EQ(Good(kMinimal, {"output.dir=link/../x"}).output->dir, directory_ / "link/../x");
  EXPECT_EQ(Good(kMinimal, {"output.dir=/x"}).output->dir, "/x");
  EXPECT_EQ(Good(kMinimal, {"output.dir=./x//y"}).output->dir, directory_ / "x/y");
}

TEST_F(JobFileTest, ReadsLinks) {
  const JobFile file = Good(std::string(kMinimal) + R"([[table]]
name = "R"
key = ["parent_id"]
references = { table = "A", columns = ["resource.id"] }
[[table]]
name = "C"
key = ["parent_id"]
parent = "A"
parent_columns = ["id"]
)");
  EXPECT_FALSE(file.job.tables[0].link);
  const Link& references = file.job.tables[1].link.value();
  EXPECT_EQ(references.kind, Link::Kind::kReference);
  EXPECT_EQ(references.table, "A");
  EXPECT_THAT(references.columns, ElementsAre("resource.id"));
  const Link& parent = file.job.tables[2].link.value();
  EXPECT_EQ(parent.kind, Link::Kind::kParent);
  EXPECT_EQ(parent.table, "A");
  EXPECT_THAT(parent.columns, ElementsAre("id"));
}

TEST_F(JobFileTest, FaultsOfLinksNameFileAndLine) {
  const std::string table = std::string(kMinimal) + "[[table]]\nname = \"R\"\n";
  EXPECT_EQ(
      Fault(table + "references = { table = \"A\", column = [\"x\"] }\n"),
      "job.toml:8: unknown field \"column\" in [table.references]; did you mean \"columns\"?");
  EXPECT_EQ(Fault(table + "references = { table = \"A\", columns = [\"x\"] }\nparent = \"A\"\n"),
            "job.toml:8: references and parent exclude each other");
  EXPECT_EQ(Fault(table + "parent_columns = [\"x\"]\n"),
            "job.toml:6: table \"R\": parent names no table");
}

}  // namespace
}  // namespace sheaf
