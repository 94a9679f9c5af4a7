#include "cogroup/share_builder.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <iterator>
#include <limits>
#include <utility>

#include "cogroup/gather.h"
#include "cogroup/group_rows.h"
#include "parallel/parallel.h"

namespace sheaf {
namespace {

using Pieces = ShareBuilder::Pieces;

// Rows whose groups one core puts in order at a time.
constexpr int32_t kChunkRows = 32 << 10;

RowVector<RowRef> RefsOf(const Pieces& pieces) {
  RowVector<RowRef> refs;
  for (uint32_t p = 0; p < pieces.size(); ++p) {
    const auto rows = static_cast<uint32_t>(pieces[p]->num_rows());
    for (uint32_t row = 0; row < rows; ++row) refs.push_back({p, row});
  }
  return refs;
}

// Groups in chunks of about kChunkRows rows: the first group of each chunk, and the end.
std::vector<size_t> ChunksOf(std::span<const int32_t> offsets) {
  std::vector<size_t> chunks = {0};
  for (size_t g = 1; g < offsets.size(); ++g) {
    if (offsets[g] - offsets[chunks.back()] >= kChunkRows) chunks.push_back(g);
  }
  if (chunks.back() + 1 < offsets.size()) chunks.push_back(offsets.size() - 1);
  return chunks;
}

// Puts each group in order, where the columns of order_by alone tell it. These are brought together first: just
// they are looked at many times. `refs`: the rows of the groups between these offsets. True if any moved.
arrow::Result<bool> OrderGroups(const TableInput& input, const Pieces& pieces,
                                std::span<const int32_t> offsets, std::span<RowRef> refs) {
  std::vector<int32_t> starts;
  starts.reserve(offsets.size());
  for (const int32_t offset : offsets) starts.push_back(offset - offsets.front());
  arrow::ArrayVector values;
  for (const int column : input.group_order->OrderColumns()) {
    ARROW_ASSIGN_OR_RAISE(auto array, GatherColumn(column, input.schema, pieces, refs));
    values.push_back(std::move(array));
  }
  ARROW_ASSIGN_OR_RAISE(const auto numbers, input.group_order->Numbers(values, starts));
  if (numbers.empty()) return false;
  const RowVector<RowRef> before(refs.begin(), refs.end());
  for (size_t i = 0; i < refs.size(); ++i) refs[i] = before[static_cast<size_t>(numbers[i])];
  return true;
}

// The same for all groups, by all cores.
arrow::Result<bool> OrderAllGroups(const TableInput& input, const Pieces& pieces,
                                   std::span<const int32_t> offsets, std::span<RowRef> refs) {
  const std::vector<size_t> chunks = ChunksOf(offsets);
  std::atomic<bool> any_moved = false;
  ARROW_RETURN_NOT_OK(RunInParallel(chunks.size() - 1, [&](size_t c) -> arrow::Status {
    const size_t first = chunks[c];
    const size_t last = chunks[c + 1];
    const auto begin = static_cast<size_t>(offsets[first] - offsets.front());
    const auto end = static_cast<size_t>(offsets[last] - offsets.front());
    ARROW_ASSIGN_OR_RAISE(const bool moved,
                          OrderGroups(input, pieces, offsets.subspan(first, last - first + 1),
                                      refs.subspan(begin, end - begin)));
    if (moved) any_moved = true;
    return arrow::Status::OK();
  }));
  return any_moved;
}

// The system's limits, in the words of this job.
arrow::Status Explain(const TableInput& input, const arrow::Status& status) {
  return status.IsCapacityError() || status.IsInvalid() ? TooLarge(input, status) : status;
}

}  // namespace

arrow::Status ShareBuilder::Add(const Pieces& pieces, std::span<const int64_t> counts,
                                RowVector<RowRef> refs) {
  return Explain(input_, AddRows(pieces, counts, std::move(refs)));
}

arrow::Status ShareBuilder::AddRows(const Pieces& pieces, std::span<const int64_t> counts,
                                    RowVector<RowRef> refs) {
  const int32_t before = offsets_.back();
  const auto first = static_cast<size_t>(num_keys());
  ARROW_RETURN_NOT_OK(AddOffsets(counts));
  if (offsets_.back() == before) return arrow::Status::OK();
  bool stand = refs.empty();
  if (!input_.group_order->OrderColumns().empty()) {
    if (stand) refs = RefsOf(pieces);
    ARROW_ASSIGN_OR_RAISE(const bool moved,
                          OrderAllGroups(input_, pieces, std::span(offsets_).subspan(first), refs));
    stand = stand && !moved;
  }
  if (!stand) return rows_.Append(pieces, refs);
  for (const auto& piece : pieces) ARROW_RETURN_NOT_OK(rows_.Append(piece));
  return arrow::Status::OK();
}

arrow::Status ShareBuilder::AddOffsets(std::span<const int64_t> counts) {
  int64_t end = offsets_.back();
  for (const int64_t count : counts) {
    end += count;
    if (end > std::numeric_limits<int32_t>::max()) {
      return arrow::Status::CapacityError("more than 2^31-1 rows");
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
  // The columns of order_by did not tell the order.
  if (!input_.group_order->OrderColumns().empty()) return rows;
  return input_.group_order->Apply(rows, offsets_);
}

}  // namespace sheaf
