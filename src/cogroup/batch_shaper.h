// Turns cut windows into batches: leaves out the keys that policy `missing = "drop"` drops, ends a batch at
// max_bytes where that comes before max_keys, and gives a key whose rows are too many several batches, which
// are made as they are taken. A batch that is large beside the memory is handed out in parts, where the job lets it.
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <variant>
#include <vector>

#include "cogroup/group_bytes.h"
#include "cogroup/group_sizes.h"
#include "cogroup/oversize_group.h"
#include "cogroup/table_share.h"
#include "sheaf/batch.h"
#include "sheaf/job.h"

namespace sheaf {

/// How many keys a window should hold: all that a batch may, or fewer where bytes end a batch.
int32_t WindowKeys(const Job& job);

class BatchShaper {
 public:
  /// `max_group_bytes`: of the rows of a key that come in one batch. `part_bytes`: of a part of a batch, about, where
  /// windows have no more; nullopt where batches are whole.
  BatchShaper(const Job& job, int64_t max_group_bytes, std::optional<int64_t> part_bytes);

  /// Takes the next window, of at most WindowKeys(job) keys.
  arrow::Status Add(CutWindow window);

  /// No window will follow: what is left becomes the last batch.
  arrow::Status Finish();

  /// The next finished batch, or part of one; nullopt where there is none yet. Errors: those of spill files.
  arrow::Result<std::optional<Batch>> Take();

  /// How many keys the batch being formed still takes; all that a batch may have where keys may be dropped.
  [[nodiscard]] int64_t room() const { return drops_missing_ ? max_keys_ : max_keys_ - keys_; }
  [[nodiscard]] int64_t dropped_keys() const { return dropped_keys_; }
  /// Of each table: the rows of the keys that batches were taken of. May be asked by any thread.
  [[nodiscard]] const std::vector<GroupSizes>& group_sizes() const { return group_sizes_; }

 private:
  // Some keys of a batch, or all.
  struct Part {
    CutWindow window;
    BatchPart part;
  };

  void AddSlice(const CutWindow& window, const GroupBytes& sizes, int64_t begin, int64_t end);
  arrow::Status DropMissing(CutWindow* window);
  arrow::Status CountGroups(const CutWindow& window);
  arrow::Status AddApart(CutWindow group, int64_t bytes);
  arrow::Status EndPart(bool last);
  arrow::Status EndBatch();
  Batch Make(CutWindow window, bool continued, const BatchPart& part);

  const int32_t max_keys_;
  const std::optional<int64_t> max_bytes_;
  const int64_t max_group_bytes_;
  const std::optional<int64_t> part_bytes_;
  const bool drops_missing_;
  const Policy policy_;
  std::vector<CutWindow> windows_;  // of the part being formed
  int64_t windows_bytes_ = 0;       // in windows_
  int64_t keys_ = 0;                // of the batch being formed
  int64_t bytes_ = 0;               // of the batch being formed, where it ends by it
  int64_t ended_keys_ = 0;          // of its parts that are finished
  CutWindow
      nothing_;  // without keys, to end a batch whose keys are all handed out; made once needed
  std::deque<std::variant<Part, OversizeGroup>> finished_;
  bool continues_ = false;  // the next batch continues the key of the one before
  int64_t next_index_ = 0;
  int64_t dropped_keys_ = 0;
  std::vector<GroupSizes> group_sizes_;
};

}  // namespace sheaf
