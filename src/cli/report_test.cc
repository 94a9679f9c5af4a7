#include "cli/report.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/type.h>
#include <gtest/gtest.h>

#include <memory>

namespace sheaf {
namespace {

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
/// A batch that came in two parts.
BatchCounts SmallBatch() {
  BatchCounts counts;
  counts.Add({4, Rows(1), {TableOf("A", {0, 2}), TableOf("P", {0, 1})}, false, {0, false}});
  counts.Add({4, Rows(1), {TableOf("A", {0, 1}), TableOf("P", {0, 0})}, false, {1, true}});
  return counts;
}

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
  EXPECT_EQ(EndJson(SmallEnd()).ValueOrDie(),
            R"({"event":"completed","batches":1,"keys":2,"rows":4,"seconds":4.214,)"
            R"("strategy":"merge","dropped_keys":0,"tables":{"A":{"rows_read":7,)"
            R"("rows_delivered":3,"orphans":null,"null_keys":2,"duplicates":0,)"
            R"("keys_without_rows":0,"rows_per_key":{"min":0,"mean":0.0,"p50":0,"p99":0,"max":0,)"
            R"("largest":[]}}}})");
}

TEST(ReportTest, AStoppedRunIsNotCalledComplete) {
  RunEnd end = SmallEnd();
  end.completed = false;
  EXPECT_EQ(EndText(end), "stopped after 1 batches, 2 keys, 4 rows in 4.21 s");
}

TEST(DataReportTest, IsALineATableAndTheLargestKeysWhereFewHaveMostRows) {
  Metrics metrics;
  metrics.dropped_keys = 9;
  metrics.tables.resize(2);
  TableMetrics& a = metrics.tables[0];
  a.name = "A";
  a.rows_read = 1000;
  a.rows_delivered = 990;
  a.orphans = 5;
  a.null_keys = 4;
  a.duplicates = 1;
  a.keys_without_rows = 8;
  a.rows_per_key = {.min = 1, .mean = 2.5, .p50 = 2, .p99 = 9, .max = 700, .largest = {}};
  a.rows_per_key.largest = {{Rows(1), 700}, {Rows(1), 9}};
  metrics.tables[1].name = "attributes";
  metrics.tables[1].orphans = std::nullopt;
  EXPECT_EQ(
      DataReport(metrics),
      R"(table       rows read  delivered  orphans  null keys  second rows  keys without  rows a key: min  mean  p50  p99  max
A                1000        990        5          4            1             8                1  2.50    2    9  700
attributes          0          0        -          0            0             0                0  0.00    0    0    0
largest keys of A: id=0 (700 rows), id=0 (9 rows)
9 keys left out, for they lack a row that is promised
)");
}

}  // namespace
}  // namespace sheaf
