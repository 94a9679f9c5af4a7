// What batches hold, counted as they are handed out.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sheaf/batch.h"

namespace sheaf {

/// Of one batch, part by part.
struct BatchCounts {
  int64_t index = 0;
  bool continued = false;
  int64_t keys = 0;
  int64_t rows = 0;
  /// By the tables' names, in the job's order.
  std::vector<std::pair<std::string, int64_t>> table_rows;

  void Add(const Batch& part);
};

/// Of a run, batch by batch.
struct RunTotals {
  int64_t batches = 0;
  int64_t keys = 0;
  int64_t rows = 0;

  void Add(const BatchCounts& batch);
};

}  // namespace sheaf
