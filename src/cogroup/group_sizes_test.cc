#include "cogroup/group_sizes.h"

#include <arrow/api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "cogroup/cogroup_test_support.h"
#include "cogroup/group_rows.h"

namespace sheaf {
namespace {

using sheaf::testing::Text;
using ::testing::ElementsAre;

/// Adds groups of these sizes as one batch; a key is its number in the whole test.
class GroupSizesTest : public ::testing::Test {
 protected:
  void Add(const std::vector<int32_t>& sizes) {
    std::vector<int32_t> offsets = {0};
    arrow::Int64Builder keys;
    for (const int32_t size : sizes) {
      offsets.push_back(offsets.back() + size);
      EXPECT_TRUE(keys.Append(next_key_++).ok());
    }
    const auto rows =
        arrow::RecordBatch::Make(arrow::schema({arrow::field("id", arrow::int64())}),
                                 static_cast<int64_t>(sizes.size()), {keys.Finish().ValueOrDie()});
    ASSERT_TRUE(sizes_.Add(*OffsetsArray(std::move(offsets)), *rows).ok());
  }

  [[nodiscard]] std::vector<std::string> Largest() const {
    std::vector<std::string> texts;
    for (const auto& large : sizes_.Summary().largest) {
      texts.push_back(Text(*large.key) + ":" + std::to_string(large.rows));
    }
    return texts;
  }

  GroupSizes sizes_;
  int64_t next_key_ = 0;
};

TEST_F(GroupSizesTest, WithoutGroupsAllIsZero) {
  const RowsPerKey summary = sizes_.Summary();
  EXPECT_EQ(summary.min + summary.p50 + summary.p99 + summary.max, 0);
  EXPECT_EQ(summary.mean, 0);
  EXPECT_EQ(sizes_.empty(), 0);
}

TEST_F(GroupSizesTest, GroupsWithoutRowsCount) {
  Add({0, 3, 0, 1});
  sizes_.AddEmpty(1);
  const RowsPerKey summary = sizes_.Summary();
  EXPECT_EQ(sizes_.empty(), 3);
  EXPECT_EQ(summary.min, 0);
  EXPECT_EQ(summary.p50, 0);
  EXPECT_EQ(summary.max, 3);
  EXPECT_DOUBLE_EQ(summary.mean, 0.8);
  EXPECT_THAT(Largest(), ElementsAre("1:3", "3:1"));
}

TEST_F(GroupSizesTest, PercentilesAreThoseOfTheSortedSizes) {
  std::mt19937 random(7);
  std::vector<int32_t> all;
  for (int batch = 0; batch < 20; ++batch) {
    std::vector<int32_t> sizes(37);
    for (int32_t& size : sizes) size = static_cast<int32_t>(random() % 60'000);
    all.insert(all.end(), sizes.begin(), sizes.end());
    Add(sizes);
  }
  std::ranges::sort(all);
  const auto nearest = [&](size_t percent) { return all[(all.size() * percent + 99) / 100 - 1]; };
  const RowsPerKey summary = sizes_.Summary();
  EXPECT_EQ(summary.min, all.front());
  EXPECT_EQ(summary.p50, nearest(50));
  EXPECT_EQ(summary.p99, nearest(99));
  EXPECT_EQ(summary.max, all.back());
}

TEST_F(GroupSizesTest, PercentilesOfLargeGroupsAreAtMostA64thTooSmall) {
  for (const int32_t size : {65'535, 65'536, 65'537, 1'000'003, 2'147'483'647}) {
    GroupSizes sizes;
    const auto key = arrow::RecordBatch::MakeEmpty(arrow::schema({})).ValueOrDie();
    const auto one = arrow::RecordBatch::Make(key->schema(), 1, arrow::ArrayVector{});
    ASSERT_TRUE(sizes.Add(*OffsetsArray({0, size}), *one).ok());
    const RowsPerKey summary = sizes.Summary();
    EXPECT_EQ(summary.max, size);
    EXPECT_LE(summary.p50, size);
    EXPECT_GE(summary.p50, size - size / 64);
    EXPECT_TRUE(summary.p50 == size || size > 65'536);
  }
}

TEST_F(GroupSizesTest, TheTenLargestAreKeptOfEqualOnesTheFirst) {
  Add({5, 1, 9, 1});
  Add({1, 1, 1, 1, 1, 1, 1, 5, 2});
  EXPECT_THAT(Largest(),
              ElementsAre("2:9", "0:5", "11:5", "12:2", "1:1", "3:1", "4:1", "5:1", "6:1", "7:1"));
}

TEST_F(GroupSizesTest, ALargestKeyDoesNotKeepItsBatchInMemory) {
  Add(std::vector<int32_t>(10'000, 1));
  const auto key = sizes_.Summary().largest[0].key;
  EXPECT_LT(key->column_data(0)->buffers[1]->size(), 100);
}

}  // namespace
}  // namespace sheaf
