#include "cogroup/pack_nested.h"

#include <arrow/compute/api.h>
#include <arrow/extension/json.h>
#include <arrow/table.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "cogroup/unpack_nested.h"
#include "key/key_test_support.h"

namespace sheaf {
namespace {

using sheaf::testing::FromJson;
using ArrayPtr = std::shared_ptr<arrow::Array>;
using TypePtr = std::shared_ptr<arrow::DataType>;

ArrayPtr TakeRows(const arrow::Array& rows, const std::vector<int64_t>& numbers) {
  const arrow::Int64Array indices(std::ssize(numbers), arrow::Buffer::Wrap(numbers));
  return arrow::compute::Take(rows, indices).ValueOrDie();
}

/// The rows come back from their bytes, in any order, as often as they are asked for, and so do those of each slice.
void ExpectComesBack(const ArrayPtr& all) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(all->type()->ToString() + ", seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int64_t begin = 0; begin <= all->length(); ++begin) {
    const ArrayPtr rows = all->Slice(begin);
    const auto packed = PackNested(*rows);
    ASSERT_TRUE(packed.ok()) << packed.status();
    ASSERT_EQ((*packed)->length(), rows->length());
    std::vector<int64_t> numbers;
    for (int64_t i = 0; rows->length() > 0 && i < 2 * rows->length(); ++i) {
      numbers.push_back(static_cast<int64_t>(random() % static_cast<unsigned>(rows->length())));
    }
    const auto taken =
        std::static_pointer_cast<arrow::LargeBinaryArray>(TakeRows(**packed, numbers));
    const auto unpacked = UnpackNested(*taken, rows->type());
    ASSERT_TRUE(unpacked.ok()) << unpacked.status();
    ASSERT_TRUE((*unpacked)->ValidateFull().ok()) << (*unpacked)->ValidateFull();
    ASSERT_EQ((*unpacked)->length(), std::ssize(numbers));
    for (int64_t i = 0; i < std::ssize(numbers); ++i) {
      const int64_t row = numbers[static_cast<size_t>(i)];
      EXPECT_TRUE((*unpacked)->Slice(i, 1)->Equals(rows->Slice(row, 1)))
          << (*unpacked)->Slice(i, 1)->ToString() << " in place of "
          << rows->Slice(row, 1)->ToString();
    }
  }
}

TEST(PackNestedTest, ListsOfEveryKindComeBack) {
  const std::string numbers = "[[1, 2], null, [], [null], [3, null, 5], [null, null], [7]]";
  const std::string texts = R"([["a", null], null, [], ["", "bc"], [null], ["d"]])";
  const std::vector<TypePtr (*)(const TypePtr&)> kinds = {
      [](const TypePtr& item) { return arrow::list(item); },
      [](const TypePtr& item) { return arrow::large_list(item); },
      [](const TypePtr& item) { return arrow::list_view(item); },
      [](const TypePtr& item) { return arrow::large_list_view(item); }};
  for (const auto& of : kinds) {
    for (const auto& item : {arrow::int8(), arrow::int64(), arrow::float32()}) {
      ExpectComesBack(FromJson(of(item), numbers));
    }
    for (const auto& item : {arrow::utf8(), arrow::binary(), arrow::large_utf8()}) {
      ExpectComesBack(FromJson(of(item), texts));
    }
    ExpectComesBack(FromJson(of(arrow::boolean()), "[[true, null, false], null, [], [true]]"));
    ExpectComesBack(FromJson(of(arrow::null()), "[[null, null], null, [], [null]]"));
    ExpectComesBack(FromJson(of(of(arrow::int16())),
                             "[[[1, 2], [], null], null, [], [null, [3]], [[4], [5, null]]]"));
    ExpectComesBack(FromJson(of(arrow::fixed_size_list(arrow::utf8(), 2)),
                             R"([[["a", "b"], null], null, [["c", null]], []])"));
  }
}

TEST(PackNestedTest, StructsMapsAndListsOfOneSizeComeBack) {
  const auto row =
      arrow::struct_({arrow::field("n", arrow::decimal128(20, 2)), arrow::field("t", arrow::utf8()),
                      arrow::field("l", arrow::list(arrow::int32()))});
  const std::string rows =
      R"([{"n": "1.25", "t": "a", "l": [1]}, null, {"n": null, "t": null, "l": null},
          {"n": "-3.00", "t": "", "l": []}, {"n": "4.00", "t": "bcd", "l": [null, 2]}])";
  ExpectComesBack(FromJson(row, rows));
  ExpectComesBack(FromJson(arrow::struct_(arrow::FieldVector()), "[{}, null, {}]"));
  ExpectComesBack(FromJson(arrow::list(row), "[" + rows + ", null, [], [null]]"));
  ExpectComesBack(FromJson(arrow::map(arrow::utf8(), arrow::int32()),
                           R"([[["a", 1], ["b", null]], null, [], [["c", 3]]])"));
  ExpectComesBack(FromJson(arrow::fixed_size_list(arrow::int32(), 2),
                           "[[1, 2], null, [null, 4], [null, null]]"));
  ExpectComesBack(FromJson(arrow::fixed_size_list(row, 1), "[[null], null, [{\"t\": \"x\"}]]"));
  ExpectComesBack(FromJson(arrow::fixed_size_list(arrow::int32(), 0), "[[], null, []]"));
  ExpectComesBack(FromJson(arrow::null(), "[null, null, null]"));
  ExpectComesBack(FromJson(arrow::list(arrow::fixed_size_binary(0)), R"([[""], ["", null], []])"));
}

TEST(PackNestedTest, UnionsComeBack) {
  const std::string rows = R"([[2, "a"], [5, 7], [2, null], [5, null], [2, "bc"]])";
  const arrow::FieldVector fields = {arrow::field("t", arrow::utf8()),
                                     arrow::field("n", arrow::int32())};
  for (const auto& type :
       {arrow::sparse_union(fields, {2, 5}), arrow::dense_union(fields, {2, 5})}) {
    ExpectComesBack(FromJson(type, rows));
    ExpectComesBack(FromJson(arrow::list(type), "[" + rows + ", null, [], [[5, 1]]]"));
    ExpectComesBack(FromJson(arrow::struct_({arrow::field("u", type)}),
                             R"([{"u": [2, "a"]}, null, {"u": [5, 3]}])"));
    ExpectComesBack(FromJson(arrow::fixed_size_list(type, 2), R"([[[2, "a"], [5, 1]], null])"));
  }
}

TEST(PackNestedTest, ExtensionTypesComeBackInside) {
  const auto json = FromJson(arrow::utf8(), R"(["{}", null, "[1]", "2"])");
  const auto wrapped = arrow::ExtensionType::WrapArray(arrow::extension::json(), json);
  const auto offsets = FromJson(arrow::int32(), "[0, 2, 2, null, 4]");
  ExpectComesBack(arrow::ListArray::FromArrays(*offsets, *wrapped).ValueOrDie());
}

TEST(PackNestedTest, LongListsAndTextsComeBack) {
  for (const int64_t length : {254, 255, 256, 70'000}) {
    arrow::ListBuilder numbers(arrow::default_memory_pool(),
                               std::make_shared<arrow::Int16Builder>());
    arrow::ListBuilder texts(arrow::default_memory_pool(),
                             std::make_shared<arrow::StringBuilder>());
    for (int row = 0; row < 2; ++row) {
      ASSERT_TRUE(numbers.Append().ok());
      ASSERT_TRUE(texts.Append().ok());
      auto* const items = static_cast<arrow::Int16Builder*>(numbers.value_builder());
      for (int64_t i = 0; i < length; ++i) ASSERT_TRUE(items->Append(static_cast<int16_t>(i)).ok());
      ASSERT_TRUE(static_cast<arrow::StringBuilder*>(texts.value_builder())
                      ->Append(std::string(static_cast<size_t>(length), 'x'))
                      .ok());
    }
    ExpectComesBack(numbers.Finish().ValueOrDie());
    ExpectComesBack(texts.Finish().ValueOrDie());
  }
}

// What stands under a null is no value: it takes no bytes.
TEST(PackNestedTest, WhatANullHidesIsLeftOut) {
  const auto items = FromJson(arrow::utf8(), R"(["a", "hidden", "b"])");
  const auto offsets = FromJson(arrow::int32(), "[0, 1, 2, 3]");
  const auto shown = arrow::ListArray::FromArrays(*offsets, *items).ValueOrDie();
  const auto data = shown->data()->Copy();
  const auto valid = FromJson(arrow::boolean(), "[true, false, true]");
  data->buffers[0] = valid->data()->buffers[1];
  data->null_count = 1;
  const auto lists = arrow::MakeArray(data);
  const auto in_lists = arrow::ListArray::FromArrays(*FromJson(arrow::int32(), "[0, 3]"), *lists);
  ExpectComesBack(lists);
  ExpectComesBack(*in_lists);
  const auto packed = PackNested(**in_lists).ValueOrDie();
  EXPECT_EQ(packed->GetString(0).find("hidden"), std::string::npos);
}

TEST(PackNestedTest, TypesThatAreNotPlainAreRefused) {
  const auto views = FromJson(arrow::list(arrow::utf8_view()), R"([["a"]])");
  EXPECT_TRUE(PackNested(*views).status().IsNotImplemented());
}

}  // namespace
}  // namespace sheaf
