#include "spill/spill_file.h"

#include <arrow/api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <utility>

#include "sheaf/error.h"
#include "spill/file_size_limit_test_support.h"

namespace sheaf {
namespace {

std::shared_ptr<arrow::Schema> TestSchema() {
  return arrow::schema({arrow::field("id", arrow::int64()), arrow::field("t", arrow::utf8()),
                        arrow::field("l", arrow::list(arrow::int32()))});
}

std::shared_ptr<arrow::RecordBatch> Rows(int64_t first) {
  arrow::Int64Builder ids;
  arrow::StringBuilder texts;
  auto values = std::make_shared<arrow::Int32Builder>();
  arrow::ListBuilder lists(arrow::default_memory_pool(), values);
  for (int64_t i = 0; i < 1000; ++i) {
    EXPECT_TRUE(ids.Append(first + i).ok());
    EXPECT_TRUE((i % 7 == 0 ? texts.AppendNull() : texts.Append(std::to_string(i))).ok());
    EXPECT_TRUE(lists.Append().ok());
    EXPECT_TRUE(values->Append(static_cast<int32_t>(i)).ok());
  }
  return arrow::RecordBatch::Make(TestSchema(), 1000,
                                  {*ids.Finish(), *texts.Finish(), *lists.Finish()});
}

TEST(SpillFileTest, BlocksComeBackInAnyOrder) {
  auto file = SpillFile::Create(SpillDirectory(), TestSchema()).ValueOrDie();
  const auto first = file->Write(Rows(0)).ValueOrDie();
  const auto second = file->Write(Rows(5000)->Slice(10, 500)).ValueOrDie();
  const auto empty = file->Write(Rows(0)->Slice(0, 0)).ValueOrDie();
  EXPECT_TRUE(file->Read(second).ValueOrDie()->Equals(*Rows(5000)->Slice(10, 500)));
  EXPECT_TRUE(file->Read(first).ValueOrDie()->Equals(*Rows(0)));
  EXPECT_EQ(file->Read(empty).ValueOrDie()->num_rows(), 0);
}

TEST(SpillFileTest, HasNoNameInItsDirectory) {
  const auto directory = std::filesystem::temp_directory_path() / "sheaf_spill_file_test";
  std::filesystem::create_directory(directory);
  {
    auto file = SpillFile::Create(directory, TestSchema()).ValueOrDie();
    ASSERT_TRUE(file->Write(Rows(0)).ok());
    EXPECT_TRUE(std::filesystem::is_empty(directory));
  }
  std::filesystem::remove_all(directory);
}

TEST(SpillFileTest, AFailedWriteIsToldByEveryLaterCall) {
  auto file = SpillFile::Create(SpillDirectory(), TestSchema()).ValueOrDie();
  const auto written = file->Write(Rows(0)).ValueOrDie();
  ASSERT_TRUE(file->Read(written).ok());
  std::optional<testing::FileSizeLimit> full_disk(std::in_place, 0);
  const auto block = file->Write(Rows(0)).ValueOrDie();
  const auto read = file->Read(block);
  full_disk.reset();
  EXPECT_EQ(KindOf(read.status()), ErrorKind::kEngine);
  EXPECT_THAT(read.status().message(), ::testing::HasSubstr("can't write to it"));
  EXPECT_EQ(file->Write(Rows(0)).status(), read.status());
  EXPECT_TRUE(file->Read(written).ok());
}

TEST(SpillFileTest, ItsEndDoesNotWaitForWhatNobodyWillRead) {
  auto file = SpillFile::Create(SpillDirectory(), TestSchema()).ValueOrDie();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(file->Write(Rows(i)).ok());
}

TEST(SpillFileTest, MissingDirectoryIsAnErrorThatNamesIt) {
  const auto file = SpillFile::Create("/nonexistent/spill", TestSchema());
  EXPECT_EQ(KindOf(file.status()), ErrorKind::kEngine);
  EXPECT_THAT(file.status().message(), ::testing::HasSubstr("/nonexistent/spill"));
}

}  // namespace
}  // namespace sheaf
