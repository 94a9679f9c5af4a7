#include "cogroup/share_builder.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "cogroup/group_rows.h"
#include "cogroup/order_rows.h"

namespace sheaf {
namespace {

// The system's limits, in the words of this job.
arrow::Status Explain(const TableInput& input, const arrow::Status& status) {
  return status.IsCapacityError() || status.IsInvalid() ? TooLarge(input.table.name, status)
                                                        : status;
}

}  // namespace

arrow::Status ShareBuilder::Add(const Pieces& pieces, std::span<const RowRun> runs,
                                std::span<const int64_t> counts) {
  RowVector<RowRef> refs;
  ARROW_RETURN_NOT_OK(OrderRows(input_, pieces, runs, counts, &refs));
  ARROW_RETURN_NOT_OK(AddOffsets(counts));
  return Explain(input_, rows_.Append(pieces, {refs, runs}));
}

arrow::Status ShareBuilder::AddOrdered(const Pieces& pieces, const RowList& rows,
                                       std::span<const int64_t> counts,
                                       std::shared_ptr<const void> holds) {
  ARROW_RETURN_NOT_OK(AddOffsets(counts));
  return Explain(input_, rows_.AppendOnce(pieces, rows, std::move(holds)));
}

arrow::Status ShareBuilder::AddOffsets(std::span<const int64_t> counts) {
  int64_t end = offsets_.back();
  for (const int64_t count : counts) {
    end += count;
    if (end > std::numeric_limits<int32_t>::max()) {
      return Explain(input_, arrow::Status::CapacityError("more than 2^31-1 rows"));
    }
    offsets_.push_back(static_cast<int32_t>(end));
  }
  return arrow::Status::OK();
}

void ShareBuilder::AddLarge(std::vector<LargeGroup> groups) {
  std::ranges::move(groups, std::back_inserter(large_));
}

arrow::Result<TableShare> ShareBuilder::Finish() {
  auto rows = FinishRows();
  if (!rows.ok()) return Explain(input_, rows.status());
  TableShare share;
  static_cast<BatchTable&>(share) = {input_.table.name, input_.table.rows_per_key, *std::move(rows),
                                     OffsetsArray(std::exchange(offsets_, {0}))};
  share.large = std::exchange(large_, {});
  return share;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> ShareBuilder::FinishRows() {
  ARROW_ASSIGN_OR_RAISE(auto rows, rows_.Finish());
  if (packing_ != nullptr) {
    ARROW_ASSIGN_OR_RAISE(rows, packing_->Unpack(std::move(rows)));
  }
  // The columns of order_by did not tell the order.
  if (!input_.group_order->OrderColumns().empty()) return rows;
  return input_.group_order->Apply(rows, offsets_);
}

}  // namespace sheaf
