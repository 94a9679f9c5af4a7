#include "cogroup/large_groups.h"

#include <utility>

#include "key/plain_types.h"

namespace sheaf {

LargeGroups::LargeGroups(const TableInput& input, GroupMemory memory)
    : input_(input), memory_(memory) {}

bool LargeGroups::Has(int64_t group) const {
  const std::lock_guard lock(mutex_);
  return groups_.contains(group);
}

arrow::Status LargeGroups::Add(int64_t group, const std::shared_ptr<arrow::RecordBatch>& rows) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<LargeRows>& to = groups_[group];
  if (to == nullptr) {
    if (file_ == nullptr) {
      ARROW_ASSIGN_OR_RAISE(file_, SpillFile::Create(SpillDirectory(), input_.schema));
    }
    to = std::make_shared<LargeRows>(input_.schema, input_.group_order, file_, memory_.run);
  }
  ARROW_ASSIGN_OR_RAISE(const auto plain, ToPlain(rows, input_.schema));
  return to->Add(plain);
}

arrow::Result<std::vector<LargeGroup>> LargeGroups::Take(int64_t begin, int64_t end) {
  const std::lock_guard lock(mutex_);
  std::vector<LargeGroup> taken;
  while (!groups_.empty() && groups_.begin()->first < end) {
    auto& [group, rows] = *groups_.begin();
    ARROW_RETURN_NOT_OK(rows->Finish());
    taken.push_back({group - begin, std::move(rows)});
    groups_.erase(groups_.begin());
  }
  if (groups_.empty()) file_ = nullptr;  // it goes with the groups that were taken
  return taken;
}

}  // namespace sheaf
