#include "cli/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "cli/json.h"
#include "cogroup/row_text.h"
#include "job/words.h"
#include "sink/metrics_json.h"

namespace sheaf {
namespace {

std::string_view EventOf(const RunEnd& end) { return end.completed ? "completed" : "stopped"; }

using Line = std::vector<std::string>;

const Line& Headings() {
  static const Line kHeadings = {"table",     "rows read",   "delivered",    "orphans",
                                 "null keys", "second rows", "keys without", "rows a key: min",
                                 "mean",      "p50",         "p99",          "max"};
  return kHeadings;
}

Line Cells(const TableMetrics& table) {
  const RowsPerKey& rows = table.rows_per_key;
  return {table.name,
          fmt::to_string(table.rows_read),
          fmt::to_string(table.rows_delivered),
          table.orphans ? fmt::to_string(*table.orphans) : "-",
          fmt::to_string(table.null_keys),
          fmt::to_string(table.duplicates),
          fmt::to_string(table.keys_without_rows),
          fmt::to_string(rows.min),
          fmt::format("{:.2f}", rows.mean),
          fmt::to_string(rows.p50),
          fmt::to_string(rows.p99),
          fmt::to_string(rows.max)};
}

/// Columns as wide as their widest cell: the first to the left, numbers to the right.
std::string Aligned(const std::vector<Line>& lines) {
  std::vector<size_t> widths(lines[0].size());
  for (const Line& line : lines) {
    for (size_t c = 0; c < line.size(); ++c) widths[c] = std::max(widths[c], line[c].size());
  }
  std::string text;
  for (const Line& line : lines) {
    text += fmt::format("{:<{}}", line[0], widths[0]);
    for (size_t c = 1; c < line.size(); ++c) text += fmt::format("  {:>{}}", line[c], widths[c]);
    text += '\n';
  }
  return text;
}

/// Empty where the largest keys are like most others.
std::string LargestKeys(const TableMetrics& table) {
  const RowsPerKey& rows = table.rows_per_key;
  if (rows.max == rows.p99) return "";
  std::string text = fmt::format("largest keys of {}:", table.name);
  for (const RowsPerKey::LargeKey& large : rows.largest) {
    text += fmt::format("{} {} ({} rows)", &large == rows.largest.data() ? "" : ",",
                        RowText(*large.key, 0), large.rows);
  }
  return text + '\n';
}

}  // namespace

std::string BatchText(const BatchCounts& batch) {
  std::string line =
      fmt::format("batch {}: {} keys, {} rows ", batch.index, batch.keys, batch.rows);
  for (const auto& [table, rows] : batch.table_rows) line += fmt::format(" {} {} ", table, rows);
  line.pop_back();
  return line;
}

std::string BatchJson(const BatchCounts& batch) {
  Json json;
  json["event"] = "batch";
  json["index"] = batch.index;
  json["keys"] = batch.keys;
  if (batch.continued) json["continued"] = true;
  json["rows"] = batch.rows;
  Json& tables = json["tables"] = Json::object();
  for (const auto& [table, rows] : batch.table_rows) tables[table] = rows;
  return JsonText(json);
}

std::string EndText(const RunEnd& end) {
  return fmt::format("{} {} batches, {} keys, {} rows in {:.2f} s",
                     end.completed ? "completed:" : "stopped after", end.totals.batches,
                     end.totals.keys, end.totals.rows, end.seconds);
}

arrow::Result<std::string> EndJson(const RunEnd& end) {
  Json json;
  json["event"] = EventOf(end);
  json["batches"] = end.totals.batches;
  json["keys"] = end.totals.keys;
  json["rows"] = end.totals.rows;
  json["seconds"] = end.seconds;
  json["strategy"] = WordFor(kStrategyWords, end.strategy);
  json["dropped_keys"] = end.metrics.dropped_keys;
  Json& tables = json["tables"] = Json::object();
  for (const TableMetrics& table : end.metrics.tables) {
    ARROW_ASSIGN_OR_RAISE(tables[table.name], TableMetricsJson(table));
  }
  return JsonText(json);
}

std::string DataReport(const Metrics& metrics) {
  std::vector<Line> lines = {Headings()};
  for (const TableMetrics& table : metrics.tables) lines.push_back(Cells(table));
  std::string text = Aligned(lines);
  for (const TableMetrics& table : metrics.tables) text += LargestKeys(table);
  if (metrics.dropped_keys > 0) {
    text += fmt::format("{} keys left out, for they lack a row that is promised\n",
                        metrics.dropped_keys);
  }
  return text;
}

}  // namespace sheaf
