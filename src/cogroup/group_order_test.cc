#include "cogroup/group_order.h"

#include <arrow/array.h>
#include <arrow/compute/api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <random>

#include "cogroup/cogroup_test_support.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

using sheaf::testing::FromJson;
using sheaf::testing::RowsFromJson;
using sheaf::testing::Text;
using ::testing::AllOf;
using ::testing::HasSubstr;

using Rows = std::shared_ptr<arrow::RecordBatch>;

std::shared_ptr<arrow::Schema> TestSchema() {
  return arrow::schema({arrow::field("a", arrow::int32()), arrow::field("b", arrow::utf8())});
}

GroupOrder Make(const arrow::Schema& schema, const std::vector<std::string>& order_by,
                Ties ties = Ties::kAny) {
  return GroupOrder::Make(schema, order_by, ties).ValueOrDie();
}

/// One group of all rows, ordered.
std::string Ordered(const std::vector<std::string>& order_by, const std::string& json,
                    Ties ties = Ties::kAny) {
  const Rows rows = RowsFromJson(TestSchema(), json);
  return Text(*Make(*TestSchema(), order_by, ties)
                   .Apply(rows, {0, static_cast<int32_t>(rows->num_rows())})
                   .ValueOrDie());
}

TEST(GroupOrderTest, RowsAscendWithNullsLast) {
  EXPECT_EQ(Ordered({"a"}, R"([[3,"x"],[null,"y"],[1,"z"]])"), "1,z 3,x null,y");
}

TEST(GroupOrderTest, RowsDescendWithNullsFirst) {
  EXPECT_EQ(Ordered({"a DESC"}, R"([[3,"x"],[1,"z"],[null,"y"]])"), "null,y 3,x 1,z");
}

TEST(GroupOrderTest, NullsGoWhereTheTermSays) {
  EXPECT_EQ(Ordered({"a NULLS FIRST"}, R"([[3,"x"],[1,"z"],[null,"y"]])"), "null,y 1,z 3,x");
  EXPECT_EQ(Ordered({"a DESC NULLS LAST"}, R"([[null,"y"],[1,"z"],[3,"x"]])"), "3,x 1,z null,y");
}

TEST(GroupOrderTest, LaterTermsDecideWhereEarlierOnesAreEqual) {
  EXPECT_EQ(Ordered({"a", "b DESC"}, R"([[2,"x"],[1,"p"],[2,"y"],[1,"q"]])"), "1,q 1,p 2,y 2,x");
}

TEST(GroupOrderTest, EachGroupIsOrderedByItself) {
  const Rows rows = RowsFromJson(TestSchema(), R"([[9,"x"],[2,"y"],[5,"z"],[1,"w"],[4,"v"]])");
  EXPECT_EQ(Text(*Make(*TestSchema(), {"a"}).Apply(rows, {0, 2, 2, 5}).ValueOrDie()),
            "2,y 9,x 1,w 4,v 5,z");
}

TEST(GroupOrderTest, EqualRowsKeepTheOrderOfArrival) {
  EXPECT_EQ(Ordered({"a"}, R"([[2,"m"],[1,"z"],[1,"a"],[1,"m"]])"), "1,z 1,a 1,m 2,m");
}

TEST(GroupOrderTest, RowsInOrderAreTheSameObject) {
  const Rows rows = RowsFromJson(TestSchema(), R"([[2,"x"],[2,"y"],[1,"z"]])");
  EXPECT_EQ(Make(*TestSchema(), {}).Apply(rows, {0, 3}).ValueOrDie(), rows);
  EXPECT_EQ(Make(*TestSchema(), {"a"}).Apply(rows, {0, 2, 3}).ValueOrDie(), rows);
  EXPECT_EQ(Make(*TestSchema(), {"a"}, Ties::kFixed).Apply(rows, {0, 2, 3}).ValueOrDie(), rows);
  EXPECT_EQ(Make(*TestSchema(), {"a"}).Apply(rows, {0, 1, 2, 3}).ValueOrDie(), rows)
      << "groups of one row";
}

TEST(GroupOrderTest, GroupsOfAnySizeAreOrderedStably) {
  std::mt19937 random(1);
  std::vector<int32_t> offsets = {0};
  for (int32_t size = 0; size < 100; ++size) offsets.push_back(offsets.back() + size);
  std::vector<int64_t> values(static_cast<size_t>(offsets.back()));
  for (int64_t& value : values) value = static_cast<int64_t>(random() % 20) - 10;
  std::vector<int32_t> expected(values.size());
  std::iota(expected.begin(), expected.end(), 0);
  for (size_t g = 0; g + 1 < offsets.size(); ++g) {
    std::stable_sort(expected.begin() + offsets[g], expected.begin() + offsets[g + 1],
                     [&](int32_t x, int32_t y) {
                       return values[static_cast<size_t>(x)] < values[static_cast<size_t>(y)];
                     });
  }
  const arrow::Schema schema({arrow::field("a", arrow::int64())});
  const auto column =
      std::make_shared<arrow::Int64Array>(std::ssize(values), arrow::Buffer::FromVector(values));
  EXPECT_EQ(Make(schema, {"a"}).Numbers({column}, offsets).ValueOrDie(), expected);
}

TEST(GroupOrderTest, NumbersTellTheOrderFromTheColumnsOfOrderByAlone) {
  const Rows rows = RowsFromJson(TestSchema(), R"([[5,"a"],[7,"a"],[9,"b"],[1,"b"]])");
  const GroupOrder order = Make(*TestSchema(), {"a DESC"});
  ASSERT_EQ(order.OrderColumns(), std::vector<int>{0});
  const arrow::ArrayVector columns = {rows->column(0)};
  EXPECT_EQ(order.Numbers(columns, {0, 2, 4}).ValueOrDie(), (std::vector<int32_t>{1, 0, 2, 3}));
  EXPECT_TRUE(order.Numbers(columns, {0, 1, 2, 4}).ValueOrDie().empty()) << "they are in order";
}

TEST(GroupOrderTest, FixedTiesTakeMoreThanTheColumnsOfOrderBy) {
  EXPECT_TRUE(Make(*TestSchema(), {"a"}, Ties::kFixed).OrderColumns().empty());
  EXPECT_TRUE(Make(*TestSchema(), {}).OrderColumns().empty());
}

TEST(GroupOrderTest, FixedTiesFollowTheRemainingColumnsFromLeftToRight) {
  EXPECT_EQ(Ordered({}, R"([[2,"x"],[1,"z"],[null,"a"],[1,"y"]])", Ties::kFixed),
            "1,y 1,z 2,x null,a");
  EXPECT_EQ(Ordered({"b"}, R"([[2,"x"],[1,"x"],[null,"a"]])", Ties::kFixed), "null,a 1,x 2,x");
}

/// Columns of every sort, with what engines tell apart only by their bits.
std::shared_ptr<arrow::RecordBatch> TrickyRows() {
  arrow::DoubleBuilder doubles;
  for (const uint64_t bits : {0x8000000000000000UL, 0UL, 0x7FF8000000000000UL, 0xFFF8000000000000UL,
                              0x7FF0000000000001UL, 0UL}) {
    EXPECT_TRUE(doubles.Append(std::bit_cast<double>(bits)).ok());
  }
  const auto lists = arrow::list(arrow::float32());
  const auto maps = arrow::map(arrow::utf8(), arrow::int32());
  const arrow::ArrayVector columns = {
      doubles.Finish().ValueOrDie(), FromJson(arrow::null(), "[null,null,null,null,null,null]"),
      FromJson(lists, "[[1], [], null, [null], [2, 1], [1]]"),
      FromJson(maps, R"([[["a", 1]], [["a", null]], [], null, [["a", 1]], [["b", 0]]])")};
  arrow::FieldVector fields;
  for (const auto& column : columns) {
    fields.push_back(arrow::field("c" + std::to_string(fields.size()), column->type()));
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), 6, columns);
}

TEST(GroupOrderTest, FixedTiesAreTheSameBytesUnderAnyOrderOfArrival) {
  const Rows rows = TrickyRows();
  std::mt19937 random(1);
  for (const std::vector<std::string>& order_by :
       {std::vector<std::string>{}, {"c0"}, {"c2 DESC", "c0 DESC"}, {"c3 NULLS FIRST"}}) {
    const GroupOrder order = Make(*rows->schema(), order_by, Ties::kFixed);
    const Rows expected = order.Apply(rows, {0, 6}).ValueOrDie();
    std::vector<int32_t> arrival(6);
    std::iota(arrival.begin(), arrival.end(), 0);
    for (int round = 0; round < 50; ++round) {
      std::shuffle(arrival.begin(), arrival.end(), random);
      const arrow::Int32Array numbers(6, arrow::Buffer::Wrap(arrival));
      const Rows arrived = arrow::compute::Take(rows, numbers).ValueOrDie().record_batch();
      const Rows actual = order.Apply(arrived, {0, 6}).ValueOrDie();
      for (int c = 1; c < rows->num_columns(); ++c) {
        ASSERT_TRUE(actual->column(c)->Equals(expected->column(c)));
      }
      const auto bits = [](const Rows& batch, int64_t i) {
        return batch->column_data(0)->GetValues<uint64_t>(1)[i];
      };
      for (int64_t i = 0; i < 6; ++i) ASSERT_EQ(bits(actual, i), bits(expected, i));
    }
  }
}

TEST(GroupOrderTest, AnUnknownColumnNamesTheNearest) {
  const arrow::Status status = GroupOrder::Make(*TestSchema(), {"bb"}, Ties::kAny).status();
  EXPECT_EQ(KindOf(status), ErrorKind::kEngine);
  EXPECT_THAT(status.message(), AllOf(HasSubstr("\"bb\""), HasSubstr("did you mean \"b\"?")));
}

TEST(GroupOrderTest, AColumnThatIsThereTwiceIsAnError) {
  const arrow::Schema schema(
      {arrow::field("a", arrow::int32()), arrow::field("a", arrow::int32())});
  const arrow::Status status = GroupOrder::Make(schema, {"a"}, Ties::kAny).status();
  EXPECT_EQ(KindOf(status), ErrorKind::kEngine);
  EXPECT_THAT(status.message(), AllOf(HasSubstr("\"a\""), HasSubstr("2 columns")));
}

TEST(GroupOrderTest, AColumnWithoutOrderIsAnErrorWhereItWouldDecide) {
  for (const auto& type : {arrow::month_interval(), arrow::list(arrow::month_interval())}) {
    const arrow::Schema schema({arrow::field("a", type)});
    EXPECT_TRUE(GroupOrder::Make(schema, {}, Ties::kAny).ok());
    for (const auto& order : {GroupOrder::Make(schema, {"a"}, Ties::kAny),
                              GroupOrder::Make(schema, {}, Ties::kFixed)}) {
      EXPECT_EQ(KindOf(order.status()), ErrorKind::kEngine) << *type;
      EXPECT_THAT(order.status().message(),
                  AllOf(HasSubstr("\"a\""), HasSubstr(type->ToString()), HasSubstr("no order")));
    }
  }
}

}  // namespace
}  // namespace sheaf
