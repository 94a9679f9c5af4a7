// Strategy `probe`: the keys of a batch first, then of every table just the rows of these keys.
//
//   KeyRangeFinder --> a range of keys --> rows of the selecting tables in it --> their keys
//                                                                                  |
//                       rows of the other tables with these keys, all at once <----+
//                                                                                  |
//                                              counting sort by place --> a batch, while the next is made
//
// A thread a table, and one that looks for ranges. The other tables are asked for a range of keys, and
// where that would bring in many others, joined to a temporary table of the keys.
#pragma once

#include <memory>

#include "cogroup/table_input.h"
#include "sheaf/batch_reader.h"

namespace sheaf {

/// OK where the job's tables can be probed. Errors: kJob: a table is a stream or a plan; kEngine: the selecting
/// tables have keys of different types, or keys are durations. They name the strategies that do.
arrow::Status CheckProbe(const ResolvedJob& resolved);

/// Starts a run that will follow `plan`, of a job that passed CheckProbe. Errors arrive from Next().
std::unique_ptr<BatchReader> OpenProbe(std::shared_ptr<Engine> engine, ResolvedJob resolved,
                                       Plan plan);

/// A query that probe sends for a table, with parameters for the ends of a range. Empty where none is.
std::string ProbeQuery(const Engine& engine, const TableInput& input,
                       const arrow::Schema& key_schema);

}  // namespace sheaf
