#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "sheaf/error.h"
#include "sheaf/sink.h"
#include "sink/fake_reader_test_support.h"
#include "sink/sink_test_support.h"

namespace sheaf {
namespace {

using ::testing::HasSubstr;

/// Keys 1 and 4; two rows of A for the first; P has one for the second.
class DocumentStreamTest : public ::testing::Test {
 protected:
  static Batch MakeBatch(int64_t index) {
    const auto offsets = [](const std::string& json) {
      return std::static_pointer_cast<arrow::Int32Array>(testing::ArrayOf(arrow::int32(), json));
    };
    const auto rows = [](const std::string& values) {
      return testing::RowsOf({{"x", testing::ArrayOf(arrow::int64(), values)}});
    };
    return {index,
            testing::RowsOf({{"id", testing::ArrayOf(arrow::int64(), "[1, 4]")}}),
            {{.name = "A", .rows = rows("[7, 8]"), .offsets = offsets("[0, 2, 2]")},
             {.name = "P",
              .rows_per_key = Cardinality::kOne,
              .rows = rows("[9]"),
              .offsets = offsets("[0, 0, 1]")}}};
  }

  arrow::Result<std::unique_ptr<Sink>> Open(const OutputOptions& options) {
    const Job job = Job()
                        .Key({"id"})
                        .Add(Table::Named("A").SelectsKeys())
                        .Add(Table::Named("P").RowsPerKey(Cardinality::kOne));
    const Batch like = MakeBatch(0);
    const testing::FakeReader reader(like.keys()->schema(),
                                     {like.table("A")->schema(), like.table("P")->schema()});
    return OpenDocumentStream(options, job, reader, stream_);
  }

  std::shared_ptr<arrow::io::BufferOutputStream> stream_ =
      arrow::io::BufferOutputStream::Create().ValueOrDie();
};

TEST_F(DocumentStreamTest, JsonLinesAreADocumentAKey) {
  const auto sink = Open({.dir = "-", .format = Format::kJsonl}).ValueOrDie();
  ASSERT_TRUE(sink->Write(MakeBatch(0)).ok());
  ASSERT_TRUE(sink->Finish({}).ok());
  EXPECT_EQ(stream_->Finish().ValueOrDie()->ToString(),
            "{\"key\":1,\"A\":[{\"x\":7},{\"x\":8}],\"P\":null}\n"
            "{\"key\":4,\"A\":[],\"P\":{\"x\":9}}\n");
}

TEST_F(DocumentStreamTest, LocalIdsStandInEveryTable) {
  const auto sink =
      Open({.dir = "-", .format = Format::kJsonl, .local_id = LocalId::kUint16}).ValueOrDie();
  ASSERT_TRUE(sink->Write(MakeBatch(0)).ok());
  EXPECT_THAT(stream_->Finish().ValueOrDie()->ToString(),
              HasSubstr(R"({"key":4,"A":[],"P":{"local_id":1,"x":9}})"));
}

TEST_F(DocumentStreamTest, AnArrowStreamHoldsTheNestedFormOfEachBatch) {
  const auto sink = Open({.dir = "-", .format = Format::kArrow}).ValueOrDie();
  for (int64_t i = 0; i < 2; ++i) ASSERT_TRUE(sink->Write(MakeBatch(i)).ok());
  ASSERT_TRUE(sink->Finish({}).ok());
  arrow::io::BufferReader bytes(stream_->Finish().ValueOrDie());
  const auto reader = arrow::ipc::RecordBatchStreamReader::Open(&bytes).ValueOrDie();
  const auto batches = reader->ToRecordBatches().ValueOrDie();
  ASSERT_EQ(batches.size(), 2U);
  EXPECT_TRUE(batches[1]->Equals(*MakeBatch(1).nested().ValueOrDie()));
}

TEST_F(DocumentStreamTest, AnArrowStreamWithoutBatchesHasTheSchema) {
  ASSERT_TRUE(Open({.dir = "-", .format = Format::kArrow}).ValueOrDie()->Finish({}).ok());
  arrow::io::BufferReader bytes(stream_->Finish().ValueOrDie());
  const auto reader = arrow::ipc::RecordBatchStreamReader::Open(&bytes).ValueOrDie();
  EXPECT_TRUE(reader->schema()->Equals(*MakeBatch(0).nested().ValueOrDie()->schema()));
  EXPECT_TRUE(reader->ToRecordBatches().ValueOrDie().empty());
}

/// Rows of A name a reference table and have grandchildren, which are called as the key.
class LinkedDocumentsTest : public ::testing::Test {
 protected:
  static Batch MakeBatch() {
    const auto int32s = [](const std::string& json) {
      return std::static_pointer_cast<arrow::Int32Array>(testing::ArrayOf(arrow::int32(), json));
    };
    const auto rows = [](const std::string& values) {
      return testing::RowsOf({{"x", testing::ArrayOf(arrow::int64(), values)}});
    };
    return {0,
            testing::RowsOf({{"id", testing::ArrayOf(arrow::int64(), "[1, 4]")}}),
            {{.name = "A", .rows = rows("[7, 8]"), .offsets = int32s("[0, 2, 2]")},
             {.name = "R",
              .rows_per_key = Cardinality::kOne,
              .rows = rows("[9]"),
              .offsets = int32s("[0, 1]"),
              .link = Link{Link::Kind::kReference, "A", {"x"}},
              .mapping = int32s("[null, 0]")},
             {.name = "id",
              .rows = rows("[5, 6]"),
              .offsets = int32s("[0, 0, 2]"),
              .link = Link{Link::Kind::kParent, "A", {"x"}}}}};
  }

  arrow::Result<std::unique_ptr<Sink>> Open(const OutputOptions& options,
                                            const std::string& reference = "R") {
    const Job job =
        Job()
            .Key({"id"})
            .Add(Table::Named("A").SelectsKeys())
            .Add(Table::Named(reference).RowsPerKey(Cardinality::kOne).References("A", {"x"}))
            .Add(Table::Named("id").Parent("A", {"x"}));
    const Batch like = MakeBatch();
    const auto rows = like.table("A")->schema();
    const testing::FakeReader reader(like.keys()->schema(), {rows, rows, rows});
    return OpenDocumentStream(options, job, reader, stream_);
  }

  std::shared_ptr<arrow::io::BufferOutputStream> stream_ =
      arrow::io::BufferOutputStream::Create().ValueOrDie();
};

TEST_F(LinkedDocumentsTest, LinkedTablesAreMembersOfTheRowsThatTheyHangOn) {
  const auto sink = Open({.dir = "-", .format = Format::kJsonl}).ValueOrDie();
  ASSERT_TRUE(sink->Write(MakeBatch()).ok());
  EXPECT_EQ(stream_->Finish().ValueOrDie()->ToString(),
            "{\"key\":1,\"A\":[{\"x\":7,\"R\":null,\"id\":[]},"
            "{\"x\":8,\"R\":{\"x\":9},\"id\":[{\"x\":5},{\"x\":6}]}]}\n"
            "{\"key\":4,\"A\":[]}\n");
}

TEST_F(LinkedDocumentsTest, AnArrowStreamHasTheirSchemaBeforeTheFirstBatch) {
  const OutputOptions options = {
      .dir = "-", .format = Format::kArrow, .local_id = LocalId::kUint16};
  const auto sink = Open(options).ValueOrDie();
  ASSERT_TRUE(sink->Write(MakeBatch()).ok());
  ASSERT_TRUE(sink->Finish({}).ok());
  arrow::io::BufferReader bytes(stream_->Finish().ValueOrDie());
  const auto reader = arrow::ipc::RecordBatchStreamReader::Open(&bytes).ValueOrDie();
  const auto batches = reader->ToRecordBatches().ValueOrDie();
  ASSERT_EQ(batches.size(), 1U);
  EXPECT_TRUE(batches[0]->ValidateFull().ok());
  EXPECT_EQ(batches[0]->column(1)->GetScalar(0).ValueOrDie()->type->ToString(),
            "list<item: struct<local_id: uint16 not null, R_local_id: uint16, id_local_id: uint32 "
            "not null, x: int64, R: struct<local_id: uint16, x: int64>, id: list<item: "
            "struct<local_id: uint32 not null, x: int64>> not null>>");
}

TEST_F(LinkedDocumentsTest, ATableCalledAsAColumnBesideItIsRefusedAtOnce) {
  const arrow::Status status = Open({.dir = "-", .format = Format::kJsonl}, "x").status();
  EXPECT_EQ(KindOf(status), ErrorKind::kEngine);
  EXPECT_THAT(status.message(), HasSubstr("table \"x\": in documents its rows are \"x\" of table "
                                          "\"A\", which has a column of that name"));
}

TEST_F(DocumentStreamTest, OtherFormatsAreRefused) {
  for (const Format format : {Format::kParquet, Format::kNested}) {
    EXPECT_EQ(KindOf(Open({.dir = "-", .format = format}).status()), ErrorKind::kJob);
  }
}

TEST_F(DocumentStreamTest, TheFirstErrorIsFinal) {
  const auto sink = Open({.dir = "-", .format = Format::kJsonl}).ValueOrDie();
  ASSERT_TRUE(stream_->Close().ok());
  const arrow::Status status = sink->Write(MakeBatch(0));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(sink->Finish({}), status);
}

}  // namespace
}  // namespace sheaf
