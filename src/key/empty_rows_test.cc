#include "key/empty_rows.h"

#include <arrow/extension/json.h>
#include <arrow/extension/uuid.h>
#include <arrow/type.h>
#include <gtest/gtest.h>

namespace sheaf {
namespace {

TEST(EmptyRows, HaveAnyType) {
  const auto uuid = arrow::extension::uuid();
  const auto json = arrow::extension::json();
  const auto schema = arrow::schema(
      {arrow::field("a", arrow::int64(), false), arrow::field("b", uuid),
       arrow::field("c", arrow::list(uuid)), arrow::field("d", arrow::map(arrow::utf8(), json)),
       arrow::field("e", arrow::struct_({arrow::field("x", arrow::list(json))})),
       arrow::field("f", arrow::sparse_union({arrow::field("y", arrow::int32())})),
       arrow::field("g", arrow::month_day_nano_interval())});
  const auto rows = EmptyRows(schema);
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ((*rows)->num_rows(), 0);
  EXPECT_TRUE((*rows)->schema()->Equals(*schema));
  EXPECT_TRUE((*rows)->ValidateFull().ok());
}

}  // namespace
}  // namespace sheaf
