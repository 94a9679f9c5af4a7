#include "cli/report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string_view>

#include "cli/json.h"
#include "job/words.h"

namespace sheaf {
namespace {

using Json = nlohmann::ordered_json;

std::string_view EventOf(const RunEnd& end) { return end.completed ? "completed" : "stopped"; }

Json TableJson(const TableMetrics& table) {
  Json json;
  json["rows_read"] = table.rows_read;
  json["rows_delivered"] = table.rows_delivered;
  json["orphans"] = table.orphans ? Json(*table.orphans) : Json();
  json["null_keys"] = table.null_keys;
  json["duplicates"] = table.duplicates;
  json["keys_without_rows"] = table.keys_without_rows;
  return json;
}

std::string NoteOn(const TableMetrics& metrics, const Table& table) {
  std::string note;
  const auto add = [&](int64_t count, std::string_view what) {
    if (count > 0) note += fmt::format("{}{} {}", note.empty() ? "" : ", ", count, what);
  };
  add(metrics.orphans.value_or(0), "rows of keys that were not selected");
  add(metrics.null_keys, "rows with a null key");
  add(metrics.duplicates, "second rows left out");
  if (table.rows_per_key == Cardinality::kOne) add(metrics.keys_without_rows, "keys without a row");
  return note.empty() ? note : fmt::format("table {}: {}", metrics.name, note);
}

}  // namespace

void RunTotals::Add(const Batch& batch) {
  ++batches;
  keys += batch.continued() ? 0 : batch.num_keys();
  rows += batch.total_rows();
}

std::string BatchText(const Batch& batch) {
  std::string line = fmt::format("batch {}: {} keys, {} rows ", batch.index(), batch.num_keys(),
                                 batch.total_rows());
  for (const BatchTable& table : batch.tables()) {
    line += fmt::format(" {} {} ", table.name, table.rows->num_rows());
  }
  line.pop_back();
  return line;
}

std::string BatchJson(const Batch& batch) {
  Json json;
  json["event"] = "batch";
  json["index"] = batch.index();
  json["keys"] = batch.num_keys();
  if (batch.continued()) json["continued"] = true;
  json["rows"] = batch.total_rows();
  Json& tables = json["tables"] = Json::object();
  for (const BatchTable& table : batch.tables()) tables[table.name] = table.rows->num_rows();
  return JsonText(json);
}

std::string EndText(const RunEnd& end) {
  return fmt::format("{} {} batches, {} keys, {} rows in {:.2f} s",
                     end.completed ? "completed:" : "stopped after", end.totals.batches,
                     end.totals.keys, end.totals.rows, end.seconds);
}

std::string EndJson(const RunEnd& end) {
  Json json;
  json["event"] = EventOf(end);
  json["batches"] = end.totals.batches;
  json["keys"] = end.totals.keys;
  json["rows"] = end.totals.rows;
  json["seconds"] = end.seconds;
  json["strategy"] = WordFor(kStrategyWords, end.strategy);
  json["dropped_keys"] = end.metrics.dropped_keys;
  Json& tables = json["tables"] = Json::object();
  for (const TableMetrics& table : end.metrics.tables) tables[table.name] = TableJson(table);
  return JsonText(json);
}

std::vector<std::string> Notes(const Metrics& metrics, const Job& job) {
  std::vector<std::string> notes;
  for (size_t i = 0; i < metrics.tables.size(); ++i) {
    std::string note = NoteOn(metrics.tables[i], job.tables[i]);
    if (!note.empty()) notes.push_back(std::move(note));
  }
  if (metrics.dropped_keys > 0) {
    notes.push_back(fmt::format("{} keys left out, for they lack a row that is promised",
                                metrics.dropped_keys));
  }
  return notes;
}

}  // namespace sheaf
