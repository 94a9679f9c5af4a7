#include "cogroup/plan.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "cogroup/group_memory.h"
#include "cogroup/key_pushdown.h"
#include "cogroup/memory_split.h"
#include "cogroup/merge.h"
#include "cogroup/probe.h"
#include "parallel/parallel.h"

namespace sheaf {
namespace {

// Up to as many batches are probed rather than cut out of a pass over all rows (docs/architecture.md).
constexpr int64_t kFewBatches = 2;

constexpr int64_t kMiB = int64_t{1} << 20;

std::string Mebibytes(int64_t bytes) { return std::to_string(bytes / kMiB) + " MiB"; }

std::string Executions(const MemorySplit& split, const ResolvedJob& resolved,
                       const TableInput& input, Strategy strategy) {
  if (input.absent) return "never: the engine does not have this optional table";
  if (input.table.stream != nullptr) return "once: a stream is read as it comes";
  if (input.link) {
    return "once: all its rows, in any order; they are kept and looked up for each batch";
  }
  if (strategy == Strategy::kPartition) return "once: all its rows, in any order";
  if (!input.table.substrait.empty()) {
    return "once: the plan as it is, whose rows must be in key order";
  }
  if (strategy == Strategy::kProbe) {
    return input.table.selects_keys
               ? "once a batch: its rows in a range of keys; and a few times for keys alone: those "
                 "of the first batch, of the next two, then of as many as memory holds"
               : "once a batch: the rows of its keys, by their range where they are dense, else "
                 "joined to them";
  }
  std::string text = "once: all its rows in key order";
  if (!input.table.selects_keys && CanFilter(input, *resolved.key_schema) &&
      WorthFiltering(input, 0)) {
    text += ", or only those of the selected keys where the selecting rows fit in " +
            Mebibytes(split.key_search);
  }
  return text;
}

// How a table's rows come by key, without a sort of ours.
enum class Arrival { kInOrder, kSorted, kUnknown };

// The engine's plan of a table's ordered query says whether it must sort.
Arrival ArrivalOf(const TableInput& input, const std::string& engine_plan) {
  if (input.absent || input.link) return Arrival::kInOrder;
  if (engine_plan.empty()) return Arrival::kUnknown;
  return HasSort(engine_plan) ? Arrival::kSorted : Arrival::kInOrder;
}

// Sets strategy and reason. `arrivals`: of each table, in the job's order.
void Choose(const Engine* engine, const ResolvedJob& resolved, const std::vector<Arrival>& arrivals,
            Plan* plan) {
  const auto choose = [plan](Strategy strategy, std::string reason) {
    plan->strategy = strategy;
    plan->reason = std::move(reason);
  };
  if (resolved.job.strategy != Strategy::kAuto) {
    choose(resolved.job.strategy, "the job asks for it");
    return;
  }
  const bool few = resolved.job.stop_after && *resolved.job.stop_after <= kFewBatches;
  const bool streams = std::ranges::any_of(
      resolved.tables, [](const TableInput& t) { return t.table.stream != nullptr && !t.link; });
  const bool plans = std::ranges::any_of(
      resolved.tables, [](const TableInput& t) { return !t.table.substrait.empty() && !t.link; });
  const bool in_order =
      std::ranges::all_of(arrivals, [](Arrival arrival) { return arrival == Arrival::kInOrder; });
  if (streams) {
    choose(Strategy::kPartition, "a stream may come in any order");
  } else if (plans) {
    choose(Strategy::kPartition, "a Substrait plan takes no further order");
  } else if (resolved.from != nullptr) {
    choose(Strategy::kProbe, "it starts from a key");
  } else if (in_order) {
    choose(Strategy::kMerge, "the engine knows the key order of every table, so nothing is sorted");
  } else if (few && CheckProbe(resolved).ok()) {
    choose(Strategy::kProbe, "only a few batches are wanted");
  } else if (engine->impl().embedded()) {
    choose(Strategy::kPartition, "the engine would have to sort: one unordered pass is cheaper");
  } else {
    choose(Strategy::kMerge, "the engine is elsewhere, and sorts with its own means");
  }
}

std::string WhoseKeys(Strategy strategy) {
  const std::string text = "The keys are those of the rows that the selecting queries delivered: ";
  return text + (strategy == Strategy::kProbe
                     ? "each runs again for every batch, in ranges that leave no key out."
                     : "no query runs twice.");
}

std::vector<std::string> Guarantees(const Job& job, Strategy strategy) {
  std::vector<std::string> sheet = {
      "Every key of the selecting tables is in exactly one batch of at most " +
          std::to_string(job.max_keys) + " keys.",
      "Batches, and the groups in a batch, come in ascending key order: numbers by value, text by "
      "bytes, NaN last; each table's stream is verified as it arrives.",
      std::string("All rows of the selected keys are delivered, none of others, no row twice") +
          (strategy == Strategy::kProbe ? "." : "; rows of other keys are counted."),
      WhoseKeys(strategy),
  };
  sheet.emplace_back(job.ties == Ties::kFixed
                         ? "Rows of a group follow order_by, then their other columns: the same in "
                           "every run."
                         : "Rows of a group follow order_by; rows that it leaves equal come in any "
                           "order.");
  sheet.emplace_back(job.policy.null_key == Policy::NullKey::kError
                         ? "A row with a null key ends the run with an error."
                         : "Rows with a null key are left out and counted.");
  const auto has = [&](Link::Kind kind) {
    return std::ranges::any_of(
        job.tables, [&](const Table& table) { return table.link && table.link->kind == kind; });
  };
  if (has(Link::Kind::kReference)) {
    sheet.emplace_back(
        "A row of a reference table comes once in each batch that names it, in key order.");
  }
  if (has(Link::Kind::kParent)) {
    sheet.emplace_back("Rows of a grandchild come in the batch of their parent row, in its order.");
  }
  sheet.emplace_back("A key whose rows have more than " + std::to_string(MaxGroupBytes(job)) +
                     (job.policy.oversize == Policy::Oversize::kError
                          ? " bytes ends the run with an error."
                          : " bytes comes in several batches; the later ones are marked."));
  sheet.emplace_back("A failing query ends the run with an error that names the table.");
  return sheet;
}

}  // namespace

Plan MakePlan(const Engine* engine, const ResolvedJob& resolved) {
  Plan plan;
  const size_t count = resolved.tables.size();
  const MemorySplit split = SplitMemory(resolved.job.memory, count);
  plan.tables.resize(count);
  std::vector<Arrival> arrivals(count);
  ForEachInParallel(count, [&](size_t t) {
    const TableInput& input = resolved.tables[t];
    TablePlan& table = plan.tables[t];
    table.name = input.table.name;
    table.sql = input.link ? input.query : MergeQuery(engine, input);
    if (!table.sql.empty()) {
      input.connection->SetScan(MergeScan(split, count, /*sorts=*/false));
      table.engine_plan = input.connection->ExplainPlan(table.sql);
      input.connection->SetScan({});
    }
    arrivals[t] = ArrivalOf(input, table.engine_plan);
    table.ordered_by_engine = arrivals[t] == Arrival::kSorted;
  });
  Choose(engine, resolved, arrivals, &plan);
  ForEachInParallel(count, [&](size_t t) {
    const TableInput& input = resolved.tables[t];
    TablePlan& table = plan.tables[t];
    table.executions = Executions(split, resolved, input, plan.strategy);
    if (plan.strategy == Strategy::kMerge || table.sql.empty()) return;
    const bool probed = plan.strategy == Strategy::kProbe && !input.link;
    table.sql = probed ? ProbeQuery(*engine, input, *resolved.key_schema) : input.query;
    table.engine_plan = input.connection->ExplainPlan(table.sql);
    table.ordered_by_engine = false;
  });
  plan.guarantees = Guarantees(resolved.job, plan.strategy);
  return plan;
}

}  // namespace sheaf
