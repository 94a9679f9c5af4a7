#include "sheaf/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cogroup/cogroup_test_support.h"
#include "cogroup/group_rows.h"

namespace sheaf {
namespace {

using sheaf::testing::FromJson;
using sheaf::testing::IdSchema;
using sheaf::testing::RowsFromJson;
using sheaf::testing::Text;
using ::testing::HasSubstr;

/// Keys 3 and 5; table A has a row of 3 and two of 5, table "B" none and one.
Batch TestBatch(const std::string& second = "B") {
  const auto keys = RowsFromJson(arrow::schema({arrow::field("id", arrow::int64())}), "[[3],[5]]");
  return Batch(7, keys,
               {{"A", Cardinality::kAny, RowsFromJson(IdSchema(), R"([[3,"a"],[5,"b"],[5,"c"]])"),
                 OffsetsArray({0, 1, 3})},
                {second, Cardinality::kOne, RowsFromJson(IdSchema(), R"([[5,"x"]])"),
                 OffsetsArray({0, 0, 1})}});
}

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

TEST(BatchTest, NestedIsOneRowAKeyWithListsAndWhereOneRowIsPromisedStructs) {
  const auto nested = TestBatch().nested().ValueOrDie();
  ASSERT_TRUE(nested->ValidateFull().ok()) << nested->ValidateFull();
  const auto row = arrow::struct_(IdSchema()->fields());
  const auto rows = arrow::list(row);
  const auto expected = arrow::RecordBatch::Make(
      arrow::schema({arrow::field("id", arrow::int64()), arrow::field("A", rows, false),
                     arrow::field("B", row)}),
      2,
      {FromJson(arrow::int64(), "[3, 5]"), FromJson(rows, R"([[[3, "a"]], [[5, "b"], [5, "c"]]])"),
       FromJson(row, R"([null, [5, "x"]])")});
  EXPECT_TRUE(nested->Equals(*expected, /*check_metadata=*/true)) << nested->ToString();
}

TEST(BatchTest, FieldsOfNestedStructsAreNullableSinceARowMayBeMissing) {
  const auto id = arrow::field("id", arrow::int64(), false);
  const auto pair = arrow::field("pair", arrow::fixed_size_list(id, 2), false);
  const auto schema = arrow::schema({id, arrow::field("inner", arrow::struct_({id, pair}), false)});
  const auto keys = RowsFromJson(arrow::schema({id}), "[[3],[5]]");
  const Batch batch(0, keys,
                    {{"P", Cardinality::kOne, RowsFromJson(schema, "[[5, [6, [7, 8]]]]"),
                      OffsetsArray({0, 0, 1})}});
  const auto nested = batch.nested().ValueOrDie();
  const auto nullable_id = id->WithNullable(true);
  const auto row = arrow::struct_(
      {nullable_id,
       arrow::field("inner", arrow::struct_(
                                 {nullable_id,
                                  arrow::field("pair", arrow::fixed_size_list(nullable_id, 2))}))});
  EXPECT_TRUE(nested->column(1)->Equals(FromJson(row, "[null, [5, [6, [7, 8]]]]")));
  EXPECT_TRUE(nested->schema()->field(1)->type()->Equals(row)) << nested->schema()->ToString();
  EXPECT_TRUE(nested->ValidateFull().ok()) << nested->ValidateFull();
}

TEST(BatchTest, NestedCopiesNoValues) {
  const auto keys = RowsFromJson(arrow::schema({arrow::field("id", arrow::int64())}), "[[3],[5]]");
  const auto rows = RowsFromJson(IdSchema(), R"([[3,"a"],[5,"b"]])");
  const auto offsets = OffsetsArray({0, 1, 2});
  const Batch batch(
      0, keys, {{"A", Cardinality::kAny, rows, offsets}, {"B", Cardinality::kOne, rows, offsets}});
  const auto nested = batch.nested().ValueOrDie();
  const auto& lists = static_cast<const arrow::ListArray&>(*nested->column(1));
  const auto& in_lists = static_cast<const arrow::StructArray&>(*lists.values());
  EXPECT_EQ(in_lists.field(1)->data()->buffers, rows->column_data(1)->buffers);
  const auto& structs = static_cast<const arrow::StructArray&>(*nested->column(2));
  EXPECT_EQ(structs.field(1)->data()->buffers, rows->column_data(1)->buffers);
}

TEST(BatchTest, NestedRefusesASecondRowWhereOneIsPromised) {
  const auto keys = RowsFromJson(arrow::schema({arrow::field("id", arrow::int64())}), "[[3]]");
  const Batch batch(0, keys,
                    {{"P", Cardinality::kAtMostOne,
                      RowsFromJson(IdSchema(), R"([[3,"a"],[3,"b"]])"), OffsetsArray({0, 2})}});
  EXPECT_THAT(batch.nested().status().message(), HasSubstr("table \"P\" has 2 rows of one key"));
}

TEST(BatchTest, NestedRefusesATableCalledAsAKeyColumn) {
  const arrow::Status status = TestBatch("id").nested().status();
  EXPECT_TRUE(status.IsInvalid());
  EXPECT_THAT(status.message(), HasSubstr("\"id\""));
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
