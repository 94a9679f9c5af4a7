#include "job/output_check.h"

#include <gtest/gtest.h>

#include <string>

namespace sheaf {
namespace {

Job JobWith(const std::string& table) {
  return Job().Key({"id"}).Add(Table::Named(table).SelectsKeys());
}

std::string Fault(const Job& job, const OutputOptions& output) {
  const auto problem = FindOutputProblem(job, output);
  return problem ? problem->field + ": " + problem->message : "";
}

TEST(OutputCheckTest, StandardOutputTakesStreamsOnly) {
  EXPECT_EQ(Fault(JobWith("A"), {.dir = "-", .format = Format::kJsonl}), "");
  EXPECT_EQ(Fault(JobWith("A"), {.dir = "-", .format = Format::kArrow}), "");
  EXPECT_EQ(Fault(JobWith("A"), {.dir = "-"}),
            "format: standard output takes output.format = \"jsonl\" or \"arrow\", not "
            "\"parquet\"");
  EXPECT_NE(Fault(JobWith("A"), {.dir = "-", .format = Format::kNested}), "");
}

TEST(OutputCheckTest, SixteenBitsCountUpTo65536Keys) {
  const Job job = JobWith("A");
  EXPECT_EQ(Fault(Job(job).MaxKeys(65'536), {.dir = "o", .local_id = LocalId::kUint16}), "");
  EXPECT_EQ(Fault(Job(job).MaxKeys(65'537), {.dir = "o", .local_id = LocalId::kUint32}), "");
  EXPECT_EQ(Fault(Job(job).MaxKeys(65'537), {.dir = "o", .local_id = LocalId::kUint16}),
            "local_id: output.local_id = \"uint16\" counts the keys of a batch up to 65536, and "
            "batch.max_keys is 65537; take \"uint32\"");
}

TEST(OutputCheckTest, NoTableOfADocumentIsCalledAsItsKey) {
  EXPECT_EQ(Fault(JobWith("id"), {.dir = "o"}), "");
  EXPECT_EQ(Fault(JobWith("key"), {.dir = "o", .format = Format::kNested}), "");
  EXPECT_EQ(Fault(JobWith("key"), {.dir = "o", .format = Format::kJsonl}),
            "format: a document has the key as \"key\": call table \"key\" otherwise");
  for (const Format format : {Format::kJsonl, Format::kNested}) {
    EXPECT_NE(Fault(JobWith("id"), {.dir = "o", .format = format}), "");
  }
  EXPECT_NE(Fault(JobWith("id"), {.dir = "-", .format = Format::kArrow}), "");
}

TEST(OutputCheckTest, ALinkedTableIsNoNeighbourOfTheKey) {
  const Job job = JobWith("A").Add(Table::Named("id").References("A", {"r"}));
  EXPECT_EQ(Fault(job, {.dir = "o", .format = Format::kJsonl}), "");
}

}  // namespace
}  // namespace sheaf
