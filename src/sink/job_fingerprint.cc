#include "sink/job_fingerprint.h"

#include <fmt/format.h>
#include <xxhash.h>

#include "cogroup/group_memory.h"
#include "job/words.h"
#include "sink/json_text.h"
#include "sink/link_json.h"

namespace sheaf {
namespace {

Json TableJson(const Job& job, const Table& table) {
  Json json = Json::object();
  json["name"] = table.name;
  json["source"] = table.source;
  json["query"] = table.query;
  const XXH128_hash_t plan = XXH3_128bits(table.substrait.data(), table.substrait.size());
  json["substrait"] = fmt::format("{:016x}{:016x}", plan.high64, plan.low64);
  json["stream"] = table.stream != nullptr;
  json["key"] = KeyColumnsOf(job, table);
  json["order_by"] = table.order_by;
  json["selects_keys"] = table.selects_keys;
  json["optional"] = table.optional;
  json["rows_per_key"] = WordFor(kCardinalityWords, table.rows_per_key);
  AddLink(table, &json);
  return json;
}

}  // namespace

std::string JobFingerprint(const Job& job, const OutputOptions& output, std::string_view engine) {
  Json json = Json::object();
  json["engine"] = engine;
  json["key"] = job.key;
  json["max_keys"] = job.max_keys;
  json["max_bytes"] = job.max_bytes ? Json(*job.max_bytes) : Json(nullptr);
  json["max_group_bytes"] = MaxGroupBytes(job);  // where a large key is cut
  json["from"] = job.from;
  json["ties"] = WordFor(kTiesWords, job.ties);
  json["policy"] = {{"null_key", WordFor(kNullKeyWords, job.policy.null_key)},
                    {"missing", WordFor(kMissingWords, job.policy.missing)},
                    {"duplicate", WordFor(kDuplicateWords, job.policy.duplicate)},
                    {"oversize", WordFor(kOversizeWords, job.policy.oversize)}};
  json["format"] = WordFor(kFormatWords, output.format);
  json["local_id"] = WordFor(kLocalIdWords, output.local_id);
  json["tables"] = Json::array();
  for (const Table& table : job.tables) json["tables"].push_back(TableJson(job, table));

  const std::string text = CompactText(json);
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

}  // namespace sheaf
