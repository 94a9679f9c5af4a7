#include "sink/local_id.h"

#include <arrow/api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "cogroup/group_rows.h"
#include "sink/sink_test_support.h"

namespace sheaf {
namespace {

using ::testing::HasSubstr;

/// As many keys as offsets minus one.
Batch BatchOf(std::vector<int32_t> offsets, const std::string& column = "x") {
  const auto rows = arrow::RecordBatch::Make(
      arrow::schema({arrow::field(column, arrow::null())}), offsets.back(),
      {std::static_pointer_cast<arrow::Array>(std::make_shared<arrow::NullArray>(offsets.back()))});
  const auto keys = testing::RowsOf(
      {{"id", std::make_shared<arrow::NullArray>(static_cast<int64_t>(offsets.size()) - 1)}});
  return {3, keys, {{.name = "A", .rows = rows, .offsets = OffsetsArray(std::move(offsets))}}};
}

TEST(LocalIdTest, RowsHaveTheNumberOfTheirGroupInTheFirstColumn) {
  const Batch batch = WithLocalIds(BatchOf({0, 2, 2, 3}), LocalId::kUint16).ValueOrDie();
  EXPECT_EQ(batch.index(), 3);
  const auto rows = batch.table("A");
  EXPECT_EQ(rows->schema()->field_names(), (std::vector<std::string>{"local_id", "x"}));
  EXPECT_TRUE(rows->column(0)->Equals(testing::ArrayOf(arrow::uint16(), "[0, 0, 2]")));
  EXPECT_TRUE(rows->schema()->Equals(
      *WithLocalId(BatchOf({0}).table("A")->schema(), LocalId::kUint16).ValueOrDie()));
}

TEST(LocalIdTest, ABatchThatContinuesAKeyStillDoes) {
  const Batch batch = BatchOf({0, 2});
  const Batch continued(4, batch.keys(), batch.tables(), /*continued=*/true);
  EXPECT_TRUE(WithLocalIds(continued, LocalId::kUint16).ValueOrDie().continued());
}

TEST(LocalIdTest, ThereIsNoneUnlessAskedFor) {
  const Batch batch = BatchOf({0, 1});
  EXPECT_EQ(WithLocalIds(batch, LocalId::kNone).ValueOrDie().table("A"), batch.table("A"));
  const auto schema = batch.table("A")->schema();
  EXPECT_EQ(WithLocalId(schema, LocalId::kNone).ValueOrDie(), schema);
}

TEST(LocalIdTest, SixteenBitsCount65536Keys) {
  std::vector<int32_t> offsets(65'537);
  std::iota(offsets.begin(), offsets.end(), 0);
  const Batch batch = WithLocalIds(BatchOf(offsets), LocalId::kUint16).ValueOrDie();
  const auto& ids = static_cast<const arrow::UInt16Array&>(*batch.table("A")->column(0));
  EXPECT_EQ(ids.Value(65'535), 65'535);
  offsets.push_back(65'537);
  EXPECT_FALSE(WithLocalIds(BatchOf(offsets), LocalId::kUint16).ok());
  EXPECT_TRUE(WithLocalIds(BatchOf(offsets), LocalId::kUint32).ok());
}

TEST(LocalIdTest, AColumnOfThatNameIsRefused) {
  const arrow::Status status = WithLocalIds(BatchOf({0, 1}, "local_id"), LocalId::kUint32).status();
  EXPECT_THAT(status.message(), HasSubstr("has a column \"local_id\" of its own"));
}

}  // namespace
}  // namespace sheaf
