// What threads count while a run goes on; TableMetrics is a copy of it.
#pragma once

#include <atomic>
#include <cstdint>

namespace sheaf {

struct TableCounters {
  std::atomic<int64_t> rows_read = 0;
  std::atomic<int64_t> rows_delivered = 0;
  std::atomic<int64_t> orphans = 0;
  std::atomic<int64_t> null_keys = 0;
  std::atomic<int64_t> duplicates = 0;
  std::atomic<bool> filtered_by_engine = false;  ///< Then orphans were never seen.
};

}  // namespace sheaf
