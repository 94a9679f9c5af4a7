#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cogroup/cogroup_test_support.h"
#include "cogroup/group_rows.h"
#include "sheaf/batch.h"

namespace sheaf {
namespace {

using sheaf::testing::FromJson;
using sheaf::testing::IdSchema;
using sheaf::testing::RowsFromJson;
using ::testing::HasSubstr;

std::shared_ptr<arrow::RecordBatch> Keys(const std::string& json) {
  return RowsFromJson(arrow::schema({arrow::field("id", arrow::int64())}), json);
}

/// Keys 3 and 5; table A has a row of 3 and two of 5, table "B" none and one.
Batch TestBatch(const std::string& second = "B") {
  return Batch(7, Keys("[[3],[5]]"),
               {{"A", Cardinality::kAny, RowsFromJson(IdSchema(), R"([[3,"a"],[5,"b"],[5,"c"]])"),
                 OffsetsArray({0, 1, 3})},
                {second, Cardinality::kOne, RowsFromJson(IdSchema(), R"([[5,"x"]])"),
                 OffsetsArray({0, 0, 1})}});
}

TEST(BatchNestedTest, IsOneRowAKeyWithListsAndWhereOneRowIsPromisedStructs) {
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

TEST(BatchNestedTest, FieldsOfStructsAreNullableSinceARowMayBeMissing) {
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

TEST(BatchNestedTest, CopiesNoValues) {
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

TEST(BatchNestedTest, RefusesASecondRowWhereOneIsPromised) {
  const auto keys = RowsFromJson(arrow::schema({arrow::field("id", arrow::int64())}), "[[3]]");
  const Batch batch(0, keys,
                    {{"P", Cardinality::kAtMostOne,
                      RowsFromJson(IdSchema(), R"([[3,"a"],[3,"b"]])"), OffsetsArray({0, 2})}});
  EXPECT_THAT(batch.nested().status().message(), HasSubstr("table \"P\" has 2 rows of one key"));
}

TEST(BatchNestedTest, RefusesATableCalledAsAKeyColumn) {
  const arrow::Status status = TestBatch("id").nested().status();
  EXPECT_TRUE(status.IsInvalid());
  EXPECT_THAT(status.message(), HasSubstr("\"id\""));
}

/// A table of one column `v` that hangs on another.
BatchTable Linked(const std::string& name, Link::Kind kind, const std::string& other,
                  const std::string& rows, std::vector<int32_t> offsets,
                  const std::string& mapping = "") {
  const auto schema = arrow::schema({arrow::field("v", arrow::utf8(), /*nullable=*/false)});
  BatchTable table{name, Cardinality::kAny, RowsFromJson(schema, rows),
                   OffsetsArray(std::move(offsets)), Link{kind, other, {"id"}}};
  if (kind == Link::Kind::kReference) {
    table.mapping = std::static_pointer_cast<arrow::Int32Array>(FromJson(arrow::int32(), mapping));
  }
  return table;
}

constexpr auto kParent = Link::Kind::kParent;
constexpr auto kReference = Link::Kind::kReference;

void ExpectColumn(const Batch& batch, const std::string& name, const std::string& json) {
  const auto nested = batch.nested().ValueOrDie();
  ASSERT_TRUE(nested->ValidateFull().ok()) << nested->ValidateFull();
  const auto column = nested->GetColumnByName(name);
  ASSERT_NE(column, nullptr);
  EXPECT_TRUE(column->Equals(FromJson(column->type(), json))) << column->ToString();
}

/// TestBatch with these tables, too.
Batch BatchWith(std::vector<BatchTable> linked) {
  std::vector<BatchTable> tables = TestBatch().tables();
  for (BatchTable& table : linked) tables.push_back(std::move(table));
  return Batch(7, TestBatch().keys(), std::move(tables));
}

TEST(BatchNestedTest, GrandchildrenAreAListInTheirParentsRow) {
  const Batch batch =
      BatchWith({Linked("G", kParent, "A", R"([["p"],["q"],["r"]])", {0, 2, 2, 3})});
  ExpectColumn(batch, "A", R"([[[3, "a", [["p"], ["q"]]]], [[5, "b", []], [5, "c", [["r"]]]]])");
  const auto nested = batch.nested().ValueOrDie();
  EXPECT_EQ(nested->num_columns(), 3) << "a linked table is no column of the key";
  const auto& rows = static_cast<const arrow::ListArray&>(*nested->column(1)).values();
  const auto& lists =
      static_cast<const arrow::ListArray&>(*static_cast<const arrow::StructArray&>(*rows).field(2));
  const auto& values = static_cast<const arrow::StructArray&>(*lists.values());
  EXPECT_EQ(values.field(0)->data()->buffers, batch.table("G")->column_data(0)->buffers)
      << "nothing is copied";
}

TEST(BatchNestedTest, ReferencedRowsAreRepeatedInEachRowThatNamesThem) {
  ExpectColumn(BatchWith({Linked("R", kReference, "A", R"([["p"],["q"],["r"]])", {0, 2, 3},
                                 "[1, null, 1]")}),
               "A", R"([[[3, "a", [["r"]]]], [[5, "b", []], [5, "c", [["r"]]]]])");
  ExpectColumn(
      BatchWith({Linked("R", kReference, "A", R"([["p"],["q"],["r"]])", {0, 2, 3}, "[0, 1, 0]")}),
      "A", R"([[[3, "a", [["p"], ["q"]]]], [[5, "b", [["r"]]], [5, "c", [["p"], ["q"]]]]])");
}

TEST(BatchNestedTest, ALinkedTableOfOneRowIsAStruct) {
  BatchTable reference = Linked("R", kReference, "A", R"([["p"],["q"]])", {0, 1, 2}, "[1,null,1]");
  reference.rows_per_key = Cardinality::kOne;
  ExpectColumn(BatchWith({reference}), "A",
               R"([[[3, "a", ["q"]]], [[5, "b", null], [5, "c", ["q"]]]])");
  BatchTable child = Linked("G", kParent, "A", R"([["p"],["q"]])", {0, 1, 1, 2});
  child.rows_per_key = Cardinality::kAtMostOne;
  ExpectColumn(BatchWith({child}), "A",
               R"([[[3, "a", ["p"]]], [[5, "b", null], [5, "c", ["q"]]]])");
}

TEST(BatchNestedTest, LinksOfLinksAreFurtherInside) {
  ExpectColumn(
      BatchWith({Linked("GR", kReference, "G", R"([["s"]])", {0, 1}, "[0, null, 0]"),
                 Linked("G", kParent, "A", R"([["p"],["q"],["r"]])", {0, 2, 2, 3})}),
      "A",
      R"([[[3, "a", [["p", [["s"]]], ["q", []]]]], [[5, "b", []], [5, "c", [["r", [["s"]]]]]]])");
  ExpectColumn(
      BatchWith({Linked("R", kReference, "A", R"([["p"],["q"]])", {0, 1, 2}, "[1, 0, 1]"),
                 Linked("RG", kParent, "R", R"([["s"],["t"]])", {0, 2, 2})}),
      "A",
      R"([[[3, "a", [["q", []]]]], [[5, "b", [["p", [["s"], ["t"]]]]], [5, "c", [["q", []]]]]])");
}

TEST(BatchNestedTest, ARowThatIsMissingHasNothingThatHangsOnIt) {
  ExpectColumn(BatchWith({Linked("G", kParent, "B", R"([["p"],["q"]])", {0, 2}),
                          Linked("R", kReference, "B", R"([["r"]])", {0, 1}, "[0]")}),
               "B", R"([null, [5, "x", [["p"], ["q"]], [["r"]]]])");
}

TEST(BatchNestedTest, ABatchWithoutRowsHasTheSameSchema) {
  const auto of = [](const std::string& rows, const std::string& mapping,
                     std::vector<int32_t> groups, std::vector<int32_t> parents) {
    return BatchWith({Linked("R", kReference, "A", rows, std::move(groups), mapping),
                      Linked("G", kParent, "R", rows, std::move(parents))});
  };
  std::vector<BatchTable> empty = of("[]", "[]", {0}, {0}).tables();
  for (BatchTable& table : empty) {
    table.rows = table.rows->Slice(0, 0);
    table.offsets = OffsetsArray({0});
  }
  const auto nested = Batch(0, Keys("[]"), std::move(empty)).nested().ValueOrDie();
  EXPECT_EQ(nested->num_rows(), 0);
  EXPECT_TRUE(nested->schema()->Equals(
      *of(R"([["p"]])", "[0, null, 0]", {0, 1}, {0, 1}).nested().ValueOrDie()->schema()));
}

TEST(BatchNestedTest, ALinkedTableCalledAsAColumnBesideItIsRefused) {
  const arrow::Status status =
      BatchWith({Linked("v", kParent, "A", "[]", {0, 0, 0, 0})}).nested().status();
  EXPECT_TRUE(status.IsInvalid());
  EXPECT_THAT(status.message(), HasSubstr("table \"v\" has the name of a column of table \"A\""));
}

TEST(BatchNestedTest, ReferencedRowsThatExceedAnArrayAreAnErrorThatSaysWhatToDo) {
  const int32_t rows = 1 << 16;
  const auto nulls = [](int64_t count) {
    return arrow::RecordBatch::Make(
        arrow::schema({arrow::field("n", arrow::null())}), count,
        {std::static_pointer_cast<arrow::Array>(std::make_shared<arrow::NullArray>(count))});
  };
  BatchTable reference{"R", Cardinality::kAny, nulls(rows), OffsetsArray({0, rows}),
                       Link{kReference, "A", {"n"}}};
  reference.mapping = OffsetsArray(std::vector<int32_t>(rows));
  const Batch batch(0, Keys("[[3]]"),
                    {{"A", Cardinality::kAny, nulls(rows), OffsetsArray({0, rows})}, reference});
  const arrow::Status status = batch.nested().status();
  EXPECT_TRUE(status.IsCapacityError()) << status;
  EXPECT_THAT(status.message(), HasSubstr("table \"R\": its rows, repeated"));
  EXPECT_THAT(status.message(), HasSubstr("lower batch.max_keys"));
}

}  // namespace
}  // namespace sheaf
