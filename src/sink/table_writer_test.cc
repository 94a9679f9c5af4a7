#include "sink/table_writer.h"

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <parquet/arrow/reader.h>

#include <limits>
#include <string>
#include <vector>

#include "sink/equal_rows_test_support.h"
#include "sink/sink_test_support.h"

namespace sheaf {
namespace {

using ::testing::HasSubstr;

using Rows = std::shared_ptr<arrow::RecordBatch>;

/// Writes the rows so many at a time.
arrow::Status Write(Format format, const Rows& rows, Ties ties, int64_t at_once,
                    const std::shared_ptr<arrow::io::OutputStream>& stream) {
  ARROW_ASSIGN_OR_RAISE(const auto file,
                        MakeTableWriter(format, ties)->Begin(rows->schema(), stream));
  int64_t begin = 0;
  for (; begin + at_once < rows->num_rows(); begin += at_once) {
    ARROW_RETURN_NOT_OK(file->Write(rows->Slice(begin, at_once), /*last=*/false));
  }
  return file->Write(rows->Slice(begin), /*last=*/true);
}

arrow::Result<std::shared_ptr<arrow::Buffer>> Encode(
    Format format, const Rows& rows, Ties ties = Ties::kAny,
    int64_t at_once = std::numeric_limits<int32_t>::max()) {
  ARROW_ASSIGN_OR_RAISE(const auto stream, arrow::io::BufferOutputStream::Create());
  ARROW_RETURN_NOT_OK(Write(format, rows, ties, at_once, stream));
  return stream->Finish();
}

arrow::Result<std::shared_ptr<arrow::Table>> Decode(Format format,
                                                    const std::shared_ptr<arrow::Buffer>& bytes) {
  const auto file = std::make_shared<arrow::io::BufferReader>(bytes);
  if (format == Format::kParquet) {
    ARROW_ASSIGN_OR_RAISE(const auto reader,
                          parquet::arrow::OpenFile(file, arrow::default_memory_pool()));
    return reader->ReadTable();
  }
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.use_threads = false;
  ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::ipc::RecordBatchFileReader::Open(file, options));
  return reader->ToTable();
}

/// One column a type that comes back as it was, in both formats.
Rows ManyTypes() {
  const auto list = arrow::list(arrow::struct_({arrow::field("x", arrow::int32())}));
  const std::vector<std::pair<std::shared_ptr<arrow::DataType>, std::string>> columns = {
      {arrow::boolean(), "[true, null, false]"},
      {arrow::int8(), "[-128, null, 127]"},
      {arrow::uint64(), "[18446744073709551615, 0, null]"},
      {arrow::int64(), "[-9223372036854775808, 0, null]"},
      {arrow::float16(), "[1.5, null, -2]"},
      {arrow::float64(), "[0.1, null, Inf]"},
      {arrow::decimal32(5, 2), R"(["1.50", null, "-999.99"])"},
      {arrow::decimal64(15, 3), R"(["1.500", null, "-0.001"])"},
      {arrow::decimal128(38, 0), R"(["99999999999999999999999999999999999999", null, "0"])"},
      {arrow::date32(), "[19000, null, -1]"},
      {arrow::time32(arrow::TimeUnit::MILLI), "[1, null, 2]"},
      {arrow::time64(arrow::TimeUnit::NANO), "[1, null, 2]"},
      {arrow::timestamp(arrow::TimeUnit::NANO), "[1695549046903355064, null, -1]"},
      {arrow::timestamp(arrow::TimeUnit::MICRO, "Europe/Berlin"), "[0, null, 1]"},
      {arrow::duration(arrow::TimeUnit::SECOND), "[5, null, -5]"},
      {arrow::utf8(), R"(["é", null, ""])"},
      {arrow::large_utf8(), R"(["a", null, ""])"},
      {arrow::utf8_view(), R"(["a", null, "longer than twelve bytes"])"},
      {arrow::binary(), R"(["a", null, "\u0000"])"},
      {arrow::fixed_size_binary(2), R"(["ab", null, "cd"])"},
      {arrow::dictionary(arrow::int32(), arrow::utf8()), R"(["a", null, "a"])"},
      {list, R"([[{"x": 1}, null, {"x": null}], null, []])"},
      {arrow::map(arrow::utf8(), arrow::int32()), R"([[["a", 1]], null, []])"},
  };
  std::vector<std::pair<std::string, std::shared_ptr<arrow::Array>>> named;
  named.reserve(columns.size());
  for (const auto& [type, json] : columns) {
    named.emplace_back(type->ToString(), testing::ArrayOf(type, json));
  }
  return testing::RowsOf(named);
}

/// Fails once `budget` bytes have gone through, as a full disk does.
class FullDisk : public arrow::io::OutputStream {
 public:
  explicit FullDisk(int64_t budget) : budget_(budget) {}
  arrow::Status Write(const void*, int64_t size) override {
    written_ += size;
    return written_ > budget_ ? arrow::Status::IOError("disk full") : arrow::Status::OK();
  }
  using arrow::io::OutputStream::Write;
  arrow::Result<int64_t> Tell() const override { return written_; }
  arrow::Status Close() override { return arrow::Status::OK(); }
  [[nodiscard]] bool closed() const override { return false; }

 private:
  int64_t budget_;
  int64_t written_ = 0;
};

class TableWriterTest : public ::testing::TestWithParam<Format> {};

TEST_P(TableWriterTest, RowsComeBackWithTheirTypes) {
  const Rows rows = ManyTypes();
  ASSERT_TRUE(MakeTableWriter(GetParam(), Ties::kAny)->CheckSchema(*rows->schema()).ok());
  const auto bytes = Encode(GetParam(), rows);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  const auto table = Decode(GetParam(), *bytes);
  ASSERT_TRUE(table.ok()) << table.status();
  ASSERT_TRUE((*table)->Validate().ok());
  for (int i = 0; i < rows->num_columns(); ++i) {
    EXPECT_TRUE((*table)->column(i)->Equals(arrow::ChunkedArray(rows->column(i))))
        << rows->column_name(i) << "\n"
        << (*table)->column(i)->ToString();
  }
}

TEST_P(TableWriterTest, ASliceIsWrittenAsThoseRowsOnly) {
  const Rows rows = ManyTypes();
  const auto table = Decode(GetParam(), Encode(GetParam(), rows->Slice(1, 1)).ValueOrDie());
  ASSERT_TRUE(table.ok()) << table.status();
  const auto expected = arrow::Table::FromRecordBatches({rows->Slice(1, 1)}).ValueOrDie();
  EXPECT_TRUE((*table)->Equals(*expected)) << (*table)->ToString();
}

TEST_P(TableWriterTest, ZeroRowsStillHaveTheirSchema) {
  const Rows rows = ManyTypes()->Slice(0, 0);
  const auto table = Decode(GetParam(), Encode(GetParam(), rows).ValueOrDie());
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ((*table)->num_rows(), 0);
  EXPECT_TRUE((*table)->schema()->Equals(*rows->schema())) << (*table)->schema()->ToString();
}

TEST_P(TableWriterTest, TheSameRowsGiveTheSameBytes) {
  const auto first = Encode(GetParam(), ManyTypes()).ValueOrDie();
  EXPECT_TRUE(first->Equals(*Encode(GetParam(), ManyTypes()).ValueOrDie()));
}

TEST_P(TableWriterTest, ADiskThatFillsUpAnywhereIsAnError) {
  const Rows rows = ManyTypes();
  const int64_t size = Encode(GetParam(), rows).ValueOrDie()->size();
  for (int64_t budget = 0; budget < size; budget += 97) {
    const auto status =
        Write(GetParam(), rows, Ties::kAny, /*at_once=*/2, std::make_shared<FullDisk>(budget));
    ASSERT_THAT(status.message(), HasSubstr("disk full")) << "after " << budget << " bytes";
  }
}

TEST_P(TableWriterTest, EqualRowsGiveEqualBytesHoweverTheyCameTogether) {
  const auto expected =
      Encode(GetParam(), testing::NestedRowsWithNulls(), Ties::kFixed).ValueOrDie();
  for (const auto& [how, rows] : testing::EqualInOtherBuffers(testing::NestedRowsWithNulls())) {
    const auto bytes = Encode(GetParam(), rows, Ties::kFixed);
    ASSERT_TRUE(bytes.ok()) << how << ": " << bytes.status();
    EXPECT_TRUE((*bytes)->Equals(*expected)) << how;
  }
}

/// `rows` rows of a number, a text of `text` bytes and a list; some values are null.
Rows ManyRows(int64_t rows, size_t text) {
  arrow::Int64Builder numbers;
  arrow::StringBuilder texts;
  const auto items = std::make_shared<arrow::Int32Builder>();
  arrow::ListBuilder lists(arrow::default_memory_pool(), items);
  for (int64_t i = 0; i < rows; ++i) {
    const std::string value = std::to_string(i % 1000) + std::string(text, 'x');
    EXPECT_TRUE((i % 7 == 0 ? numbers.AppendNull() : numbers.Append(i * i)).ok());
    EXPECT_TRUE((i % 5 == 0 ? texts.AppendNull() : texts.Append(value)).ok());
    EXPECT_TRUE(lists.Append().ok());
    for (int64_t k = 0; k < i % 4; ++k) EXPECT_TRUE(items->Append(static_cast<int32_t>(i)).ok());
  }
  return testing::RowsOf({{"n", numbers.Finish().ValueOrDie()},
                          {"t", texts.Finish().ValueOrDie()},
                          {"l", lists.Finish().ValueOrDie()}});
}

TEST_P(TableWriterTest, TheBytesDoNotHangOnHowManyRowsComeAtATime) {
  // Many rows, and rows so long that blocks, row groups and record batches end by their bytes.
  for (const auto& rows : {ManyRows(150'000, 5), ManyRows(3000, 40'000)}) {
    const auto expected = Encode(GetParam(), rows, Ties::kFixed).ValueOrDie();
    for (const int64_t at_once : {rows->num_rows() / 100 + 3, rows->num_rows() / 2}) {
      const auto bytes = Encode(GetParam(), rows, Ties::kFixed, at_once).ValueOrDie();
      EXPECT_TRUE(bytes->Equals(*expected)) << rows->num_rows() << " rows, " << at_once;
    }
    const auto table = Decode(GetParam(), expected).ValueOrDie();
    EXPECT_TRUE(table->Equals(*arrow::Table::FromRecordBatches({rows}).ValueOrDie()));
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, TableWriterTest,
                         ::testing::Values(Format::kParquet, Format::kArrow), [](const auto& info) {
                           return info.param == Format::kParquet ? "Parquet" : "Arrow";
                         });

TEST(ParquetWriterTest, ATypeThatParquetLacksIsRefusedBeforeTheFirstRow) {
  const auto writer = MakeTableWriter(Format::kParquet, Ties::kAny);
  const arrow::Status status = writer->CheckSchema(
      *arrow::schema({arrow::field("id", arrow::int64()),
                      arrow::field("pause", arrow::month_day_nano_interval())}));
  EXPECT_EQ(status.message(),
            "column \"pause\" is month_day_nano_interval, which Parquet cannot store; use format = "
            "\"arrow\", or cast it in the query");
}

TEST(ParquetWriterTest, AllThatTheCheckLetsPassCanBeWritten) {
  const std::vector<std::shared_ptr<arrow::DataType>> odd = {
      arrow::struct_({}),
      arrow::run_end_encoded(arrow::int32(), arrow::utf8()),
      arrow::dense_union({arrow::field("a", arrow::int32())}),
      arrow::dictionary(arrow::int32(), arrow::list(arrow::int32())),
      arrow::list(arrow::month_interval()),
      arrow::null(),
      arrow::decimal256(60, 2),
      arrow::list_view(arrow::int32()),
      arrow::fixed_size_list(arrow::int32(), 2),
      arrow::dictionary(arrow::int32(), arrow::int64()),
      arrow::date64(),
      arrow::timestamp(arrow::TimeUnit::SECOND),
  };
  for (const auto& type : odd) {
    const auto schema = arrow::schema({arrow::field("x", type)});
    if (!MakeTableWriter(Format::kParquet, Ties::kAny)->CheckSchema(*schema).ok()) continue;
    const auto nulls = arrow::MakeArrayOfNull(type, 3).ValueOrDie();
    const auto bytes = Encode(Format::kParquet, arrow::RecordBatch::Make(schema, 3, {nulls}));
    EXPECT_TRUE(bytes.ok()) << type->ToString() << ": " << bytes.status();
  }
}

}  // namespace
}  // namespace sheaf
