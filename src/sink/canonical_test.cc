#include "sink/canonical.h"

#include <arrow/api.h>
#include <arrow/extension/uuid.h>
#include <arrow/util/bit_util.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "sink/equal_rows_test_support.h"
#include "sink/sink_test_support.h"

namespace sheaf {
namespace {

using Data = arrow::ArrayData;

/// Where two arrays differ in what an Arrow file would hold of them; empty where nowhere.
std::string Difference(const Data& left, const Data& right, const std::string& path) {
  if (left.offset != 0 || right.offset != 0) return path + ": offset";
  if (left.length != right.length) return path + ": length";
  if (left.null_count != right.null_count) return path + ": null count";
  for (size_t i = 0; i < left.buffers.size(); ++i) {
    const auto& a = left.buffers[i];
    const auto& b = right.buffers[i];
    if (a == nullptr && b == nullptr) continue;
    if (a == nullptr || b == nullptr || !a->Equals(*b)) {
      return path + ": buffer " + std::to_string(i);
    }
  }
  for (size_t i = 0; i < left.child_data.size(); ++i) {
    const std::string below = path + "/" + left.type->field(static_cast<int>(i))->name();
    auto difference = Difference(*left.child_data[i], *right.child_data[i], below);
    if (!difference.empty()) return difference;
  }
  return "";
}

std::shared_ptr<arrow::Array> CanonicalArray(const std::shared_ptr<arrow::Array>& array) {
  const auto rows = Canonical(testing::RowsOf({{"x", array}}));
  EXPECT_TRUE(rows.ok()) << rows.status();
  return (*rows)->column(0);
}

TEST(CanonicalTest, RowsStayTheSame) {
  for (const auto& [how, rows] : testing::EqualInOtherBuffers(testing::NestedRowsWithNulls())) {
    const auto canonical = Canonical(rows);
    ASSERT_TRUE(canonical.ok()) << canonical.status();
    EXPECT_TRUE((*canonical)->ValidateFull().ok()) << (*canonical)->ValidateFull();
    EXPECT_TRUE((*canonical)->Equals(*rows)) << how;
  }
}

TEST(CanonicalTest, EqualRowsHaveEqualBuffers) {
  const auto expected = Canonical(testing::NestedRowsWithNulls()).ValueOrDie();
  for (const auto& [how, rows] : testing::EqualInOtherBuffers(testing::NestedRowsWithNulls())) {
    const auto canonical = Canonical(rows).ValueOrDie();
    for (int i = 0; i < rows->num_columns(); ++i) {
      EXPECT_EQ(
          Difference(*expected->column_data(i), *canonical->column_data(i), rows->column_name(i)),
          "")
          << how;
    }
  }
}

TEST(CanonicalTest, PartsOfEqualRowsHaveEqualBuffers) {
  const auto rows = testing::NestedRowsWithNulls();
  for (const auto& [start, length] : {std::pair{0, 0}, {0, 1}, {3, 64}, {64, 64}, {199, 1}}) {
    const auto expected = Canonical(rows->Slice(start, length)).ValueOrDie();
    for (const auto& [how, other] : testing::EqualInOtherBuffers(rows)) {
      const auto canonical = Canonical(other->Slice(start, length)).ValueOrDie();
      for (int i = 0; i < rows->num_columns(); ++i) {
        EXPECT_EQ(
            Difference(*expected->column_data(i), *canonical->column_data(i), rows->column_name(i)),
            "")
            << how << ", rows from " << start;
      }
    }
  }
}

TEST(CanonicalTest, ABitmapWithoutNullsGoes) {
  const auto array = testing::ArrayOf(arrow::int32(), "[1, null, 2]")->Slice(2);
  ASSERT_NE(array->data()->buffers[0], nullptr);
  EXPECT_EQ(CanonicalArray(array)->data()->buffers[0], nullptr);
}

TEST(CanonicalTest, WhatIsBeneathNullsIsZero) {
  const auto array =
      testing::WithValuesBeneathNulls(testing::ArrayOf(arrow::int32(), "[5, null, 6]"));
  const auto canonical = CanonicalArray(array);
  EXPECT_EQ(canonical->data()->GetValues<int32_t>(1)[1], 0);
}

TEST(CanonicalTest, BuffersWithoutNullsAreShared) {
  const auto array = testing::ArrayOf(arrow::int32(), "[5, 6]");
  EXPECT_EQ(CanonicalArray(array)->data()->GetValues<int32_t>(1),
            array->data()->GetValues<int32_t>(1));
}

TEST(CanonicalTest, AFieldWithoutNullsGetsNoneFromItsParent) {
  const auto type = arrow::struct_({arrow::field("x", arrow::int32(), /*nullable=*/false)});
  const auto array =
      testing::WithValuesBeneathNulls(testing::ArrayOf(type, R"([{"x": 1}, null, {"x": 2}])"));
  const auto child = CanonicalArray(array)->data()->child_data[0];
  EXPECT_EQ(child->null_count, 0);
  EXPECT_EQ(child->GetValues<int32_t>(1)[1], 0);
}

TEST(CanonicalTest, ANullThatItsFieldForbidsIsKept) {
  const auto type = arrow::struct_({arrow::field("x", arrow::int32(), /*nullable=*/false)});
  const auto array = testing::ArrayOf(arrow::struct_({arrow::field("x", arrow::int32())}),
                                      R"([{"x": 1}, null, {"x": null}])")
                         ->data()
                         ->Copy();
  array->type = type;
  EXPECT_EQ(CanonicalArray(arrow::MakeArray(array))->data()->child_data[0]->null_count, 2);
}

TEST(CanonicalTest, AnExtensionIsRebuiltAsItsStorage) {
  const auto uuids = [](const std::shared_ptr<arrow::Array>& storage) {
    return arrow::ExtensionType::WrapArray(arrow::extension::uuid(), storage);
  };
  const auto storage = testing::ArrayOf(arrow::fixed_size_binary(16),
                                        R"(["0123456789abcdef", null, "fedcba9876543210"])");
  const auto left = CanonicalArray(uuids(storage));
  const auto right = CanonicalArray(uuids(testing::WithValuesBeneathNulls(storage)));
  EXPECT_TRUE(left->type()->Equals(*arrow::extension::uuid()));
  EXPECT_EQ(Difference(*left->data(), *right->data(), ""), "");
}

TEST(CanonicalTest, OtherTypesPassUnchanged) {
  for (const auto& type : {arrow::null(), arrow::utf8_view(), arrow::list_view(arrow::int32()),
                           arrow::dictionary(arrow::int8(), arrow::utf8()),
                           arrow::run_end_encoded(arrow::int32(), arrow::utf8()),
                           arrow::sparse_union({arrow::field("a", arrow::int32())})}) {
    const auto array = arrow::MakeArrayOfNull(type, 3).ValueOrDie();
    EXPECT_EQ(CanonicalArray(array)->data(), array->data()) << type->ToString();
  }
}

}  // namespace
}  // namespace sheaf
