#include "key/plain_types.h"

#include <arrow/compute/api.h>
#include <arrow/extension/json.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "key/key_test_support.h"

namespace sheaf {
namespace {

using sheaf::testing::FromJson;
using ::testing::HasSubstr;

using TypePtr = std::shared_ptr<arrow::DataType>;
using ArrayPtr = std::shared_ptr<arrow::Array>;

TypePtr PlainOf(const TypePtr& type) {
  return PlainSchema(arrow::schema({arrow::field("c", type)}))->field(0)->type();
}

ArrayPtr ToPlainColumn(const ArrayPtr& array) {
  const auto schema = arrow::schema({arrow::field("c", array->type())});
  const auto batch = arrow::RecordBatch::Make(schema, array->length(), {array});
  const auto plain = ToPlain(batch, PlainSchema(schema)).ValueOrDie();
  EXPECT_TRUE(plain->ValidateFull().ok()) << plain->ValidateFull();
  return plain->column(0);
}

/// The column becomes `type` with the values of `json`, and so does each slice of it.
void ExpectPlain(const ArrayPtr& array, const TypePtr& type, const std::string& json) {
  const ArrayPtr expected = FromJson(type, json);
  ASSERT_EQ(array->length(), expected->length());
  for (int64_t start = 0; start < array->length(); ++start) {
    for (const int64_t length : {int64_t{1}, array->length() - start}) {
      const ArrayPtr plain = ToPlainColumn(array->Slice(start, length));
      EXPECT_TRUE(plain->type()->Equals(*type)) << *plain->type();
      EXPECT_TRUE(plain->Equals(expected->Slice(start, length)))
          << plain->ToString() << " in place of " << expected->Slice(start, length)->ToString();
    }
  }
}

ArrayPtr Dictionary(const std::string& indices, const TypePtr& values, const std::string& json) {
  return arrow::json::DictArrayFromJSONString(arrow::dictionary(arrow::int8(), values), indices,
                                              json)
      .ValueOrDie();
}

/// A list column over `values`, which JSON can't write where they are encoded.
ArrayPtr ListOf(const std::string& offsets, const ArrayPtr& values) {
  return arrow::ListArray::FromArrays(*FromJson(arrow::int32(), offsets), *values).ValueOrDie();
}

TEST(PlainTypesTest, APlainSchemaIsKeptAsItIs) {
  const auto schema = arrow::schema(
      {arrow::field("a", arrow::int64()), arrow::field("b", arrow::list(arrow::utf8()))});
  EXPECT_EQ(PlainSchema(schema), schema);
}

TEST(PlainTypesTest, PlainColumnsAreNotCopied) {
  const ArrayPtr array = FromJson(arrow::utf8(), R"(["a"])");
  EXPECT_EQ(ToPlainColumn(array)->data()->buffers, array->data()->buffers);
}

TEST(PlainTypesTest, NamesNullabilityAndMetadataAreKept) {
  const auto metadata = arrow::key_value_metadata({"origin"}, {"here"});
  const auto schema =
      arrow::schema({arrow::field("c", arrow::utf8_view(), false, metadata)}, metadata);
  const auto plain = PlainSchema(schema);
  EXPECT_TRUE(plain->Equals(
      *arrow::schema({arrow::field("c", arrow::utf8(), false, metadata)}, metadata), true))
      << plain->ToString(true);
}

TEST(PlainTypesTest, ViewsBecomeStrings) {
  const std::string json = R"(["a", null, "more than twelve bytes", ""])";
  ExpectPlain(FromJson(arrow::utf8_view(), json), arrow::utf8(), json);
  ExpectPlain(FromJson(arrow::binary_view(), json), arrow::binary(), json);
}

TEST(PlainTypesTest, DictionariesBecomeTheirValues) {
  ExpectPlain(Dictionary("[1, 0, null, 1]", arrow::utf8(), R"(["a", "b"])"), arrow::utf8(),
              R"(["b", "a", null, "b"])");
  ExpectPlain(Dictionary("[1, 0]", arrow::int64(), "[7, 8]"), arrow::int64(), "[8, 7]");
}

TEST(PlainTypesTest, ANullOfADictionarysValuesIsANull) {
  ExpectPlain(Dictionary("[1, 0, null]", arrow::utf8(), R"(["a", null])"), arrow::utf8(),
              R"([null, "a", null])");
}

TEST(PlainTypesTest, ADictionaryOfViewsBecomesStrings) {
  ExpectPlain(Dictionary("[1, 0, 1]", arrow::utf8_view(), R"(["a", "b"])"), arrow::utf8(),
              R"(["b", "a", "b"])");
}

TEST(PlainTypesTest, RunEndsAreDecoded) {
  const auto encoded =
      arrow::RunEndEncodedArray::Make(5, FromJson(arrow::int32(), "[2, 3, 5]"),
                                      FromJson(arrow::utf8(), R"(["a", null, "b"])"))
          .ValueOrDie();
  ExpectPlain(encoded, arrow::utf8(), R"(["a", "a", null, "b", "b"])");
}

TEST(PlainTypesTest, RunsOfViewsBecomeStrings) {
  const auto encoded =
      arrow::RunEndEncodedArray::Make(3, FromJson(arrow::int16(), "[1, 3]"),
                                      FromJson(arrow::utf8_view(), R"(["a", "b"])"))
          .ValueOrDie();
  ExpectPlain(encoded, arrow::utf8(), R"(["a", "b", "b"])");
}

TEST(PlainTypesTest, RunsOfListsBecomeLists) {
  const auto encoded = arrow::RunEndEncodedArray::Make(
                           3, FromJson(arrow::int64(), "[2, 3]"),
                           FromJson(arrow::list(arrow::utf8_view()), R"([["a", "b"], []])"))
                           .ValueOrDie();
  ExpectPlain(encoded, arrow::list(arrow::utf8()), R"([["a", "b"], ["a", "b"], []])");
}

TEST(PlainTypesTest, ElementsOfListsBecomePlain) {
  const ArrayPtr views = FromJson(arrow::utf8_view(), R"(["a", "b", null])");
  ExpectPlain(ListOf("[0, 1, 1, 3]", views), arrow::list(arrow::utf8()),
              R"([["a"], [], ["b", null]])");
  const ArrayPtr dictionary = Dictionary("[1, 0, null]", arrow::utf8(), R"(["a", "b"])");
  ExpectPlain(ListOf("[0, 2, 3]", dictionary), arrow::list(arrow::utf8()),
              R"([["b", "a"], [null]])");
}

TEST(PlainTypesTest, ElementsOfOtherListsBecomePlain) {
  const std::string json = R"([["a", "b"], null, ["c", null]])";
  ExpectPlain(FromJson(arrow::large_list(arrow::utf8_view()), json),
              arrow::large_list(arrow::utf8()), json);
  ExpectPlain(FromJson(arrow::fixed_size_list(arrow::utf8_view(), 2), json),
              arrow::fixed_size_list(arrow::utf8(), 2), json);
}

TEST(PlainTypesTest, FieldsOfStructsBecomePlain) {
  const auto view = arrow::struct_({arrow::field("a", arrow::utf8_view()),
                                    arrow::field("b", arrow::list(arrow::binary_view()))});
  const auto plain = arrow::struct_(
      {arrow::field("a", arrow::utf8()), arrow::field("b", arrow::list(arrow::binary()))});
  const std::string json = R"([["x", ["y", null]], null, [null, []]])";
  ExpectPlain(FromJson(view, json), plain, json);
}

TEST(PlainTypesTest, KeysAndValuesOfMapsBecomePlain) {
  const std::string json = R"([[["a", "b"]], null, [], [["c", null]]])";
  ExpectPlain(FromJson(arrow::map(arrow::utf8_view(), arrow::utf8_view()), json),
              arrow::map(arrow::utf8(), arrow::utf8()), json);
}

TEST(PlainTypesTest, ListViewsAndUnionsBecomePlainInside) {
  const std::string lists = R"([["a", "b"], null, [], ["c", null]])";
  ExpectPlain(FromJson(arrow::list_view(arrow::utf8_view()), lists),
              arrow::list_view(arrow::utf8()), lists);
  ExpectPlain(FromJson(arrow::large_list_view(arrow::utf8_view()), lists),
              arrow::large_list_view(arrow::utf8()), lists);
  const std::string tagged = R"([[2, "a"], [5, 7], [2, null], [5, null], [2, "b"]])";
  const auto fields = [](const TypePtr& text) -> arrow::FieldVector {
    return {arrow::field("t", text), arrow::field("n", arrow::int32())};
  };
  ExpectPlain(FromJson(arrow::sparse_union(fields(arrow::utf8_view()), {2, 5}), tagged),
              arrow::sparse_union(fields(arrow::utf8()), {2, 5}), tagged);
  ExpectPlain(FromJson(arrow::dense_union(fields(arrow::utf8_view()), {2, 5}), tagged),
              arrow::dense_union(fields(arrow::utf8()), {2, 5}), tagged);
}

TEST(PlainTypesTest, AnExtensionOfWhatIsNotPlainBecomesThat) {
  const auto views = arrow::extension::json(arrow::utf8_view());
  const auto stored = FromJson(arrow::utf8_view(), R"(["{}", null, "[1]"])");
  ExpectPlain(arrow::ExtensionType::WrapArray(views, stored), arrow::utf8(),
              R"(["{}", null, "[1]"])");
  EXPECT_TRUE(PlainOf(arrow::extension::json())->Equals(*arrow::extension::json()));
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> Told(const TypePtr& type, const ArrayPtr& came) {
  const auto schema = arrow::schema({arrow::field("c", came->type())});
  return ToPlain(arrow::RecordBatch::Make(schema, came->length(), {came}),
                 arrow::schema({arrow::field("c", type)}));
}

TEST(PlainTypesTest, TextIsNeverReadAsANumber) {
  const auto rows = Told(arrow::int64(), FromJson(arrow::utf8(), R"(["007"])"));
  EXPECT_EQ(rows.status().message(),
            "column \"c\": came as string, where the driver had told int64; CAST it in the query");
}

TEST(PlainTypesTest, WhatHasNoValueHasAnyType) {
  const auto rows = Told(arrow::binary(), FromJson(arrow::int64(), "[null, null]"));
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_TRUE((*rows)->column(0)->Equals(FromJson(arrow::binary(), "[null, null]")));
}

TEST(PlainTypesTest, ABatchOfAnotherSchemaIsAnError) {
  const auto batch = arrow::RecordBatch::Make(arrow::schema({arrow::field("a", arrow::int64())}), 1,
                                              {FromJson(arrow::int64(), "[1]")});
  EXPECT_THAT(ToPlain(batch, arrow::schema({arrow::field("a", arrow::int64()),
                                            arrow::field("b", arrow::int64())}))
                  .status()
                  .message(),
              HasSubstr("1 columns and its schema 2"));
  EXPECT_FALSE(ToPlain(batch, arrow::schema({arrow::field(
                                  "a", arrow::struct_({arrow::field("x", arrow::int8())}))}))
                   .ok());
}

}  // namespace
}  // namespace sheaf
