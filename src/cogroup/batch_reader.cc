#include "sheaf/batch_reader.h"

#include <utility>

#include "cogroup/common_snapshot.h"
#include "cogroup/linked_reader.h"
#include "cogroup/merge.h"
#include "cogroup/partition.h"
#include "cogroup/plan.h"
#include "cogroup/probe.h"
#include "cogroup/table_input.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

struct PlannedJob {
  ResolvedJob resolved;
  Plan plan;
};

arrow::Result<PlannedJob> PlanJob(const Engine* engine, Job job) {
  ARROW_ASSIGN_OR_RAISE(ResolvedJob resolved, ResolveJob(engine, std::move(job)));
  Plan plan = MakePlan(engine, resolved);
  if (plan.strategy == Strategy::kProbe) {
    ARROW_RETURN_NOT_OK(CheckProbe(resolved));
  } else if (resolved.from != nullptr) {
    return MakeError(ErrorKind::kJob, "only strategy probe starts from a key");
  }
  ARROW_ASSIGN_OR_RAISE(const bool one_snapshot, ShareSnapshot(resolved));
  if (one_snapshot) {
    plan.guarantees.emplace_back(
        "All tables show the data in one state: they are read in one snapshot of the engine.");
  }
  return PlannedJob{std::move(resolved), std::move(plan)};
}

std::unique_ptr<BatchReader> OpenStrategy(std::shared_ptr<Engine> engine, ResolvedJob resolved,
                                          Plan plan) {
  switch (plan.strategy) {
    case Strategy::kPartition:
      return OpenPartition(std::move(engine), std::move(resolved), std::move(plan));
    case Strategy::kProbe:
      return OpenProbe(std::move(engine), std::move(resolved), std::move(plan));
    default:
      return OpenMerge(std::move(engine), std::move(resolved), std::move(plan));
  }
}

}  // namespace

arrow::Result<Plan> Explain(const std::shared_ptr<Engine>& engine, const Job& job) {
  ARROW_ASSIGN_OR_RAISE(PlannedJob planned, PlanJob(engine.get(), job));
  return std::move(planned.plan);
}

arrow::Result<std::unique_ptr<BatchReader>> BatchReader::Open(std::shared_ptr<Engine> engine,
                                                              Job job) {
  ARROW_ASSIGN_OR_RAISE(PlannedJob planned, PlanJob(engine.get(), std::move(job)));
  auto& [resolved, plan] = planned;
  if (!HasLinks(resolved)) {
    return OpenStrategy(std::move(engine), std::move(resolved), std::move(plan));
  }
  LinkedJob linked = SplitLinks(std::move(resolved));
  auto keyed = OpenStrategy(std::move(engine), std::move(linked.keyed), plan);
  return OpenLinked(std::move(linked), std::move(plan), std::move(keyed));
}

}  // namespace sheaf
