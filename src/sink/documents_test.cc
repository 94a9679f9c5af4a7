#include "sink/documents.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "sink/sink_test_support.h"

namespace sheaf {
namespace {

std::shared_ptr<arrow::Int32Array> Offsets(const std::string& json) {
  return std::static_pointer_cast<arrow::Int32Array>(testing::ArrayOf(arrow::int32(), json));
}

Batch BatchOf(const std::shared_ptr<arrow::RecordBatch>& keys) {
  const auto rows = testing::RowsOf({{"x", testing::ArrayOf(arrow::utf8(), R"(["a", "b"])")}});
  return {0, keys, {{.name = "A", .rows = rows, .offsets = Offsets("[0, 2, 2]")}}};
}

TEST(DocumentsTest, AKeyOfOneColumnIsAValue) {
  const auto keys = testing::RowsOf({{"id", testing::ArrayOf(arrow::int64(), "[1, 4]")}});
  const auto documents = Documents(BatchOf(keys), Format::kJsonl).ValueOrDie();
  EXPECT_EQ(documents->schema()->field_names(), (std::vector<std::string>{"key", "A"}));
  EXPECT_TRUE(documents->column(0)->Equals(keys->column(0)));
}

TEST(DocumentsTest, AKeyOfSeveralColumnsIsAStruct) {
  const auto keys = testing::RowsOf({{"id", testing::ArrayOf(arrow::int64(), "[1, 4]")},
                                     {"part", testing::ArrayOf(arrow::utf8(), R"(["p", "q"])")}});
  const auto documents = Documents(BatchOf(keys), Format::kJsonl).ValueOrDie();
  EXPECT_EQ(documents->schema()->field_names(), (std::vector<std::string>{"key", "A"}));
  EXPECT_TRUE(documents->column(0)->Equals(keys->ToStructArray().ValueOrDie()));
}

TEST(DocumentsTest, OtherFormatsHaveTheKeyColumns) {
  const auto keys = testing::RowsOf({{"id", testing::ArrayOf(arrow::int64(), "[1, 4]")}});
  const Batch batch = BatchOf(keys);
  EXPECT_TRUE(Documents(batch, Format::kNested).ValueOrDie()->Equals(*batch.nested().ValueOrDie()));
}

}  // namespace
}  // namespace sheaf
