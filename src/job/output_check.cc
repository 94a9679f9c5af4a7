#include "job/output_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "job/words.h"

namespace sheaf {
namespace {

using MaybeProblem = std::optional<JobProblem>;

constexpr int32_t kUint16Keys = 1 << 16;

JobProblem Problem(std::string field, std::string message) {
  return {std::nullopt, std::move(field), std::move(message)};
}

MaybeProblem CheckStandardOutput(const OutputOptions& output) {
  if (!IsStandardOutput(output) || output.format == Format::kJsonl ||
      output.format == Format::kArrow) {
    return std::nullopt;
  }
  return Problem("format", fmt::format("standard output takes output.format = \"jsonl\" or "
                                       "\"arrow\", not \"{}\"",
                                       WordFor(kFormatWords, output.format)));
}

MaybeProblem CheckLocalId(const Job& job, const OutputOptions& output) {
  if (output.local_id != LocalId::kUint16 || job.max_keys <= kUint16Keys) return std::nullopt;
  return Problem(
      "local_id",
      fmt::format("output.local_id = \"uint16\" counts the keys of a batch up to {}, and "
                  "batch.max_keys is {}; take \"uint32\"",
                  kUint16Keys, job.max_keys));
}

/// A document has a member for each key column, or one for the key, beside those of the tables. Linked tables
/// are members further inside.
MaybeProblem CheckMembers(const Job& job, const OutputOptions& output) {
  if (!MakesDocuments(output)) return std::nullopt;
  for (const Table& table : job.tables) {
    const bool is_key = std::ranges::find(job.key, table.name) != job.key.end();
    const bool clashes = is_key || (output.format == Format::kJsonl && table.name == "key");
    if (table.link || !clashes) continue;
    return Problem("format", fmt::format("a document has the key as \"{0}\": call table \"{0}\" "
                                         "otherwise",
                                         table.name));
  }
  return std::nullopt;
}

}  // namespace

bool HoldsDocuments(Format format) { return format == Format::kJsonl || format == Format::kNested; }

bool IsStandardOutput(const OutputOptions& output) { return output.dir == "-"; }

bool MakesDocuments(const OutputOptions& output) {
  return HoldsDocuments(output.format) || IsStandardOutput(output);
}

std::optional<JobProblem> FindOutputProblem(const Job& job, const OutputOptions& output) {
  if (MaybeProblem problem = CheckStandardOutput(output)) return problem;
  if (MaybeProblem problem = CheckLocalId(job, output)) return problem;
  return CheckMembers(job, output);
}

}  // namespace sheaf
