#include "cogroup/table_cutter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <string>

#include "cogroup/cogroup_test_support.h"

namespace sheaf {
namespace {

using sheaf::testing::IdSchema;
using sheaf::testing::StreamOf;
using sheaf::testing::Text;
using ::testing::ElementsAre;

using Keys = std::vector<int64_t>;

/// A cutter over a stream of one batch for each JSON text.
class Cutting {
 public:
  explicit Cutting(const std::vector<std::string>& batches, std::vector<std::string> order_by = {},
                   GroupMemory groups = GroupMemory::Of(Job::kDefaultMemory, 1)) {
    auto stream = StreamOf(IdSchema(), batches);
    Job job;
    job.Key({"id"}).Add(Table::Stream("T", stream).SelectsKeys().OrderBy(std::move(order_by)));
    resolved_ = ResolveJob(nullptr, job).ValueOrDie();
    const TableInput& input = resolved_.tables[0];
    reader_ = std::make_unique<ChunkReader>(input, policy_, KeyOrder::kAscending, &counters_);
    cutter_ = std::make_unique<TableCutter>(input, reader_.get(), &counters_, groups,
                                            [this](const Chunk* chunk) {
                                              Count(chunk);
                                              return arrow::Status::OK();
                                            });
    reader_->Start([stream] { return stream; });
  }

  /// The groups of a window's keys: `1,a 1,b|2,c|`.
  std::string Cut(const Keys& keys) {
    arrow::Int64Builder builder;
    EXPECT_TRUE(builder.AppendValues(keys).ok());
    Window window;
    window.keys =
        resolved_.tables[0].key_encoder->Encode({builder.Finish().ValueOrDie()}).ValueOrDie();
    ShareBuilder share(resolved_.tables[0]);
    EXPECT_TRUE(cutter_->Cut(window, &share).ok());
    const TableShare table = share.Finish().ValueOrDie();
    EXPECT_EQ(table.name, "T");
    EXPECT_EQ(table.offsets->length(), std::ssize(keys) + 1);
    EXPECT_EQ(table.offsets->Value(std::ssize(keys)), table.rows->num_rows());
    std::string text;
    for (int64_t k = 0; k < std::ssize(keys); ++k) {
      const int32_t begin = table.offsets->Value(k);
      text += Text(*table.rows->Slice(begin, table.offsets->Value(k + 1) - begin));
      for (const LargeGroup& large : table.large) {
        if (large.group != k) continue;
        EXPECT_EQ(begin, table.offsets->Value(k + 1));
        text +=
            "large " + Text(*large.rows->Next(std::numeric_limits<int64_t>::max(), 1).ValueOrDie());
      }
      text += "|";
    }
    return text;
  }

  TableCutter& cutter() { return *cutter_; }
  int64_t orphans() const { return counters_.orphans; }
  const std::vector<std::string>& read() const { return read_; }
  /// Chunks that were held at the same time, at most.
  int64_t most_held() const { return most_held_; }

 private:
  void Count(const Chunk* chunk) {
    read_.push_back(chunk ? Text(*chunk->rows) : "end");
    if (chunk) chunks_.emplace_back(chunk->rows);
    const auto gone = std::ranges::count_if(chunks_, &std::weak_ptr<arrow::RecordBatch>::expired);
    most_held_ = std::max(most_held_, std::ssize(chunks_) - gone);
  }

  const Policy policy_;
  ResolvedJob resolved_;
  TableCounters counters_;
  std::vector<std::string> read_;
  std::vector<std::weak_ptr<arrow::RecordBatch>> chunks_;
  int64_t most_held_ = 0;
  std::unique_ptr<ChunkReader> reader_;
  std::unique_ptr<TableCutter> cutter_;
};

// Nothing is held of a key whose rows may go on in the next chunk.
constexpr GroupMemory kNoMemory{.held = 0, .run = 64};

TEST(TableCutterTest, RowsGoToTheWindowOfTheirKey) {
  Cutting cutting({R"([[1,"a"],[1,"b"],[2,"c"],[4,"d"]])"});
  EXPECT_EQ(cutting.Cut({1, 2}), "1,a 1,b|2,c|");
  EXPECT_EQ(cutting.Cut({3, 4}), "|4,d|");
}

TEST(TableCutterTest, AGroupMaySpanAnyNumberOfChunks) {
  Cutting cutting({R"([[1,"a"]])", R"([[1,"b"]])", R"([[1,"c"]])", R"([[1,"d"],[2,"e"]])"});
  EXPECT_EQ(cutting.Cut({1}), "1,a 1,b 1,c 1,d|");
  EXPECT_EQ(cutting.Cut({2}), "2,e|");
}

TEST(TableCutterTest, GroupsAreInTheTablesOrder) {
  Cutting cutting({R"([[1,"a"],[1,"c"]])", R"([[1,"b"],[2,"x"],[2,"y"]])"}, {"v DESC"});
  EXPECT_EQ(cutting.Cut({1, 2}), "1,c 1,b 1,a|2,y 2,x|");
}

TEST(TableCutterTest, KeysBeyondTheTableHaveNoRows) {
  Cutting cutting({R"([[1,"a"]])"});
  EXPECT_EQ(cutting.Cut({1, 5}), "1,a||");
  EXPECT_EQ(cutting.Cut({6}), "|");
  EXPECT_EQ(cutting.orphans(), 0);
}

TEST(TableCutterTest, OrphansAreCountedBeforeBetweenAndAfterTheKeys) {
  Cutting cutting({R"([[0,"o"],[1,"a"],[2,"o"],[2,"o"],[3,"b"]])", R"([[4,"o"]])", R"([[9,"o"]])"});
  EXPECT_EQ(cutting.Cut({1, 3}), "1,a|3,b|");
  EXPECT_EQ(cutting.Cut({5}), "|");
  ASSERT_TRUE(cutting.cutter().Drain().ok());
  EXPECT_EQ(cutting.orphans(), 5);
}

TEST(TableCutterTest, FewRowsAmongManyOrphansComeInOrderFromAllChunks) {
  const std::string orphans =
      "[2,\"o\"],[2,\"o\"],[2,\"o\"],[2,\"o\"],[2,\"o\"],[2,\"o\"],[2,\"o\"],[2,\"o\"]";
  const std::string more =
      "[4,\"o\"],[4,\"o\"],[4,\"o\"],[4,\"o\"],[4,\"o\"],[4,\"o\"],[4,\"o\"],[4,\"o\"]";
  const std::vector<std::string> chunks = {
      "[[1,\"c\"]," + orphans + ",[3,\"b\"]]",
      "[[3,\"a\"]," + more + "," + more + ",[5,\"z\"],[5,\"y\"]]", "[[5,\"x\"],[7,\"d\"]]"};
  Cutting cutting(chunks, {"v"});
  EXPECT_EQ(cutting.Cut({1, 3, 5}), "1,c|3,a 3,b|5,x 5,y 5,z|");
  EXPECT_EQ(cutting.Cut({7}), "7,d|");
  EXPECT_EQ(cutting.orphans(), 24);
  Cutting large(chunks, {"v"}, kNoMemory);
  EXPECT_EQ(large.Cut({1, 3, 5}), "1,c|large 3,a 3,b|large 5,x 5,y 5,z|");
}

TEST(TableCutterTest, EveryChunkIsToldOnceAndTheEndOnce) {
  Cutting cutting({R"([[1,"a"]])", R"([[1,"b"]])", R"([[2,"c"]])"});
  EXPECT_TRUE(cutting.cutter().Read().ValueOrDie());
  EXPECT_THAT(cutting.read(), ElementsAre("1,a"));
  EXPECT_EQ(cutting.Cut({1}), "1,a 1,b|") << "reads on, for the rest of the group";
  EXPECT_THAT(cutting.read(), ElementsAre("1,a", "1,b", "2,c"));
  EXPECT_FALSE(cutting.cutter().Read().ValueOrDie());
  EXPECT_FALSE(cutting.cutter().Read().ValueOrDie());
  ASSERT_TRUE(cutting.cutter().Drain().ok());
  EXPECT_THAT(cutting.read(), ElementsAre("1,a", "1,b", "2,c", "end"));
}

TEST(TableCutterTest, ALargeGroupIsSetApartWhereverItsChunksEnd) {
  const std::string first = R"([[1,"a"],[1,"b"],[2,"d"]])";
  for (const std::vector<std::string>& rest : std::vector<std::vector<std::string>>{
           {R"([[2,"c"],[2,"b"],[3,"x"]])"},
           {R"([[2,"c"]])", R"([[2,"b"]])", R"([[3,"x"]])"},
           {R"([[2,"c"],[2,"b"]])", R"([[3,"x"]])"},
       }) {
    std::vector<std::string> batches = {first};
    batches.insert(batches.end(), rest.begin(), rest.end());
    batches.emplace_back(R"([[9,"y"]])");
    Cutting cutting(batches, {"v"}, kNoMemory);
    EXPECT_EQ(cutting.Cut({1, 2}), "1,a 1,b|large 2,b 2,c 2,d|");
    EXPECT_EQ(cutting.Cut({3, 4}), "large 3,x||");
  }
}

TEST(TableCutterTest, ChunksOfALargeGroupAreNotHeldUntilItsEnd) {
  std::vector<std::string> batches(40, R"([[2,"b"],[2,"a"]])");
  batches.front() = R"([[1,"a"],[2,"b"],[2,"a"]])";
  batches.emplace_back(R"([[2,"c"],[3,"x"]])");
  Cutting cutting(batches, {"v"}, kNoMemory);
  std::string large = "|large";
  for (const char* v : {"a", "b"}) {
    for (int i = 0; i < 40; ++i) large += std::string(" 2,") + v;
  }
  EXPECT_EQ(cutting.Cut({1, 2, 3}), "1,a" + large + " 2,c|large 3,x|");
  EXPECT_LE(cutting.most_held(), 8);
}

TEST(TableCutterTest, ALargeGroupMayEndTheTable) {
  Cutting cutting({R"([[2,"d"]])", R"([[2,"c"]])", R"([[2,"a"]])"}, {"v"}, kNoMemory);
  EXPECT_EQ(cutting.Cut({1, 2, 3}), "|large 2,a 2,c 2,d||");
  EXPECT_EQ(cutting.Cut({5}), "|");
}

TEST(TableCutterTest, ChunksOfOneKeyThatWaitForTheirWindowGoToDisk) {
  Cutting cutting({R"([[1,"a"]])", R"([[2,"b"]])", R"([[2,"c"]])", R"([[3,"o"]])", R"([[4,"d"]])"},
                  {}, kNoMemory);
  for (int chunk = 0; chunk < 5; ++chunk) EXPECT_TRUE(cutting.cutter().Read().ValueOrDie());
  EXPECT_EQ(cutting.Cut({1, 2}), "large 1,a|large 2,b 2,c|");
  EXPECT_EQ(cutting.Cut({4}), "large 4,d|");
  EXPECT_EQ(cutting.orphans(), 1);
}

/// Rows of the keys in `bits`, two each, in chunks of `chunk` rows.
std::vector<std::string> Batches(int bits, int chunk) {
  std::vector<std::string> rows;
  for (int key = 0; key < 5; ++key) {
    if ((bits >> key & 1) == 0) continue;
    for (const char* v : {"a", "b"}) {
      rows.push_back("[" + std::to_string(key) + ",\"" + v + "\"]");
    }
  }
  std::vector<std::string> batches;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i % static_cast<size_t>(chunk) == 0) batches.emplace_back("[");
    batches.back() += (batches.back().size() > 1 ? "," : "") + rows[i];
  }
  for (std::string& batch : batches) batch += "]";
  return batches;
}

TEST(TableCutterTest, RowsAreFoundWhereverOrphansAndChunksLie) {
  for (int rows = 0; rows < 32; ++rows) {
    for (int selected = 1; selected < 32; ++selected) {
      for (const int chunk : {1, 3, 100}) {
        Cutting cutting(Batches(rows, chunk));
        int64_t orphans = 0;
        for (int key = 0; key < 5; ++key) {
          const bool has_rows = (rows >> key & 1) != 0;
          if ((selected >> key & 1) == 0) {
            orphans += has_rows ? 2 : 0;
            continue;
          }
          const std::string id = std::to_string(key);
          ASSERT_EQ(cutting.Cut({key}), has_rows ? id + ",a " + id + ",b|" : "|")
              << rows << " " << selected << " " << chunk;
        }
        ASSERT_TRUE(cutting.cutter().Drain().ok());
        ASSERT_EQ(cutting.orphans(), orphans);
      }
    }
  }
}

}  // namespace
}  // namespace sheaf
