// What a run tells: a line a batch, a last line, and the report on the data.
#pragma once

#include <arrow/result.h>

#include <string>

#include "sheaf/batch_reader.h"
#include "sheaf/job.h"
#include "sink/batch_counts.h"

namespace sheaf {

/// How a run ended.
struct RunEnd {
  bool completed = false;  ///< False: --stop-after ended it.
  RunTotals totals;
  double seconds = 0;
  Strategy strategy = Strategy::kAuto;
  Metrics metrics;
};

/// `batch 0: 65536 keys, 1114112 rows  P 65536  A 655360`
std::string BatchText(const BatchCounts& batch);
std::string BatchJson(const BatchCounts& batch);

/// `completed: 31 batches, 2000000 keys, 34000000 rows in 4.21 s`, or `stopped after 2 batches, ...`
std::string EndText(const RunEnd& end);
arrow::Result<std::string> EndJson(const RunEnd& end);

/// The report on the data, for people: a line a table with what was read, delivered and left out, and
/// with the rows a key; then the largest keys of tables where few keys have most rows.
std::string DataReport(const Metrics& metrics);

}  // namespace sheaf
