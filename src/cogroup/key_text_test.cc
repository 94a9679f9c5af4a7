#include "cogroup/key_text.h"

#include <arrow/type.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cogroup/cogroup_test_support.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

using sheaf::testing::Text;
using ::testing::HasSubstr;

std::shared_ptr<arrow::Schema> SchemaOf(const arrow::DataTypeVector& types) {
  arrow::FieldVector fields;
  for (const auto& type : types) fields.push_back(arrow::field("k", type));
  return arrow::schema(std::move(fields));
}

TEST(ReadKey, ReadsEachTextAsItsColumnsType) {
  const auto key = ReadKey({"-7", "a b", "2026-01-31", "1.50", "true"},
                           SchemaOf({arrow::int64(), arrow::utf8(), arrow::date32(),
                                     arrow::decimal128(9, 2), arrow::boolean()}));
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(Text(**key), "-7,a b,2026-01-31,1.50,true");
}

TEST(ReadKey, ATextOfAnotherTypeOrOneTooManyIsTheJobsFault) {
  const auto wrong = ReadKey({"x"}, SchemaOf({arrow::int64()})).status();
  EXPECT_EQ(KindOf(wrong), ErrorKind::kJob);
  EXPECT_EQ(wrong.message(), "from: \"x\" does not read as int64");
  EXPECT_THAT(ReadKey({"1", "2"}, SchemaOf({arrow::int64()})).status().message(),
              HasSubstr("2 values and the key 1 column"));
}

}  // namespace
}  // namespace sheaf
