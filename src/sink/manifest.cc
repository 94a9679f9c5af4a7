#include "sink/manifest.h"

#include <arrow/buffer.h>
#include <arrow/ipc/writer.h>
#include <arrow/type.h>
#include <arrow/util/base64.h>
#include <fmt/chrono.h>

#include <chrono>
#include <string>

#include "job/words.h"
#include "sheaf/version.h"
#include "sink/job_fingerprint.h"
#include "sink/link_json.h"

namespace sheaf {
namespace {

constexpr int kFormatVersion = 1;

std::string UtcNow() {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
}

/// The columns for people, and the schema whole for programs.
arrow::Status AddSchema(const arrow::Schema& schema, Json* json) {
  Json columns = Json::array();
  for (const auto& field : schema.fields()) {
    Json column = Json::object();
    column["name"] = field->name();
    column["type"] = field->type()->ToString();
    column["nullable"] = field->nullable();
    columns.push_back(std::move(column));
  }
  ARROW_ASSIGN_OR_RAISE(const auto message, arrow::ipc::SerializeSchema(schema));
  (*json)["columns"] = std::move(columns);
  (*json)["arrow_schema"] = arrow::util::base64_encode(std::string_view(*message));
  return arrow::Status::OK();
}

arrow::Result<Json> TableJson(const Job& job, const Table& table, const Plan& plan,
                              const arrow::Schema& schema) {
  Json json = Json::object();
  json["name"] = table.name;
  json["key"] = KeyColumnsOf(job, table);
  json["order_by"] = table.order_by;
  json["selects_keys"] = table.selects_keys;
  json["rows_per_key"] = WordFor(kCardinalityWords, table.rows_per_key);
  AddLink(table, &json);
  for (const TablePlan& table_plan : plan.tables) {
    if (table_plan.name != table.name) continue;
    json["executions"] = table_plan.executions;
    json["ordered_by_engine"] = table_plan.ordered_by_engine;
  }
  ARROW_RETURN_NOT_OK(AddSchema(schema, &json));
  return json;
}

Json NameAndVersion(const std::string& name, const std::string& version) {
  Json json = Json::object();
  json["name"] = name;
  json["version"] = version;
  return json;
}

}  // namespace

arrow::Result<Json> ManifestJson(const OutputOptions& options, const Job& job, const Engine* engine,
                                 const BatchReader& reader,
                                 const std::vector<std::shared_ptr<arrow::Schema>>& schemas) {
  const Plan& plan = reader.plan();
  Json json = Json::object();
  json["format_version"] = kFormatVersion;
  json["sheaf"] = kVersion;
  json["created"] = UtcNow();
  json["fingerprint"] =
      JobFingerprint(job, options, engine == nullptr ? "" : engine->vendor_name());
  json["engine"] = nullptr;
  json["driver"] = nullptr;
  if (engine != nullptr) {
    json["engine"] = NameAndVersion(engine->vendor_name(), engine->vendor_version());
    json["driver"] = NameAndVersion(engine->driver_name(), engine->driver_version());
  }
  json["format"] = WordFor(kFormatWords, options.format);
  json["local_id"] = options.local_id == LocalId::kNone
                         ? Json(nullptr)
                         : Json(WordFor(kLocalIdWords, options.local_id));
  json["max_keys"] = job.max_keys;
  json["max_bytes"] = job.max_bytes ? Json(*job.max_bytes) : Json(nullptr);
  json["ties"] = WordFor(kTiesWords, job.ties);
  json["strategy"] = WordFor(kStrategyWords, plan.strategy);
  json["strategy_reason"] = plan.reason;
  json["guarantees"] = plan.guarantees;
  json["key"] = Json::object();
  ARROW_RETURN_NOT_OK(AddSchema(*reader.key_schema(), &json["key"]));
  json["tables"] = Json::array();
  for (size_t i = 0; i < job.tables.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(auto table, TableJson(job, job.tables[i], plan, *schemas[i]));
    json["tables"].push_back(std::move(table));
  }
  return json;
}

}  // namespace sheaf
