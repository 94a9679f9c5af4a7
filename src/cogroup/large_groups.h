// The large groups of one table: those that exceed what may be held in memory of one key.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "cogroup/group_memory.h"
#include "cogroup/table_input.h"
#include "cogroup/table_share.h"
#include "spill/spill_file.h"

namespace sheaf {

/// Any thread may call any method; rows of one group are added by one thread at a time.
class LargeGroups {
 public:
  /// `input` outlives the groups.
  LargeGroups(const TableInput& input, GroupMemory memory);

  [[nodiscard]] int64_t held() const { return memory_.held; }
  [[nodiscard]] bool Has(int64_t group) const;

  /// Adds rows of the table to a group, which is a large one from now on.
  arrow::Status Add(int64_t group, const std::shared_ptr<arrow::RecordBatch>& rows);

  /// Hands out the groups below `end`, which have all their rows, with numbers that count from `begin` on.
  arrow::Result<std::vector<LargeGroup>> Take(int64_t begin, int64_t end);

 private:
  const TableInput& input_;
  const GroupMemory memory_;

  mutable std::mutex mutex_;
  std::map<int64_t, std::shared_ptr<LargeRows>> groups_;  // guarded by mutex_, as is file_
  std::shared_ptr<SpillFile> file_;  // of the groups that are not yet handed out
};

}  // namespace sheaf
