// The same rows in many forms of memory, for tests of what must depend on the rows alone.
#pragma once

#include <arrow/api.h>
#include <arrow/compute/api.h>
#include <arrow/compute/initialize.h>
#include <arrow/util/bit_util.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sink/sink_test_support.h"

namespace sheaf::testing {

using Indices = std::vector<int64_t>;

/// The rows of `array` at `indices`, in their order.
inline std::shared_ptr<arrow::Array> TakeRows(const std::shared_ptr<arrow::Array>& array,
                                              const Indices& indices) {
  static const arrow::Status kKernels = arrow::compute::Initialize();
  arrow::Int64Builder builder;
  EXPECT_TRUE(kKernels.ok() && builder.AppendValues(indices).ok());
  return arrow::compute::Take(*array, *builder.Finish().ValueOrDie()).ValueOrDie();
}

/// Each null holds the values of some other row, and bits behind the last row are set.
inline std::shared_ptr<arrow::Array> WithValuesBeneathNulls(
    const std::shared_ptr<arrow::Array>& array) {
  int64_t valid = 0;
  while (array->IsNull(valid)) ++valid;
  Indices indices;
  for (int64_t row = 0; row < array->length(); ++row) {
    indices.push_back(array->IsNull(row) ? valid : row);
  }
  const auto data = TakeRows(array, indices)->data()->Copy();
  data->buffers[0] = arrow::AllocateBuffer(array->length() / 8 + 5).ValueOrDie();
  std::memset(data->buffers[0]->mutable_data(), 0xff,
              static_cast<size_t>(data->buffers[0]->size()));
  for (int64_t row = 0; row < array->length(); ++row) {
    arrow::bit_util::SetBitTo(data->buffers[0]->mutable_data(), row, array->IsValid(row));
  }
  data->null_count = arrow::kUnknownNullCount;
  return arrow::MakeArray(data);
}

inline std::shared_ptr<arrow::Array> InSlicesJoined(const std::shared_ptr<arrow::Array>& array) {
  arrow::ArrayVector slices;
  for (int64_t start = 0; start < array->length(); start += 7) {
    slices.push_back(array->Slice(start, 7));
  }
  return arrow::Concatenate(slices).ValueOrDie();
}

inline std::shared_ptr<arrow::Array> AmidOthers(const std::shared_ptr<arrow::Array>& array) {
  return arrow::Concatenate({array->Slice(1), array, array})
      .ValueOrDie()
      ->Slice(array->length() - 1, array->length());
}

/// `rows` again, by how they were made.
inline std::map<std::string, std::shared_ptr<arrow::RecordBatch>> EqualInOtherBuffers(
    const std::shared_ptr<arrow::RecordBatch>& rows) {
  using Change = std::shared_ptr<arrow::Array> (*)(const std::shared_ptr<arrow::Array>&);
  const std::map<std::string, std::vector<Change>> ways = {
      {"values beneath nulls", {WithValuesBeneathNulls}},
      {"slices joined", {InSlicesJoined}},
      {"a slice", {AmidOthers}},
      {"a slice with values beneath nulls", {WithValuesBeneathNulls, AmidOthers}},
      {"slices with values beneath nulls, joined", {WithValuesBeneathNulls, InSlicesJoined}},
  };
  std::map<std::string, std::shared_ptr<arrow::RecordBatch>> made;
  for (const auto& [how, changes] : ways) {
    arrow::ArrayVector columns = rows->columns();
    for (auto& column : columns) {
      for (const Change change : changes) column = change(column);
    }
    made[how] = arrow::RecordBatch::Make(rows->schema(), rows->num_rows(), columns);
  }
  return made;
}

/// 200 rows, a third of them null, of each type whose buffers can hold more than its rows show.
inline std::shared_ptr<arrow::RecordBatch> NestedRowsWithNulls() {
  const auto inner = arrow::struct_(
      {arrow::field("n", arrow::int32(), /*nullable=*/false), arrow::field("s", arrow::utf8())});
  const auto outer = arrow::struct_({arrow::field("required", inner, /*nullable=*/false),
                                     arrow::field("l", arrow::list(arrow::int8()))});
  const std::vector<std::pair<std::shared_ptr<arrow::DataType>, std::string>> columns = {
      {arrow::boolean(), "[true, null, false]"},
      {arrow::int16(), "[1, null, 2]"},
      {arrow::float64(), "[1.5, null, -0.0]"},
      {arrow::decimal128(38, 2), R"(["1.50", null, "-7.00"])"},
      {arrow::fixed_size_binary(3), R"(["abc", null, "xyz"])"},
      {arrow::utf8(), R"(["some text", null, ""])"},
      {arrow::large_binary(), R"(["bytes", null, "more"])"},
      {arrow::list(arrow::utf8()), R"([["a", null, "bc"], null, []])"},
      {arrow::large_list(arrow::list(arrow::boolean())), "[[[true], null], null, [[], [false]]]"},
      {arrow::fixed_size_list(inner, 2),
       R"([[{"n": 1, "s": "a"}, {"n": 2, "s": null}], null, [{"n": 3, "s": ""}, null]])"},
      {arrow::map(arrow::utf8(), arrow::int64()), R"([[["k", 1], ["l", null]], null, []])"},
      {outer, R"([{"required": {"n": 1, "s": "a"}, "l": [1]}, null,
                  {"required": {"n": 2, "s": null}, "l": null}])"},
  };
  Indices indices(200);
  for (int64_t row = 0; row < 200; ++row) {
    indices[static_cast<size_t>(row)] = (row / 5 + row % 7) % 3;  // nulls alone and in runs
  }
  std::vector<std::pair<std::string, std::shared_ptr<arrow::Array>>> named;
  named.reserve(columns.size());
  for (const auto& [type, json] : columns) {
    named.emplace_back(type->ToString(), TakeRows(ArrayOf(type, json), indices));
  }
  return RowsOf(named);
}

}  // namespace sheaf::testing
