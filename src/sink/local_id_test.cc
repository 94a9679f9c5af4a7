#include "sink/local_id.h"

#include <arrow/api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "cogroup/group_rows.h"
#include "sheaf/error.h"
#include "sink/sink_test_support.h"

namespace sheaf {
namespace {

using ::testing::AllOf;
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
}

TEST(LocalIdTest, ABatchThatContinuesAKeyStillDoes) {
  const Batch batch = BatchOf({0, 2});
  const Batch continued(4, batch.keys(), batch.tables(), /*continued=*/true);
  EXPECT_TRUE(WithLocalIds(continued, LocalId::kUint16).ValueOrDie().continued());
}

TEST(LocalIdTest, IdsOfAPartCountTheKeysOfTheWholeBatch) {
  const Batch like = BatchOf({0, 2, 2, 3});
  const Batch part(3, like.keys(), like.tables(), /*continued=*/false, {65'533, /*last=*/false});
  const Batch numbered = WithLocalIds(part, LocalId::kUint16).ValueOrDie();
  EXPECT_TRUE(numbered.table("A")->column(0)->Equals(
      testing::ArrayOf(arrow::uint16(), "[65533, 65533, 65535]")));
  EXPECT_EQ(numbered.part().first_key, 65'533);
  EXPECT_FALSE(numbered.part().last);
  const Batch beyond(3, like.keys(), like.tables(), /*continued=*/false, {65'534, /*last=*/true});
  EXPECT_FALSE(WithLocalIds(beyond, LocalId::kUint16).ok());
}

TEST(LocalIdTest, ThereIsNoneUnlessAskedFor) {
  const Batch batch = BatchOf({0, 1});
  EXPECT_EQ(WithLocalIds(batch, LocalId::kNone).ValueOrDie().table("A"), batch.table("A"));
  const auto schema = batch.table("A")->schema();
  const Job job = Job().Add(Table::Named("A"));
  EXPECT_EQ(WithLocalIds(schema, job, 0, LocalId::kNone).ValueOrDie(), schema);
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

BatchTable TableOf(const std::string& name, std::vector<int32_t> offsets, Link link,
                   const std::string& mapping = "") {
  BatchTable table = BatchOf(std::move(offsets)).tables()[0];
  table.name = name;
  table.link = std::move(link);
  if (!mapping.empty()) {
    table.mapping =
        std::static_pointer_cast<arrow::Int32Array>(testing::ArrayOf(arrow::int32(), mapping));
  }
  return table;
}

Link To(Link::Kind kind, const std::string& table) {
  return {.kind = kind, .table = table, .columns = {"x"}};
}

/// Two keys with three rows of A, which name two groups of reference table R; and grandchildren of A, whose
/// rows name groups of a reference table of their own.
Batch LinkedBatch() {
  std::vector<BatchTable> tables = {
      TableOf("RE", {0, 1}, To(Link::Kind::kReference, "E"), "[null, 0]"),
      BatchOf({0, 2, 3}).tables()[0],
      TableOf("R", {0, 1, 3}, To(Link::Kind::kReference, "A"), "[1, null, 0]"),
      TableOf("E", {0, 0, 1, 2}, To(Link::Kind::kParent, "A")),
  };
  return {0, BatchOf({0, 2, 3}).keys(), std::move(tables)};
}

void ExpectIds(const Batch& batch, const std::string& table,
               const std::vector<std::pair<std::string, std::shared_ptr<arrow::Array>>>& ids) {
  const auto rows = batch.table(table);
  for (size_t c = 0; c < ids.size(); ++c) {
    const auto& field = rows->schema()->field(static_cast<int>(c));
    EXPECT_EQ(field->name(), ids[c].first) << table;
    EXPECT_EQ(field->nullable(), ids[c].second->null_count() > 0) << table << "." << ids[c].first;
    EXPECT_TRUE(rows->column(static_cast<int>(c))->Equals(ids[c].second))
        << table << "." << ids[c].first << rows->column(static_cast<int>(c))->ToString();
  }
  EXPECT_EQ(rows->num_columns(), static_cast<int>(ids.size()) + 1) << table;
  EXPECT_TRUE(rows->ValidateFull().ok());
}

TEST(LocalIdTest, ARowHasTheIdsOfWhatHangsOnIt) {
  const auto u16 = [](const char* json) { return testing::ArrayOf(arrow::uint16(), json); };
  const auto u32 = [](const char* json) { return testing::ArrayOf(arrow::uint32(), json); };
  const Batch batch = WithLocalIds(LinkedBatch(), LocalId::kUint16).ValueOrDie();
  ExpectIds(batch, "A",
            {{"local_id", u16("[0, 0, 1]")},
             {"R_local_id", u16("[1, null, 0]")},
             {"E_local_id", u32("[0, 1, 2]")}});
  ExpectIds(batch, "R", {{"local_id", u16("[0, 1, 1]")}});
  ExpectIds(batch, "E", {{"local_id", u32("[1, 2]")}, {"RE_local_id", u16("[null, 0]")}});
  ExpectIds(batch, "RE", {{"local_id", u16("[0]")}});
}

TEST(LocalIdTest, TheSchemaOfATableIsThatOfItsRows) {
  const Batch plain = LinkedBatch();
  Job job;
  for (const BatchTable& table : plain.tables()) {
    job.Add(Table::Named(table.name));
    job.tables.back().link = table.link;
  }
  for (const LocalId type : {LocalId::kUint16, LocalId::kUint32}) {
    const Batch batch = WithLocalIds(plain, type).ValueOrDie();
    for (size_t t = 0; t < job.tables.size(); ++t) {
      const auto schema = WithLocalIds(plain.tables()[t].rows->schema(), job, t, type).ValueOrDie();
      EXPECT_TRUE(batch.tables()[t].rows->schema()->Equals(schema)) << job.tables[t].name;
    }
  }
}

TEST(LocalIdTest, ReferencesThatSixteenBitsCannotCountAreNamed) {
  std::vector<int32_t> offsets(65'538);
  std::iota(offsets.begin(), offsets.end(), 0);
  std::vector<BatchTable> tables = LinkedBatch().tables();
  tables[2] = TableOf("R", offsets, To(Link::Kind::kReference, "A"), "[65536, null, 0]");
  const Batch batch(0, LinkedBatch().keys(), tables);
  const arrow::Status status = WithLocalIds(batch, LocalId::kUint16).status();
  EXPECT_EQ(KindOf(status), ErrorKind::kPolicy);
  EXPECT_THAT(status.message(), AllOf(HasSubstr("table \"R\" has 65537 keys in one batch"),
                                      HasSubstr("take \"uint32\"")));
  const Batch wide = WithLocalIds(batch, LocalId::kUint32).ValueOrDie();
  EXPECT_TRUE(
      wide.table("A")->column(1)->Equals(testing::ArrayOf(arrow::uint32(), "[65536, null, 0]")));
}

TEST(LocalIdTest, AnyNumberOfRowsMayHaveGrandchildren) {
  std::vector<int32_t> offsets(65'538);
  std::iota(offsets.begin(), offsets.end(), 0);
  std::vector<BatchTable> tables = {BatchOf({0, 65'537}).tables()[0],
                                    TableOf("E", offsets, To(Link::Kind::kParent, "A"))};
  const Batch batch(0, BatchOf({0, 65'537}).keys(), std::move(tables));
  const Batch numbered = WithLocalIds(batch, LocalId::kUint16).ValueOrDie();
  EXPECT_TRUE(numbered.table("A")->column(1)->Equals(numbered.table("E")->column(0)));
}

TEST(LocalIdTest, AColumnOfThatNameIsRefused) {
  const arrow::Status status = WithLocalIds(BatchOf({0, 1}, "local_id"), LocalId::kUint32).status();
  EXPECT_THAT(status.message(), HasSubstr("has a column \"local_id\" of its own"));

  const auto schema = arrow::schema({arrow::field("R_local_id", arrow::int64())});
  Job job = Job().Add(Table::Named("A")).Add(Table::Named("R").References("A", {"x"}));
  EXPECT_THAT(WithLocalIds(schema, job, 0, LocalId::kUint32).status().message(),
              HasSubstr("has a column \"R_local_id\" of its own"));
  EXPECT_TRUE(WithLocalIds(schema, job, 1, LocalId::kUint32).ok());
}

}  // namespace
}  // namespace sheaf
