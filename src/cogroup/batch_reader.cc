#include "sheaf/batch_reader.h"

#include <utility>

#include "cogroup/linked_reader.h"
#include "cogroup/merge.h"
#include "cogroup/partition.h"
#include "cogroup/plan.h"
#include "cogroup/table_input.h"

namespace sheaf {
namespace {

std::unique_ptr<BatchReader> OpenStrategy(std::shared_ptr<Engine> engine, ResolvedJob resolved,
                                          Plan plan) {
  if (plan.strategy == Strategy::kPartition) {
    return OpenPartition(std::move(engine), std::move(resolved), std::move(plan));
  }
  return OpenMerge(std::move(engine), std::move(resolved), std::move(plan));
}

}  // namespace

arrow::Result<Plan> Explain(const std::shared_ptr<Engine>& engine, const Job& job) {
  ARROW_ASSIGN_OR_RAISE(const ResolvedJob resolved, ResolveJob(engine.get(), job));
  return MakePlan(engine.get(), resolved);
}

arrow::Result<std::unique_ptr<BatchReader>> BatchReader::Open(std::shared_ptr<Engine> engine,
                                                              Job job) {
  ARROW_ASSIGN_OR_RAISE(ResolvedJob resolved, ResolveJob(engine.get(), std::move(job)));
  Plan plan = MakePlan(engine.get(), resolved);
  if (!HasLinks(resolved)) {
    return OpenStrategy(std::move(engine), std::move(resolved), std::move(plan));
  }
  LinkedJob linked = SplitLinks(std::move(resolved));
  auto keyed = OpenStrategy(std::move(engine), std::move(linked.keyed), plan);
  return OpenLinked(std::move(linked), std::move(plan), std::move(keyed));
}

}  // namespace sheaf
