#include "cogroup/keyed_rows.h"

#include <gtest/gtest.h>

#include "cogroup/cogroup_test_support.h"
#include "cogroup/group_rows.h"

namespace sheaf {
namespace {

using sheaf::testing::FromJson;
using sheaf::testing::IdSchema;
using sheaf::testing::RowsFromJson;
using sheaf::testing::Text;

TableInput Input() {
  TableInput input;
  input.table.name = "R";
  input.schema = IdSchema();
  input.group_order = std::make_shared<const GroupOrder>(
      GroupOrder::Make(*input.schema, {}, Ties::kAny).ValueOrDie());
  return input;
}

// Three partitions of two keys each: ranks 0 to 4 have 1, 2, 1, 1, 3 rows.
void AddPartitions(KeyedRows* rows) {
  const auto add = [&](const std::string& json, const std::string& offsets) {
    const arrow::Status added =
        rows->Add({"R", Cardinality::kAny, RowsFromJson(IdSchema(), json),
                   std::static_pointer_cast<arrow::Int32Array>(FromJson(arrow::int32(), offsets))});
    ASSERT_TRUE(added.ok()) << added;
  };
  add(R"([[0,"a"],[1,"b"],[1,"c"]])", "[0,1,3]");
  add(R"([[2,"d"],[3,"e"]])", "[0,1,2]");
  add(R"([[4,"f"],[4,"g"],[4,"h"]])", "[0,3]");
}

class KeyedRowsTest : public ::testing::TestWithParam<int64_t> {};

// All in memory; all but the first partition on disk, with nothing held back in memory.
INSTANTIATE_TEST_SUITE_P(Budgets, KeyedRowsTest, ::testing::Values(int64_t{1} << 20, 1));

TEST_P(KeyedRowsTest, GivesTheRowsOfAnyKeysInAnyOrderAgainAndAgain) {
  const TableInput input = Input();
  MemoryBudget budget(GetParam());
  KeyedRows rows(input, 2, &budget);
  AddPartitions(&rows);
  for (int round = 0; round < 2; ++round) {
    const BatchTable taken = rows.Take({4, -1, 1, 3, 0}).ValueOrDie();
    EXPECT_EQ(Text(*taken.rows), "4,f 4,g 4,h 1,b 1,c 3,e 0,a");
    EXPECT_EQ(taken.offsets->ToString(), FromJson(arrow::int32(), "[0,3,3,5,6,7]")->ToString());
    EXPECT_EQ(Text(*rows.Take({0, 1, 2, 3, 4}).ValueOrDie().rows),
              "0,a 1,b 1,c 2,d 3,e 4,f 4,g 4,h");
  }
  EXPECT_EQ(rows.Take({}).ValueOrDie().rows->num_rows(), 0);
  EXPECT_EQ(rows.num_rows(1), 2);
}

TEST(KeyedRowsBudgetTest, GivesBackWhatItHeld) {
  const TableInput input = Input();
  MemoryBudget budget(0);
  {
    KeyedRows rows(input, 2, &budget);
    AddPartitions(&rows);
    EXPECT_TRUE(budget.Exceeded());
  }
  EXPECT_FALSE(budget.Exceeded());
}

TEST(KeyedRowsCopyTest, RowsThatStandTogetherAreNotCopied) {
  const TableInput input = Input();
  MemoryBudget budget(1 << 20);
  KeyedRows rows(input, 2, &budget);
  AddPartitions(&rows);
  const BatchTable whole = rows.Take({0, 1}).ValueOrDie();
  const BatchTable part = rows.Take({1}).ValueOrDie();
  EXPECT_EQ(part.rows->column_data(0)->buffers, whole.rows->column_data(0)->buffers);
}

}  // namespace
}  // namespace sheaf
