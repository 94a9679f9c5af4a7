#include "cogroup/read_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "cogroup/cogroup_test_support.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

using sheaf::testing::IdSchema;
using sheaf::testing::StreamOf;
using sheaf::testing::Text;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class ReadPartsTest : public ::testing::Test {
 protected:
  ReadPartsTest() {
    Job job;
    job.Key({"id"}).Add(Table::Stream("T", StreamOf(IdSchema(), {})).SelectsKeys());
    resolved_ = ResolveJob(nullptr, job).ValueOrDie();
  }

  /// Reads the parts, and keeps the chunks as text.
  arrow::Status Read(const Connection::Readers& parts) {
    return ReadParts(resolved_.tables[0], policy_, parts, &counters_, [this](Chunk* chunk) {
      EXPECT_EQ(chunk->keys.size(), chunk->rows->num_rows());
      const std::lock_guard lock(mutex_);
      chunks_.push_back(Text(*chunk->rows));
      return arrow::Status::OK();
    });
  }

  Policy policy_;
  TableCounters counters_;
  ResolvedJob resolved_;
  std::mutex mutex_;
  std::vector<std::string> chunks_;
};

TEST_F(ReadPartsTest, AllRowsOfAllPartsAreTaken) {
  ASSERT_TRUE(
      Read({StreamOf(IdSchema(), {R"([[3,"a"],[1,"b"]])", R"([[2,"c"]])"}),
            StreamOf(IdSchema(), {}), StreamOf(IdSchema(), {R"([])", R"([[3,"d"],[null,"e"]])"})})
          .ok());
  EXPECT_THAT(chunks_, UnorderedElementsAre("3,a 1,b", "2,c", "3,d"));
  EXPECT_EQ(counters_.rows_read, 5);
  EXPECT_EQ(counters_.null_keys, 1);
}

TEST_F(ReadPartsTest, EachPartIsReadByAThreadOfItsOwn) {
  constexpr int kParts = 4;
  std::latch all_begun(kParts);
  std::set<std::thread::id> threads;
  Connection::Readers parts;
  for (int p = 0; p < kParts; ++p) parts.push_back(StreamOf(IdSchema(), {R"([[1,"a"]])"}));
  ASSERT_TRUE(ReadParts(resolved_.tables[0], policy_, parts, &counters_, [&](Chunk*) {
                all_begun.arrive_and_wait();
                const std::lock_guard lock(mutex_);
                threads.insert(std::this_thread::get_id());
                return arrow::Status::OK();
              }).ok());
  EXPECT_EQ(threads.size(), kParts);
}

// Rows without end, until they are stopped.
class EndlessRows final : public arrow::RecordBatchReader {
 public:
  explicit EndlessRows(const std::atomic<bool>* stop) : stop_(stop) {}
  [[nodiscard]] std::shared_ptr<arrow::Schema> schema() const override { return IdSchema(); }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    if (*stop_) {
      batch->reset();
      return arrow::Status::OK();
    }
    return StreamOf(IdSchema(), {R"([[1,"a"]])"})->ReadNext(batch);
  }

 private:
  const std::atomic<bool>* stop_;
};

TEST_F(ReadPartsTest, WhoHasReadAPartTakesChunksOfTheOthers) {
  std::atomic<bool> both = false;
  std::set<std::thread::id> threads;
  const Connection::Readers parts = {StreamOf(IdSchema(), {}),
                                     std::make_shared<EndlessRows>(&both)};
  ASSERT_TRUE(ReadParts(resolved_.tables[0], policy_, parts, &counters_, [&](Chunk*) {
                const std::lock_guard lock(mutex_);
                threads.insert(std::this_thread::get_id());
                if (threads.size() == 2) both = true;
                return arrow::Status::OK();
              }).ok());
  EXPECT_EQ(threads.size(), 2);
}

TEST_F(ReadPartsTest, TheErrorOfAPartIsTheResult) {
  const auto status =
      Read({StreamOf(IdSchema(), {R"([[1,"a"]])"}),
            StreamOf(IdSchema(), {R"([[2,"b"]])"}, arrow::Status::IOError("torn"))});
  EXPECT_THAT(status.ToString(), HasSubstr("torn"));
}

TEST_F(ReadPartsTest, TheErrorOfWhatTakesTheChunksIsTheResult) {
  const Connection::Readers parts(3, StreamOf(IdSchema(), {}));
  Connection::Readers one_has_rows = parts;
  one_has_rows[1] = StreamOf(IdSchema(), {R"([[2,"b"]])"});
  const auto status = ReadParts(resolved_.tables[0], policy_, one_has_rows, &counters_, [](Chunk*) {
    return MakeError(ErrorKind::kPolicy, "no more of them");
  });
  EXPECT_EQ(KindOf(status), ErrorKind::kPolicy);
}

}  // namespace
}  // namespace sheaf
