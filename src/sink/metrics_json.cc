#include "sink/metrics_json.h"

#include <utility>

#include "sink/key_json.h"

namespace sheaf {
namespace {

arrow::Result<Json> RowsPerKeyJson(const RowsPerKey& rows) {
  Json json = Json::object();
  json["min"] = rows.min;
  json["mean"] = rows.mean;
  json["p50"] = rows.p50;
  json["p99"] = rows.p99;
  json["max"] = rows.max;
  json["largest"] = Json::array();
  for (const RowsPerKey::LargeKey& large : rows.largest) {
    Json key = Json::object();
    ARROW_ASSIGN_OR_RAISE(key["key"], KeyJson(*large.key, 0));
    key["rows"] = large.rows;
    json["largest"].push_back(std::move(key));
  }
  return json;
}

}  // namespace

arrow::Result<Json> TableMetricsJson(const TableMetrics& metrics) {
  Json json = Json::object();
  json["rows_read"] = metrics.rows_read;
  json["rows_delivered"] = metrics.rows_delivered;
  json["orphans"] = metrics.orphans ? Json(*metrics.orphans) : Json(nullptr);
  json["null_keys"] = metrics.null_keys;
  json["duplicates"] = metrics.duplicates;
  json["keys_without_rows"] = metrics.keys_without_rows;
  ARROW_ASSIGN_OR_RAISE(json["rows_per_key"], RowsPerKeyJson(metrics.rows_per_key));
  return json;
}

}  // namespace sheaf
