#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "sink/json_text.h"
#include "sink/sink_test_support.h"
#include "sink/table_writer.h"

namespace sheaf {
namespace {

using ::testing::HasSubstr;

arrow::Status Write(const std::shared_ptr<arrow::RecordBatch>& rows,
                    std::shared_ptr<arrow::io::OutputStream> stream) {
  ARROW_ASSIGN_OR_RAISE(const auto file,
                        MakeJsonlWriter()->Begin(rows->schema(), std::move(stream)));
  return file->Write(rows, /*last=*/true);
}

std::string Lines(const std::shared_ptr<arrow::RecordBatch>& rows) {
  const auto stream = arrow::io::BufferOutputStream::Create().ValueOrDie();
  EXPECT_TRUE(Write(rows, stream).ok());
  return stream->Finish().ValueOrDie()->ToString();
}

std::shared_ptr<arrow::RecordBatch> Numbers(int64_t count) {
  arrow::Int64Builder builder;
  for (int64_t i = 0; i < count; ++i) EXPECT_TRUE(builder.Append(i).ok());
  return testing::RowsOf({{"n", builder.Finish().ValueOrDie()}});
}

TEST(JsonlWriterTest, ARowIsAnObjectALine) {
  EXPECT_EQ(Lines(testing::RowsOf({{"a", testing::ArrayOf(arrow::int64(), "[1, 2]")},
                                   {"b", testing::ArrayOf(arrow::utf8(), R"(["x", null])")}})),
            "{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":null}\n");
}

TEST(JsonlWriterTest, NoRowsAreNoLines) { EXPECT_EQ(Lines(Numbers(0)), ""); }

TEST(JsonlWriterTest, LinesOfPartsMadeSideBySideComeInTheOrderOfTheRows) {
  arrow::StringBuilder builder;
  std::string expected;
  for (int i = 0; i < 5000; ++i) {
    // Now and then a long run of rows that take long: others must wait for them.
    const std::string value = std::to_string(i) + std::string(i % 1024 < 256 ? 20'000 : 0, '\t');
    ASSERT_TRUE(builder.Append(value).ok());
    expected += "{\"v\":" + Json(value).dump() + "}\n";
  }
  EXPECT_TRUE(Lines(testing::RowsOf({{"v", builder.Finish().ValueOrDie()}})) == expected);
}

/// Takes so many writes and then fails.
class FullDisk : public arrow::io::OutputStream {
 public:
  explicit FullDisk(int writes) : writes_(writes) {}
  arrow::Status Write(const void*, int64_t) override {
    ++asked_;
    return asked_ > writes_ ? arrow::Status::IOError("disk full") : arrow::Status::OK();
  }
  using arrow::io::OutputStream::Write;
  [[nodiscard]] arrow::Result<int64_t> Tell() const override { return 0; }
  arrow::Status Close() override { return arrow::Status::OK(); }
  [[nodiscard]] bool closed() const override { return false; }
  [[nodiscard]] int asked() const { return asked_; }

 private:
  const int writes_;
  int asked_ = 0;
};

TEST(JsonlWriterTest, NothingIsWrittenAfterAnError) {
  for (int writes = 0; writes < 5; ++writes) {
    const auto disk = std::make_shared<FullDisk>(writes);
    EXPECT_THAT(Write(Numbers(100'000), disk).message(), HasSubstr("disk full"));
    EXPECT_EQ(disk->asked(), writes + 1);
  }
}

}  // namespace
}  // namespace sheaf
