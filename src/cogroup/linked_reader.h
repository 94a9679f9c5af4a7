// Adds the linked tables of a job, reference tables and grandchildren, to the batches that a strategy makes
// of the others.
//
//   keyed tables -> strategy -> batch --+--> batch with all tables
//   linked tables -> read whole, once --+
#pragma once

#include <memory>
#include <vector>

#include "cogroup/table_input.h"
#include "sheaf/batch_reader.h"

namespace sheaf {

/// A job in two parts. Each has its share of the memory budget, by the rows that the engine expects.
struct LinkedJob {
  ResolvedJob keyed;               ///< The tables without a link, which a strategy reads.
  std::vector<TableInput> linked;  ///< The others; LinkInput::table counts all tables.
  Job job;                         ///< The whole job.
  int64_t memory = 0;              ///< For the linked tables.
};

bool HasLinks(const ResolvedJob& resolved);

LinkedJob SplitLinks(ResolvedJob resolved);

/// `keyed`: reads the tables of job.keyed. `plan`: of all tables.
std::unique_ptr<BatchReader> OpenLinked(LinkedJob job, Plan plan,
                                        std::unique_ptr<BatchReader> keyed);

}  // namespace sheaf
