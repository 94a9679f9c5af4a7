#include "cli/report.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/type.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace sheaf {
namespace {

using ::testing::ElementsAre;

std::shared_ptr<arrow::RecordBatch> Rows(int64_t count) {
  arrow::Int64Builder builder;
  for (int64_t i = 0; i < count; ++i) EXPECT_TRUE(builder.Append(i).ok());
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("id", arrow::int64())}), count,
                                  {builder.Finish().ValueOrDie()});
}

BatchTable TableOf(const std::string& name, const std::vector<int32_t>& offsets) {
  arrow::Int32Builder builder;
  EXPECT_TRUE(builder.AppendValues(offsets).ok());
  BatchTable table;
  table.name = name;
  table.rows = Rows(offsets.back());
  table.offsets = std::static_pointer_cast<arrow::Int32Array>(builder.Finish().ValueOrDie());
  return table;
}

/// Two keys; three rows of A and one of P.
Batch SmallBatch() { return {4, Rows(2), {TableOf("A", {0, 2, 3}), TableOf("P", {0, 1, 1})}}; }

RunEnd SmallEnd() {
  RunEnd end;
  end.completed = true;
  end.totals.Add(SmallBatch());
  end.seconds = 4.214;
  end.strategy = Strategy::kMerge;
  TableMetrics table;
  table.name = "A";
  table.rows_read = 7;
  table.rows_delivered = 3;
  table.orphans = std::nullopt;
  table.null_keys = 2;
  end.metrics.tables = {table};
  return end;
}

TEST(ReportTest, ABatchIsOneLineWithItsTablesInOrder) {
  EXPECT_EQ(BatchText(SmallBatch()), "batch 4: 2 keys, 4 rows  A 3  P 1");
  EXPECT_EQ(BatchJson(SmallBatch()),
            R"({"event":"batch","index":4,"keys":2,"rows":4,"tables":{"A":3,"P":1}})");
}

TEST(ReportTest, TheLastLineHoldsTheTotals) {
  EXPECT_EQ(EndText(SmallEnd()), "completed: 1 batches, 2 keys, 4 rows in 4.21 s");
  EXPECT_EQ(EndJson(SmallEnd()),
            R"({"event":"completed","batches":1,"keys":2,"rows":4,"seconds":4.214,)"
            R"("strategy":"merge","dropped_keys":0,"tables":{"A":{"rows_read":7,)"
            R"("rows_delivered":3,"orphans":null,"null_keys":2,"duplicates":0,)"
            R"("keys_without_rows":0}}})");
}

TEST(ReportTest, AStoppedRunIsNotCalledComplete) {
  RunEnd end = SmallEnd();
  end.completed = false;
  EXPECT_EQ(EndText(end), "stopped after 1 batches, 2 keys, 4 rows in 4.21 s");
}

TEST(NotesTest, ThereAreNoneWhereThereIsNothingToReport) {
  Metrics metrics;
  metrics.tables.resize(1);
  EXPECT_THAT(Notes(metrics, Job().Add(Table::Named("A"))), ElementsAre());
}

TEST(NotesTest, NameWhatEachTableLeftOut) {
  Metrics metrics;
  metrics.dropped_keys = 9;
  metrics.tables.resize(2);
  metrics.tables[0].name = "A";
  metrics.tables[0].orphans = 5;
  metrics.tables[0].null_keys = 1;
  metrics.tables[0].duplicates = 2;
  metrics.tables[0].keys_without_rows = 8;
  metrics.tables[1].name = "P";
  metrics.tables[1].orphans = std::nullopt;
  metrics.tables[1].keys_without_rows = 3;
  const Job job = Job().Add(Table::Named("A")).Add(Table::Named("P").RowsPerKey(Cardinality::kOne));
  EXPECT_THAT(Notes(metrics, job),
              ElementsAre("table A: 5 rows of keys that were not selected, 1 rows with a null key, "
                          "2 second rows left out",
                          "table P: 3 keys without a row",
                          "9 keys left out, for they lack a row that is promised"));
}

}  // namespace
}  // namespace sheaf
