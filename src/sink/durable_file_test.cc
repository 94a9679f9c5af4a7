#include "sink/durable_file.h"

#include <arrow/io/interfaces.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <xxhash.h>

#include "sheaf/error.h"
#include "sink/sink_test_support.h"

namespace sheaf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(DurableFileTest, TheNameAppearsOnlyWhenTheFileIsStored) {
  const testing::TemporaryDirectory directory;
  const auto file = DurableFile::Create(directory.path() / "data").ValueOrDie();
  ASSERT_TRUE(file->stream()->Write("half", 4).ok());
  EXPECT_THAT(directory.Entries(), ElementsAre(".data.tmp"));
  ASSERT_TRUE(file->stream()->Write("half", 4).ok());
  const auto stored = file->Store();
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_THAT(directory.Entries(), ElementsAre("data"));
  EXPECT_EQ(testing::ReadText(directory.path() / "data"), "halfhalf");
}

TEST(DurableFileTest, SizeAndChecksumAreThoseOfTheFile) {
  const testing::TemporaryDirectory directory;
  const std::string text(100'000, 'x');
  const auto stored = WriteTextDurably(directory.path() / "data", text);
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_EQ(stored->bytes, 100'000);
  EXPECT_EQ(stored->xxh3_64, fmt::format("{:016x}", XXH3_64bits(text.data(), text.size())));
}

TEST(DurableFileTest, AFileThatIsNotStoredLeavesNothing) {
  const testing::TemporaryDirectory directory;
  ASSERT_TRUE(
      DurableFile::Create(directory.path() / "data").ValueOrDie()->stream()->Write("half", 4).ok());
  EXPECT_THAT(directory.Entries(), IsEmpty());
}

TEST(DurableFileTest, AnErrorOfTheWriterNamesTheFile) {
  const testing::TemporaryDirectory directory;
  const auto file = DurableFile::Create(directory.path() / "data").ValueOrDie();
  EXPECT_TRUE(file->Check(arrow::Status::OK()).ok());
  const arrow::Status status = file->Check(arrow::Status::Invalid("the encoder gave up"));
  EXPECT_EQ(KindOf(status), ErrorKind::kEngine);
  EXPECT_EQ(status.message(), fmt::format("cannot write \"{}\": the encoder gave up",
                                          (directory.path() / "data").string()));
}

TEST(DurableFileTest, AFullDiskLeavesNothingAlsoWhereTheWriterIgnoresIt) {
  const testing::TemporaryDirectory directory;
  {
    const testing::FileSizeLimit limit(1000);
    const auto file = DurableFile::Create(directory.path() / "data").ValueOrDie();
    const std::string text(2000, 'x');
    EXPECT_FALSE(file->stream()->Write(text.data(), 2000).ok());
    EXPECT_FALSE(file->stream()->Write("more", 4).ok());
    const std::string message =
        fmt::format("cannot write \"{}\": File too large", (directory.path() / "data").string());
    EXPECT_EQ(file->Check(arrow::Status::Invalid("the encoder gave up")).message(), message);
    const auto stored = file->Store();
    EXPECT_EQ(KindOf(stored.status()), ErrorKind::kEngine);
    EXPECT_EQ(stored.status().message(), message);
  }
  EXPECT_THAT(directory.Entries(), IsEmpty());
}

TEST(DurableFileTest, AFileThatIsBeingWrittenIsLeftToItsWriter) {
  const testing::TemporaryDirectory directory;
  const auto file = DurableFile::Create(directory.path() / "data").ValueOrDie();
  EXPECT_THAT(WriteTextDurably(directory.path() / "data", "another's").status().message(),
              HasSubstr("data\": File exists"));
  ASSERT_TRUE(file->stream()->Write("text", 4).ok());
  ASSERT_TRUE(file->Store().ok());
  EXPECT_EQ(testing::ReadText(directory.path() / "data"), "text");
}

TEST(DurableFileTest, AFileThatIsCreatedReplacesNone) {
  const testing::TemporaryDirectory directory;
  ASSERT_TRUE(CreateTextDurably(directory.path() / "data", "text").ok());
  EXPECT_THAT(CreateTextDurably(directory.path() / "data", "another's").status().message(),
              HasSubstr("data\": File exists"));
  EXPECT_THAT(directory.Entries(), ElementsAre("data"));
  EXPECT_EQ(testing::ReadText(directory.path() / "data"), "text");
}

TEST(DurableFileTest, AMissingFolderIsNamed) {
  const testing::TemporaryDirectory directory;
  const auto stored = WriteTextDurably(directory.path() / "absent" / "data", "text");
  EXPECT_THAT(stored.status().message(), HasSubstr("absent/data\": No such file or directory"));
}

TEST(DurableFileTest, AFolderInPlaceOfTheFileIsAnErrorAndStays) {
  const testing::TemporaryDirectory directory;
  std::filesystem::create_directories(directory.path() / "data" / "inside");
  const auto stored = WriteTextDurably(directory.path() / "data", "text");
  EXPECT_THAT(stored.status().message(), HasSubstr("data\": Is a directory"));
  EXPECT_THAT(directory.Entries(), ElementsAre("data", "data/inside"));
}

}  // namespace
}  // namespace sheaf
