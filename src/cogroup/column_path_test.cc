#include "cogroup/column_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "key/key_test_support.h"

namespace sheaf {
namespace {

using sheaf::testing::FromJson;
using sheaf::testing::RowsFromJson;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::shared_ptr<arrow::Schema> SchemaWithStructs() {
  const auto inner = arrow::struct_({arrow::field("id", arrow::uint32())});
  return arrow::schema(
      {arrow::field(
           "r", arrow::struct_({arrow::field("id", arrow::int32()),
                                arrow::field("a.b", arrow::utf8()), arrow::field("in", inner)})),
       arrow::field("r.in.id", arrow::utf8()), arrow::field("s.id", arrow::int64())});
}

TEST(ColumnPath, LeadsToAFieldOfAStructAtAnyDepth) {
  const auto nested = FindColumn(*SchemaWithStructs(), "r.id", "key column");
  ASSERT_TRUE(nested.ok()) << nested.status();
  EXPECT_THAT(nested->names, ElementsAre("r", "id"));
  EXPECT_THAT(nested->indices.indices(), ElementsAre(0, 0));
  EXPECT_EQ(nested->type->id(), arrow::Type::INT32);
  EXPECT_THAT(FindColumn(*SchemaWithStructs(), "r.a.b", "key column")->names,
              ElementsAre("r", "a.b"));
}

TEST(ColumnPath, AColumnWhoseOwnNameHasADotWins) {
  EXPECT_THAT(FindColumn(*SchemaWithStructs(), "r.in.id", "key column")->names,
              ElementsAre("r.in.id"));
  EXPECT_THAT(FindColumn(*SchemaWithStructs(), "s.id", "key column")->names, ElementsAre("s.id"));
}

TEST(ColumnPath, AMissingOneIsNamedWithTheNearestThereIs) {
  EXPECT_THAT(FindColumn(*SchemaWithStructs(), "r.ib", "key column").status().message(),
              AllOf(HasSubstr("has no key column \"r.ib\""), HasSubstr("\"r.id\"")));
}

TEST(ColumnPath, SeveralOfOneNameAreRefusedAtAnyDepth) {
  const auto twice =
      arrow::struct_({arrow::field("id", arrow::int32()), arrow::field("id", arrow::int32())});
  const arrow::Schema schema({arrow::field("r", twice)});
  EXPECT_THAT(FindColumn(schema, "r.id", "key column").status().message(),
              HasSubstr("2 columns called \"id\""));
}

TEST(ColumnPath, AFieldOfANullStructIsNull) {
  const auto type = arrow::struct_({arrow::field("id", arrow::int32())});
  const auto schema = arrow::schema({arrow::field("r", type)});
  const auto rows = RowsFromJson(schema, R"([[{"id":1}],[null],[{"id":null}],[{"id":4}]])");
  const auto path = FindColumn(*schema, "r.id", "key column").ValueOrDie();
  const auto columns = ColumnsAt({path}, *rows->Slice(1)).ValueOrDie();
  EXPECT_EQ(columns[0]->ToString(), FromJson(arrow::int32(), "[null,null,4]")->ToString());
}

}  // namespace
}  // namespace sheaf
