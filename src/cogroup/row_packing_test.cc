#include "cogroup/row_packing.h"

#include <arrow/extension/uuid.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

#include "cogroup/random_rows_test_support.h"
#include "key/key_test_support.h"

namespace sheaf {
namespace {

using sheaf::testing::AllLayouts;
using sheaf::testing::FromJson;
using sheaf::testing::RandomFlatRows;
using sheaf::testing::RandomRows;
using sheaf::testing::WithViews;

TEST(RowPackingTest, RowsComeBackWithEveryColumn) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const RowPacking packing(AllLayouts());
  const auto rows = RandomRows(&random, 500, 3)->Slice(7);
  const auto packed = packing.Pack(rows).ValueOrDie();
  ASSERT_TRUE(packed->ValidateFull().ok()) << packed->ValidateFull();
  EXPECT_TRUE(packed->schema()->Equals(*packing.schema()));
  EXPECT_EQ(packed->column(0), rows->column(0));
  EXPECT_EQ(packed->GetColumnByName("list")->type_id(), arrow::Type::LARGE_BINARY);
  EXPECT_TRUE(packing.Unpack(packed).ValueOrDie()->Equals(*rows, /*check_metadata=*/true));
}

TEST(RowPackingTest, FlatRowsStayTheSameObject) {
  std::mt19937 random(1);
  const auto rows = RandomFlatRows(&random, 10, 3);
  const RowPacking packing(rows->schema());
  EXPECT_EQ(packing.schema(), rows->schema());
  EXPECT_EQ(packing.Pack(rows).ValueOrDie(), rows);
  EXPECT_EQ(packing.Unpack(rows).ValueOrDie(), rows);
}

TEST(RowPackingTest, AnExtensionColumnIsItsStorage) {
  const auto storage = FromJson(arrow::fixed_size_binary(16), R"(["0123456789abcdef", null])");
  const auto ids = arrow::ExtensionType::WrapArray(arrow::extension::uuid(), storage);
  const auto schema = arrow::schema({arrow::field("id", ids->type())});
  const auto rows = arrow::RecordBatch::Make(schema, 2, {ids});
  const RowPacking packing(schema);
  const auto packed = packing.Pack(rows).ValueOrDie();
  EXPECT_TRUE(packed->column(0)->Equals(storage));
  EXPECT_EQ(packed->column_data(0)->buffers, storage->data()->buffers);
  EXPECT_TRUE(packing.Unpack(packed).ValueOrDie()->Equals(*rows));
}

TEST(RowPackingTest, FieldsOfAStructAreFoundInPackedRows) {
  const auto schema = arrow::schema(
      {arrow::field("n", arrow::int32()),
       arrow::field("r", arrow::struct_({arrow::field("id", arrow::int64()),
                                         arrow::field("l", arrow::list(arrow::int32()))}))});
  const auto rows =
      testing::RowsFromJson(schema, R"([{"n": 1, "r": {"id": 5, "l": [1]}}, {"n": 2, "r": null},
                  {"n": null, "r": {"id": null, "l": null}}, {"n": 4, "r": {"id": 7, "l": []}}])");
  const RowPacking packing(schema);
  const auto packed = packing.Pack(rows).ValueOrDie();
  // As the scatter by rank makes them.
  const auto ranked =
      packed->AddColumn(2, "rank", FromJson(arrow::uint32(), "[0, 1, 2, 3]")).ValueOrDie();
  const auto columns = packing
                           .ColumnsAt({FindColumn(*schema, "r.id", "key column").ValueOrDie(),
                                       FindColumn(*schema, "n", "key column").ValueOrDie()},
                                      *ranked)
                           .ValueOrDie();
  EXPECT_TRUE(columns[0]->Equals(FromJson(arrow::int64(), "[5, null, null, 7]")));
  EXPECT_TRUE(columns[1]->Equals(FromJson(arrow::int32(), "[1, 2, null, 4]")));
}

}  // namespace
}  // namespace sheaf
