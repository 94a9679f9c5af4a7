// Strategy `merge`: each query once, ordered by key in the engine; N sorted streams cut in step.
//
//   engine --> ChunkReader --> TableCutter --> queue --+
//   engine --> ChunkReader --> TableCutter --> queue --+-> BatchShaper --> Next()
//                                  ^  |
//                      windows     |  v   keys of the selecting tables
//                                KeySelector
//
// One thread a table reads, verifies, cuts and orders groups: rows go through all of it while they are in its core's
// cache. What is read ahead waits in the engine. Every queue is bounded, so a slow consumer holds the engine back.
#pragma once

#include <memory>

#include "cogroup/memory_split.h"
#include "cogroup/table_input.h"
#include "engine/engine_impl.h"
#include "sheaf/batch_reader.h"

namespace sheaf {

/// Starts a run that will follow `plan`. `engine` may be null where every table is a stream. Errors
/// arrive from Next().
std::unique_ptr<BatchReader> OpenMerge(std::shared_ptr<Engine> engine, ResolvedJob resolved,
                                       Plan plan);

/// How merge has the query of one of so many tables run. `sorts`: the engine has to sort it.
Scan MergeScan(const MemorySplit& split, size_t tables, bool sorts);

/// The query that merge sends for a table: all its rows in key order. Empty where none is sent.
std::string MergeQuery(const Engine* engine, const TableInput& input);

}  // namespace sheaf
