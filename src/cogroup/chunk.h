// Rows on their way from an engine to a batch.
#pragma once

#include <arrow/record_batch.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "key/key_vector.h"

namespace sheaf {

/// Some consecutive rows of a table, none with a null key, and their keys.
struct Chunk {
  std::shared_ptr<arrow::RecordBatch> rows;  ///< Of plain types, but text may be views.
  KeyVector keys;
  int64_t bytes = 0;           ///< What it weighs in a queue.
  std::vector<int64_t> ranks;  ///< Once RankScatter has prepared it: in place of the keys.
};

/// Consecutive distinct keys of the run: those of the next batch or of a part of it.
struct Window {
  KeyVector keys;
  std::shared_ptr<arrow::RecordBatch> key_rows;  ///< The key columns, a row a key.
  bool ends_share = false;  ///< What is cut so far is as much as is put together at once.
  int64_t portions = 1;     ///< About how many like this one are put together at once.
};

}  // namespace sheaf
