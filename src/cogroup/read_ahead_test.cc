#include "cogroup/read_ahead.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <thread>

#include "cogroup/cogroup_test_support.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

using sheaf::testing::GatedStream;
using sheaf::testing::IdSchema;
using sheaf::testing::StreamOf;
using sheaf::testing::TestStream;
using sheaf::testing::Text;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// A reader of one stream; what it read, and its error.
class Reading {
 public:
  explicit Reading(const std::shared_ptr<arrow::RecordBatchReader>& stream,
                   int64_t capacity = std::numeric_limits<int64_t>::max()) {
    Job job;
    job.Key({"id"}).Add(Table::Stream("T", stream).SelectsKeys());
    resolved_ = ResolveJob(nullptr, job).ValueOrDie();
    reader_ = std::make_unique<ReadAhead>(resolved_.tables[0], policy_, capacity, &counters_,
                                          [this](const arrow::Status& status) {
                                            EXPECT_TRUE(error_.ok()) << "one error is enough";
                                            error_ = status;
                                          });
    reader_->Start([stream] { return stream; });
  }

  std::vector<std::string> Chunks() {
    std::vector<std::string> chunks;
    while (const auto chunk = reader_->Pop()) chunks.push_back(Text(*chunk->rows));
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

TEST(ReadAheadTest, AnErrorKeepsItsKindAndIsNoEnd) {
  Reading reading(StreamOf(IdSchema(), {R"([[1,"a"]])"}, MakeError(ErrorKind::kPolicy, "no")));
  const arrow::Status status = reading.Error();
  EXPECT_EQ(KindOf(status), ErrorKind::kPolicy);
  EXPECT_EQ(status.message(), "table \"T\": no");
}

TEST(ReadAheadTest, ReadingStopsWhereTheQueueIsFull) {
  Reading reading(StreamOf(IdSchema(), {R"([[1,"a"]])", R"([[2,"b"]])", R"([[3,"c"]])"}),
                  /*capacity=*/1);
  while (reading.counters().rows_read < 2) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(reading.counters().rows_read, 2) << "one waits, one is about to";
  EXPECT_THAT(reading.Chunks(), ElementsAre("1,a", "2,b", "3,c"));
}

TEST(ReadAheadTest, AnotherStreamMayFollowTheEndOfOne) {
  Reading reading(StreamOf(IdSchema(), {R"([[5,"a"]])"}));
  EXPECT_THAT(reading.Chunks(), ElementsAre("5,a"));
  reading.reader().Start([] { return StreamOf(IdSchema(), {R"([[1,"b"]])", R"([[2,"c"]])"}); });
  EXPECT_THAT(reading.Chunks(), ElementsAre("1,b", "2,c"));
  EXPECT_EQ(reading.counters().rows_read, 3);
}

TEST(ReadAheadTest, CancelWakesPopAndIsNoError) {
  const auto gate = std::make_shared<GatedStream>(IdSchema());
  Reading reading(gate);
  reading.reader().Cancel();
  EXPECT_THAT(reading.Chunks(), IsEmpty());
  gate->Open();
  EXPECT_TRUE(reading.Error().ok());
}

}  // namespace
}  // namespace sheaf
