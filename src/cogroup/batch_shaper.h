// Turns cut windows into batches: leaves out the keys that policy `missing = "drop"` drops, ends a batch at
// max_bytes where that comes before max_keys, and gives a key that exceeds it several batches.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "cogroup/group_sizes.h"
#include "sheaf/batch.h"
#include "sheaf/job.h"

namespace sheaf {

/// The rows of one window, of every table, in the job's order.
struct CutWindow {
  std::shared_ptr<arrow::RecordBatch> keys;
  std::vector<BatchTable> tables;
};

/// How many keys a window should hold: all that a batch may, or fewer where bytes end a batch.
int32_t WindowKeys(const Job& job);

class BatchShaper {
 public:
  explicit BatchShaper(const Job& job);

  /// Takes the next window, of at most WindowKeys(job) keys.
  arrow::Status Add(CutWindow window);

  /// No window will follow: what is left becomes the last batch.
  arrow::Status Finish();

  /// The next finished batch; nullopt where there is none yet.
  std::optional<Batch> Take();

  [[nodiscard]] int64_t dropped_keys() const { return dropped_keys_; }
  /// Of each table: the rows of the keys that are not dropped. May be asked by any thread.
  [[nodiscard]] const std::vector<GroupSizes>& group_sizes() const { return group_sizes_; }

 private:
  arrow::Status DropMissing(CutWindow* window);
  arrow::Status CountGroups(const CutWindow& window);
  arrow::Status AddOversize(const CutWindow& window, int64_t key, int64_t bytes, int64_t max_bytes);
  arrow::Status EndBatch();
  void Emit(CutWindow window, bool continued);

  const int32_t max_keys_;
  const std::optional<int64_t> max_bytes_;
  const bool drops_missing_;
  const Policy policy_;
  std::vector<CutWindow> parts_;  // of the batch being formed
  int64_t keys_ = 0;              // in parts_
  int64_t bytes_ = 0;             // in parts_
  std::deque<Batch> finished_;
  int64_t next_index_ = 0;
  int64_t dropped_keys_ = 0;
  std::vector<GroupSizes> group_sizes_;
};

}  // namespace sheaf
