#include "cogroup/read_ahead.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cogroup/chunk_reader.h"
#include "cogroup/cogroup_test_support.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

using sheaf::testing::GatedStream;
using sheaf::testing::IdSchema;
using sheaf::testing::StreamOf;
using sheaf::testing::Text;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// A reader of one stream, and what it read.
class Reading {
 public:
  explicit Reading(const std::shared_ptr<arrow::RecordBatchReader>& stream,
                   int64_t capacity = std::numeric_limits<int64_t>::max()) {
    Job job;
    job.Key({"id"}).Add(Table::Stream("T", stream).SelectsKeys());
    resolved_ = ResolveJob(nullptr, job).ValueOrDie();
    chunks_.emplace(resolved_.tables[0], policy_, KeyOrder::kAny, &counters_);
    chunks_->Start([stream] { return stream; });
    ahead_.emplace(&*chunks_, capacity);
  }

  /// All chunks that are left; their end.
  arrow::Status ReadTo(std::vector<std::string>* texts) {
    while (true) {
      ARROW_ASSIGN_OR_RAISE(const auto chunk, ahead_->Next());
      if (!chunk) return arrow::Status::OK();
      texts->push_back(Text(*chunk->rows));
    }
  }
  std::vector<std::string> Texts() {
    std::vector<std::string> texts;
    EXPECT_TRUE(ReadTo(&texts).ok());
    return texts;
  }
  arrow::Status Error() {
    std::vector<std::string> texts;
    return ReadTo(&texts);
  }
  void Drop() { ahead_.reset(); }
  ChunkReader& chunks() { return *chunks_; }
  [[nodiscard]] const TableCounters& counters() const { return counters_; }

 private:
  const Policy policy_;
  ResolvedJob resolved_;
  TableCounters counters_;
  std::optional<ChunkReader> chunks_;
  std::optional<ReadAhead> ahead_;  // last: its thread uses the others
};

TEST(ReadAheadTest, AnErrorKeepsItsKindAndIsNoEnd) {
  Reading reading(StreamOf(IdSchema(), {R"([[1,"a"]])"}, MakeError(ErrorKind::kPolicy, "no")));
  const arrow::Status status = reading.Error();
  EXPECT_EQ(KindOf(status), ErrorKind::kPolicy);
  EXPECT_EQ(status.message(), "no");
  EXPECT_EQ(reading.Error(), status) << "nothing else comes after it";
}

TEST(ReadAheadTest, ReadingStopsWhereTheQueueIsFull) {
  Reading reading(StreamOf(IdSchema(), {R"([[1,"a"]])", R"([[2,"b"]])", R"([[3,"c"]])"}),
                  /*capacity=*/1);
  while (reading.counters().rows_read < 2) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(reading.counters().rows_read, 2) << "one waits, one is about to";
  EXPECT_THAT(reading.Texts(), ElementsAre("1,a", "2,b", "3,c"));
}

TEST(ReadAheadTest, TheEndIsToldAgainAndLeavesTheChunksForAnotherStream) {
  Reading reading(StreamOf(IdSchema(), {R"([[5,"a"]])"}));
  EXPECT_THAT(reading.Texts(), ElementsAre("5,a"));
  EXPECT_THAT(reading.Texts(), IsEmpty());
  reading.Drop();
  reading.chunks().Start([] { return StreamOf(IdSchema(), {R"([[1,"b"]])"}); });
  EXPECT_TRUE(reading.chunks().Next().ok());
}

TEST(ReadAheadTest, DroppedBeforeItsEndItEndsTheStream) {
  Reading reading(StreamOf(IdSchema(), {R"([[1,"a"]])", R"([[2,"b"]])", R"([[3,"c"]])"}),
                  /*capacity=*/1);
  reading.Drop();
  EXPECT_EQ(KindOf(reading.chunks().Next().status()), ErrorKind::kStopped);
}

TEST(ReadAheadTest, WhatIsCancelledHasNoEnd) {
  const auto gate = std::make_shared<GatedStream>(IdSchema());
  Reading reading(gate);
  reading.chunks().Cancel();
  gate->Open();
  EXPECT_EQ(KindOf(reading.Error()), ErrorKind::kStopped);
}

}  // namespace
}  // namespace sheaf
