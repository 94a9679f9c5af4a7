#include "cogroup/take_rows.h"

#include <gtest/gtest.h>

#include "cogroup/cogroup_test_support.h"

namespace sheaf {
namespace {

using sheaf::testing::IdSchema;
using sheaf::testing::RowsFromJson;
using sheaf::testing::Text;

TEST(TakeRowsTest, RowsComeInTheOrderOfTheirNumbers) {
  const auto rows = RowsFromJson(IdSchema(), R"([[0,"x"],[1,"a"],[2,null],[3,"c"]])")->Slice(1);
  EXPECT_EQ(Text(*TakeRows(rows, std::vector<int64_t>{2, 0, 0}).ValueOrDie()), "3,c 1,a 1,a");
  EXPECT_EQ(Text(*TakeRows(rows, std::vector<int32_t>{1, 2}).ValueOrDie()), "2,null 3,c");
  const auto none = TakeRows(rows, std::vector<int64_t>()).ValueOrDie();
  EXPECT_EQ(none->num_rows(), 0);
  EXPECT_TRUE(none->schema()->Equals(*IdSchema()));
}

TEST(TakeRowsTest, ANumberOfNoRowIsAnError) {
  const auto rows = RowsFromJson(IdSchema(), R"([[0,"x"],[1,"a"]])");
  for (const int32_t number : {-1, 2}) {
    EXPECT_TRUE(TakeRows(rows, std::vector<int64_t>{0, number}).status().IsIndexError());
    EXPECT_TRUE(TakeRows(rows, std::vector<int32_t>{0, number}).status().IsIndexError());
  }
}

}  // namespace
}  // namespace sheaf
