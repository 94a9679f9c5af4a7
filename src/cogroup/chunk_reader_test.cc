#include "cogroup/chunk_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "cogroup/cogroup_test_support.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

using sheaf::testing::GatedStream;
using sheaf::testing::IdSchema;
using sheaf::testing::StreamOf;
using sheaf::testing::TestStream;
using sheaf::testing::Text;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A reader of one stream, and what it counts.
class Reading {
 public:
  Reading(const std::shared_ptr<arrow::RecordBatchReader>& stream, KeyOrder order,
          std::vector<std::string> key = {"id"}, Policy policy = {})
      : policy_(policy) {
    Job job;
    job.Key(std::move(key)).Add(Table::Stream("T", stream).SelectsKeys());
    resolved_ = ResolveJob(nullptr, job).ValueOrDie();
    reader_ = std::make_unique<ChunkReader>(resolved_.tables[0], policy_, order, &counters_);
    reader_->Start([stream] { return stream; });
  }

  /// Up to the end or an error, which is kept.
  std::vector<std::string> Chunks() {
    std::vector<std::string> chunks;
    while (true) {
      const auto chunk = reader_->Next();
      error_ = chunk.status();
      if (!chunk.ok() || !*chunk) return chunks;
      EXPECT_EQ((*chunk)->keys.size(), (*chunk)->rows->num_rows());
      EXPECT_GT((*chunk)->bytes, 0);
      chunks.push_back(Text(*(*chunk)->rows));
    }
  }
  arrow::Status Error() {
    Chunks();
    return error_;
  }
  ChunkReader& reader() { return *reader_; }
  const TableCounters& counters() const { return counters_; }

 private:
  const Policy policy_;
  ResolvedJob resolved_;
  TableCounters counters_;
  arrow::Status error_;
  std::unique_ptr<ChunkReader> reader_;
};

TEST(ChunkReaderTest, ChunksAreTheBatchesThatHaveRows) {
  Reading reading(StreamOf(IdSchema(), {R"([[1,"a"],[2,"b"]])", "[]", R"([[2,"c"]])"}),
                  KeyOrder::kAscending);
  EXPECT_THAT(reading.Chunks(), ElementsAre("1,a 2,b", "2,c"));
  EXPECT_EQ(reading.counters().rows_read, 3);
}

TEST(ChunkReaderTest, ALargeBatchComesInPieces) {
  constexpr int64_t kRows = 150'000;
  std::vector<int64_t> ids(kRows);
  std::iota(ids.begin(), ids.end(), 0);
  arrow::Int64Builder builder;
  ASSERT_TRUE(builder.AppendValues(ids).ok());
  const auto schema = arrow::schema({arrow::field("id", arrow::int64())});
  const auto batch = arrow::RecordBatch::Make(schema, kRows, {builder.Finish().ValueOrDie()});
  Reading reading(
      std::make_shared<TestStream>(schema, std::vector<std::shared_ptr<arrow::RecordBatch>>{batch}),
      KeyOrder::kAscending);
  int64_t rows = 0;
  while (const auto chunk = reading.reader().Next().ValueOrDie()) {
    EXPECT_LE(chunk->rows->num_rows(), 65536);
    rows += chunk->rows->num_rows();
  }
  EXPECT_EQ(rows, kRows);
}

TEST(ChunkReaderTest, RowsOutOfOrderNameBoth) {
  Reading within(StreamOf(IdSchema(), {R"([[1,"a"],[5,"b"],[3,"c"]])"}), KeyOrder::kAscending);
  const arrow::Status status = within.Error();
  EXPECT_EQ(KindOf(status), ErrorKind::kEngine);
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("key (id)"), HasSubstr("{id=3, v=c} came after row {id=5, v=b}")));
}

TEST(ChunkReaderTest, OrderIsVerifiedAcrossBatches) {
  Reading reading(StreamOf(IdSchema(), {R"([[5,"a"]])", "[]", R"([[null,"n"]])", R"([[3,"b"]])"}),
                  KeyOrder::kAscending);
  EXPECT_THAT(reading.Error().message(), HasSubstr("{id=3, v=b} came after row {id=5, v=a}"));
}

TEST(ChunkReaderTest, CompositeKeysAreComparedWhole) {
  Reading good(StreamOf(IdSchema(), {R"([[1,"b"],[2,"a"],[2,"a"],[2,"c"]])"}), KeyOrder::kAscending,
               {"id", "v"});
  EXPECT_THAT(good.Chunks(), ElementsAre("1,b 2,a 2,a 2,c"));
  Reading bad(StreamOf(IdSchema(), {R"([[1,"b"],[1,"a"]])"}), KeyOrder::kAscending, {"id", "v"});
  EXPECT_THAT(bad.Error().message(), AllOf(HasSubstr("key (id, v)"), HasSubstr("{id=1, v=a}")));
}

TEST(ChunkReaderTest, AnyOrderIsTakenWhereNoneIsAsked) {
  Reading reading(StreamOf(IdSchema(), {R"([[5,"a"],[3,"b"]])", R"([[4,"c"]])"}), KeyOrder::kAny);
  EXPECT_THAT(reading.Chunks(), ElementsAre("5,a 3,b", "4,c"));
}

TEST(ChunkReaderTest, ARowWithoutAWholeKeyIsSkippedAndCounted) {
  Reading reading(StreamOf(IdSchema(), {R"([[null,"a"]])", R"([[1,"b"],[1,null],[null,null]])"}),
                  KeyOrder::kAscending, {"id", "v"});
  EXPECT_THAT(reading.Chunks(), ElementsAre("1,b"));
  EXPECT_EQ(reading.counters().null_keys, 3);
  EXPECT_EQ(reading.counters().rows_read, 4);
}

TEST(ChunkReaderTest, ANullKeyIsAnErrorWhereThePolicySaysSo) {
  Reading reading(StreamOf(IdSchema(), {R"([[1,"a"],[null,"b"]])"}), KeyOrder::kAscending, {"id"},
                  {.null_key = Policy::NullKey::kError});
  const arrow::Status status = reading.Error();
  EXPECT_EQ(KindOf(status), ErrorKind::kPolicy);
  EXPECT_THAT(status.message(), HasSubstr("id=null, v=b"));
}

TEST(ChunkReaderTest, TheStreamIsOpenedByTheFirstLook) {
  Reading reading(StreamOf(IdSchema(), {}), KeyOrder::kAny);
  EXPECT_THAT(reading.Chunks(), ElementsAre());
  int opened = 0;
  reading.reader().Start([&]() -> arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> {
    ++opened;
    return StreamOf(IdSchema(), {R"([[1,"a"]])", R"([[2,"b"]])"});
  });
  EXPECT_EQ(opened, 0);
  EXPECT_THAT(reading.Chunks(), ElementsAre("1,a", "2,b"));
  EXPECT_EQ(opened, 1);
}

TEST(ChunkReaderTest, TheEndStaysTheEnd) {
  Reading reading(StreamOf(IdSchema(), {R"([[1,"a"]])"}), KeyOrder::kAscending);
  EXPECT_THAT(reading.Chunks(), ElementsAre("1,a"));
  EXPECT_FALSE(reading.reader().Next().ValueOrDie().has_value());
}

TEST(ChunkReaderTest, NothingIsReadOnceCancelled) {
  Reading reading(StreamOf(IdSchema(), {R"([[1,"a"]])", R"([[2,"b"]])"}), KeyOrder::kAscending);
  EXPECT_TRUE(reading.reader().Next().ValueOrDie().has_value());
  reading.reader().Cancel();
  EXPECT_EQ(KindOf(reading.Error()), ErrorKind::kStopped);
  EXPECT_EQ(reading.counters().rows_read, 1);
}

}  // namespace
}  // namespace sheaf
