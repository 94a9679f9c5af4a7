#include "sheaf/batch.h"

#include <gtest/gtest.h>

#include <ranges>

#include "cogroup/cogroup_test_support.h"
#include "cogroup/group_rows.h"

namespace sheaf {
namespace {

using sheaf::testing::IdSchema;
using sheaf::testing::RowsFromJson;
using sheaf::testing::Text;

/// Keys 3 and 5; table A has a row of 3 and two of 5, table "B" none and one.
Batch TestBatch() {
  const auto keys = RowsFromJson(arrow::schema({arrow::field("id", arrow::int64())}), "[[3],[5]]");
  return Batch(7, keys,
               {{"A", Cardinality::kAny, RowsFromJson(IdSchema(), R"([[3,"a"],[5,"b"],[5,"c"]])"),
                 OffsetsArray({0, 1, 3})},
                {"B", Cardinality::kOne, RowsFromJson(IdSchema(), R"([[5,"x"]])"),
                 OffsetsArray({0, 0, 1})}});
}

static_assert(std::ranges::input_range<GroupRange>);

TEST(BatchTest, GroupsHoldTheRowsOfOneKeyEach) {
  const Batch batch = TestBatch();
  EXPECT_EQ(Text(batch), "3: A(3,a) B()\n5: A(5,b 5,c) B(5,x)");
  EXPECT_EQ(batch.groups().size(), 2);
  int64_t index = 0;
  for (const Group& group : batch.groups()) {
    EXPECT_EQ(group.index(), index++);
    EXPECT_EQ(group.num_rows("A"), group.rows("A")->num_rows());
  }
}

TEST(BatchTest, GroupsAreNotCopied) {
  const Batch batch = TestBatch();
  const Group last = *++batch.groups().begin();
  EXPECT_EQ(last.rows("A")->column_data(0)->buffers, batch.table("A")->column_data(0)->buffers);
}

TEST(BatchTest, TablesAreFoundByName) {
  const Batch batch = TestBatch();
  EXPECT_EQ(batch.table("B"), batch.tables()[1].rows);
  EXPECT_EQ(batch.offsets("A")->Value(2), 3);
  EXPECT_EQ(batch.table("C"), nullptr);
  EXPECT_EQ(batch.offsets("C"), nullptr);
}

TEST(BatchTest, CountsAndIndex) {
  const Batch batch = TestBatch();
  EXPECT_EQ(batch.index(), 7);
  EXPECT_EQ(batch.num_keys(), 2);
  EXPECT_EQ(batch.total_rows(), 4);
}

TEST(BatchDeathTest, AGroupOfAnUnknownTableEndsTheProgramWithItsName) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const Batch batch = TestBatch();
  const Group group = *batch.groups().begin();
  EXPECT_DEATH((void)group.rows("C"), "the job has no table \"C\"");
  EXPECT_DEATH((void)group.num_rows("C"), "the job has no table \"C\"");
}

TEST(BatchDeathTest, AGroupHasNoRowsOfAReferenceTable) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  std::vector<BatchTable> tables = TestBatch().tables();
  tables[1].link = Link{Link::Kind::kReference, "A", {"v"}};
  const Batch batch(0, TestBatch().keys(), std::move(tables));
  EXPECT_DEATH((void)(*batch.groups().begin()).rows("B"), "\"B\" is a reference table");
}

}  // namespace
}  // namespace sheaf
