#include "cogroup/plan.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "cogroup/key_pushdown.h"
#include "cogroup/memory_split.h"
#include "cogroup/merge.h"

namespace sheaf {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;

std::string Mebibytes(int64_t bytes) { return std::to_string(bytes / kMiB) + " MiB"; }

std::string Executions(const ResolvedJob& resolved, const TableInput& input) {
  if (input.absent) return "never: the engine does not have this optional table";
  if (input.table.stream != nullptr) return "once: a stream is read as it comes";
  std::string text = "once: all its rows in key order";
  const MemorySplit split = SplitMemory(resolved.job.memory, resolved.tables.size());
  if (!input.table.selects_keys && CanFilter(input) &&
      WorthFiltering(input, 0)) {
    text += ", or only those of the selected keys where the selecting rows fit in " +
            Mebibytes(split.key_search);
  }
  return text;
}

std::vector<std::string> Guarantees(const Job& job) {
  std::vector<std::string> sheet = {
      "Every key of the selecting tables is in exactly one batch of at most " +
          std::to_string(job.max_keys) + " keys.",
      "Batches, and the groups in a batch, come in ascending key order: numbers by value, text by "
      "bytes, NaN last; each table's stream is verified as it arrives.",
      "All rows of the selected keys are delivered, none of others, no row twice; rows of other "
      "keys are counted.",
      "The keys are those of the rows that the selecting queries delivered: no query runs twice.",
  };
  sheet.emplace_back(job.ties == Ties::kFixed
                         ? "Rows of a group follow order_by, then their other columns: the same in "
                           "every run."
                         : "Rows of a group follow order_by; rows that it leaves equal come in any "
                           "order.");
  sheet.emplace_back(job.policy.null_key == Policy::NullKey::kError
                         ? "A row with a null key ends the run with an error."
                         : "Rows with a null key are left out and counted.");
  sheet.emplace_back("A failing query ends the run with an error that names the table.");
  return sheet;
}

}  // namespace

Plan MakePlan(const Engine* engine, const ResolvedJob& resolved) {
  Plan plan;
  plan.strategy = Strategy::kMerge;
  plan.reason = resolved.job.strategy == Strategy::kMerge
                    ? "the job asks for merge"
                    : "each query runs once, in key order: no sort where the engine knows the order";
  for (const TableInput& input : resolved.tables) {
    TablePlan table;
    table.name = input.table.name;
    table.sql = MergeQuery(engine, input);
    table.executions = Executions(resolved, input);
    plan.tables.push_back(std::move(table));
  }
  plan.guarantees = Guarantees(resolved.job);
  return plan;
}

void AddEnginePlans(const ResolvedJob& resolved, Plan* plan) {
  for (size_t t = 0; t < plan->tables.size(); ++t) {
    TablePlan& table = plan->tables[t];
    if (table.sql.empty()) continue;
    table.engine_plan = resolved.tables[t].connection->ExplainPlan(table.sql);
  }
}

}  // namespace sheaf
