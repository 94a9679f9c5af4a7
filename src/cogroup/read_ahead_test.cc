#include "cogroup/read_ahead.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
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
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr int64_t kAmple = std::numeric_limits<int64_t>::max();

/// A reader of one stream; what it read, and its error.
class Reading {
 public:
  Reading(std::shared_ptr<arrow::RecordBatchReader> stream, KeyOrder order,
          std::vector<std::string> key = {"id"}, Policy policy = {}, int64_t capacity = kAmple)
      : policy_(policy) {
    Job job;
    job.Key(std::move(key)).Add(Table::Stream("T", stream).SelectsKeys());
    resolved_ = ResolveJob(nullptr, job).ValueOrDie();
    reader_ = std::make_unique<ReadAhead>(resolved_.tables[0], policy_, order, capacity, &counters_,
                                          [this](const arrow::Status& status) {
                                            EXPECT_TRUE(error_.ok()) << "one error is enough";
                                            error_ = status;
                                          });
    reader_->Start([stream] { return stream; });
  }

  std::vector<std::string> Chunks() {
    std::vector<std::string> chunks;
    while (const auto chunk = reader_->Pop()) {
      EXPECT_EQ(chunk->keys.size(), chunk->rows->num_rows());
      EXPECT_GT(chunk->bytes, 0);
      chunks.push_back(Text(*chunk->rows));
    }
    return chunks;
  }
  /// The error of a stream that must fail; call it once.
  arrow::Status Error() {
    Chunks();
    reader_->Join();
    return error_;
  }
  ReadAhead& reader() { return *reader_; }
  const TableCounters& counters() const { return counters_; }

 private:
  const Policy policy_;
  ResolvedJob resolved_;
  TableCounters counters_;
  arrow::Status error_;
  std::unique_ptr<ReadAhead> reader_;  // last: its thread uses the others
};

TEST(ReadAheadTest, ChunksAreTheBatchesThatHaveRows) {
  Reading reading(StreamOf(IdSchema(), {R"([[1,"a"],[2,"b"]])", "[]", R"([[2,"c"]])"}),
                  KeyOrder::kAscending);
  EXPECT_THAT(reading.Chunks(), ElementsAre("1,a 2,b", "2,c"));
  EXPECT_EQ(reading.counters().rows_read, 3);
}

TEST(ReadAheadTest, ALargeBatchComesInPieces) {
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
  while (const auto chunk = reading.reader().Pop()) {
    EXPECT_LE(chunk->rows->num_rows(), 65536);
    rows += chunk->rows->num_rows();
  }
  EXPECT_EQ(rows, kRows);
}

TEST(ReadAheadTest, RowsOutOfOrderNameBoth) {
  Reading within(StreamOf(IdSchema(), {R"([[1,"a"],[5,"b"],[3,"c"]])"}), KeyOrder::kAscending);
  const arrow::Status status = within.Error();
  EXPECT_EQ(KindOf(status), ErrorKind::kEngine);
  EXPECT_THAT(status.message(), AllOf(StartsWith("table \"T\": "), HasSubstr("key (id)"),
                                      HasSubstr("{id=3, v=c} came after row {id=5, v=b}")));
}

TEST(ReadAheadTest, OrderIsVerifiedAcrossBatches) {
  Reading reading(StreamOf(IdSchema(), {R"([[5,"a"]])", "[]", R"([[null,"n"]])", R"([[3,"b"]])"}),
                  KeyOrder::kAscending);
  EXPECT_THAT(reading.Error().message(), HasSubstr("{id=3, v=b} came after row {id=5, v=a}"));
}

TEST(ReadAheadTest, CompositeKeysAreComparedWhole) {
  Reading good(StreamOf(IdSchema(), {R"([[1,"b"],[2,"a"],[2,"a"],[2,"c"]])"}), KeyOrder::kAscending,
               {"id", "v"});
  EXPECT_THAT(good.Chunks(), ElementsAre("1,b 2,a 2,a 2,c"));
  Reading bad(StreamOf(IdSchema(), {R"([[1,"b"],[1,"a"]])"}), KeyOrder::kAscending, {"id", "v"});
  EXPECT_THAT(bad.Error().message(), AllOf(HasSubstr("key (id, v)"), HasSubstr("{id=1, v=a}")));
}

TEST(ReadAheadTest, AnyOrderIsTakenWhereNoneIsAsked) {
  Reading reading(StreamOf(IdSchema(), {R"([[5,"a"],[3,"b"]])", R"([[4,"c"]])"}), KeyOrder::kAny);
  EXPECT_THAT(reading.Chunks(), ElementsAre("5,a 3,b", "4,c"));
}

TEST(ReadAheadTest, ARowWithoutAWholeKeyIsSkippedAndCounted) {
  Reading reading(StreamOf(IdSchema(), {R"([[null,"a"]])", R"([[1,"b"],[1,null],[null,null]])"}),
                  KeyOrder::kAscending, {"id", "v"});
  EXPECT_THAT(reading.Chunks(), ElementsAre("1,b"));
  EXPECT_EQ(reading.counters().null_keys, 3);
  EXPECT_EQ(reading.counters().rows_read, 4);
}

TEST(ReadAheadTest, ANullKeyIsAnErrorWhereThePolicySaysSo) {
  Reading reading(StreamOf(IdSchema(), {R"([[1,"a"],[null,"b"]])"}), KeyOrder::kAscending, {"id"},
                  {.null_key = Policy::NullKey::kError});
  const arrow::Status status = reading.Error();
  EXPECT_EQ(KindOf(status), ErrorKind::kPolicy);
  EXPECT_THAT(status.message(), AllOf(StartsWith("table \"T\": "), HasSubstr("id=null, v=b")));
}

TEST(ReadAheadTest, AnErrorKeepsItsKindAndIsNoEnd) {
  Reading reading(StreamOf(IdSchema(), {R"([[1,"a"]])"}, MakeError(ErrorKind::kPolicy, "no")),
                  KeyOrder::kAscending);
  const arrow::Status status = reading.Error();
  EXPECT_EQ(KindOf(status), ErrorKind::kPolicy);
  EXPECT_EQ(status.message(), "table \"T\": no");
  EXPECT_FALSE(reading.reader().WaitForEnd());
}

TEST(ReadAheadTest, ReadingStopsWhereTheQueueIsFull) {
  Reading reading(StreamOf(IdSchema(), {R"([[1,"a"]])", R"([[2,"b"]])", R"([[3,"c"]])"}),
                  KeyOrder::kAscending, {"id"}, {}, /*capacity=*/1);
  EXPECT_FALSE(reading.reader().WaitForEnd());
  EXPECT_LE(reading.counters().rows_read, 2) << "one waits, one is about to";
  EXPECT_THAT(reading.Chunks(), ElementsAre("1,a", "2,b", "3,c"));
}

TEST(ReadAheadTest, AnotherStreamMayFollowTheEndOfOne) {
  Reading reading(StreamOf(IdSchema(), {R"([[5,"a"]])"}), KeyOrder::kAny);
  EXPECT_THAT(reading.Chunks(), ElementsAre("5,a"));
  reading.reader().Start([] { return StreamOf(IdSchema(), {R"([[1,"b"]])", R"([[2,"c"]])"}); });
  EXPECT_THAT(reading.Chunks(), ElementsAre("1,b", "2,c"));
  EXPECT_EQ(reading.counters().rows_read, 3);
}

TEST(ReadAheadTest, WhatWaitsCanBeVisited) {
  Reading reading(StreamOf(IdSchema(), {R"([[1,"a"]])", R"([[2,"b"]])"}), KeyOrder::kAscending);
  EXPECT_TRUE(reading.reader().WaitForEnd());
  std::vector<std::string> seen;
  reading.reader().ForEach([&](const Chunk& chunk) { seen.push_back(Text(*chunk.rows)); });
  EXPECT_THAT(seen, ElementsAre("1,a", "2,b"));
  EXPECT_THAT(reading.Chunks(), ElementsAre("1,a", "2,b"));
}

TEST(ReadAheadTest, CancelWakesPopAndIsNoError) {
  const auto gate = std::make_shared<GatedStream>(IdSchema());
  Reading reading(gate, KeyOrder::kAscending);
  reading.reader().Cancel();
  EXPECT_THAT(reading.Chunks(), IsEmpty());
  gate->Open();
  EXPECT_TRUE(reading.Error().ok());
}

}  // namespace
}  // namespace sheaf
