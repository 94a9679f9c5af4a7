#include "cogroup/order_rows.h"

#include <arrow/array.h>

#include <atomic>
#include <cstddef>
#include <utility>

#include "cogroup/gather.h"
#include "cogroup/group_rows.h"
#include "parallel/parallel.h"

namespace sheaf {
namespace {

using Pieces = std::vector<std::shared_ptr<arrow::RecordBatch>>;

// Rows whose groups one core puts in order at a time.
constexpr int64_t kChunkRows = 64 << 10;

// Groups one after the other, and how many rows come before them.
struct Chunk {
  std::span<const int64_t> counts;
  size_t first_row;
};

std::vector<Chunk> ChunksOf(std::span<const int64_t> counts) {
  std::vector<Chunk> chunks;
  size_t first = 0;
  int64_t first_row = 0;
  int64_t rows = 0;
  for (size_t g = 0; g < counts.size(); ++g) {
    rows += counts[g];
    if (rows < kChunkRows && g + 1 < counts.size()) continue;
    chunks.push_back({counts.subspan(first, g + 1 - first), static_cast<size_t>(first_row)});
    first = g + 1;
    first_row += rows;
    rows = 0;
  }
  return chunks;
}

RowVector<RowRef> RefsOf(std::span<const RowRun> runs) {
  RowVector<RowRef> refs;
  refs.reserve(static_cast<size_t>(NumRows(runs)));
  for (const RowRun& run : runs) {
    for (int64_t row = run.begin; row < run.end; ++row) {
      refs.push_back({run.piece, static_cast<uint32_t>(row)});
    }
  }
  return refs;
}

// The columns of order_by are brought together first: just they are looked at many times. `refs` begins with the
// rows of the chunk. True if any moved.
arrow::Result<bool> OrderChunk(const TableInput& input, const Pieces& pieces,
                               std::span<const int64_t> counts, std::span<RowRef> refs) {
  ARROW_ASSIGN_OR_RAISE(const auto starts, GroupOffsets(counts));
  refs = refs.first(static_cast<size_t>(starts.back()));
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

}  // namespace

arrow::Status OrderRows(const TableInput& input, const Pieces& pieces, std::span<const RowRun> runs,
                        std::span<const int64_t> counts, RowVector<RowRef>* refs) {
  if (input.group_order->OrderColumns().empty()) return arrow::Status::OK();
  const bool stand = refs->empty();
  if (stand) *refs = RefsOf(runs);
  const std::vector<Chunk> chunks = ChunksOf(counts);
  std::atomic<bool> any_moved = false;
  const auto status = RunInParallel(chunks.size(), [&](size_t c) -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(
        const bool moved,
        OrderChunk(input, pieces, chunks[c].counts, std::span(*refs).subspan(chunks[c].first_row)));
    if (moved) any_moved = true;
    return arrow::Status::OK();
  });
  if (!status.ok()) return status.IsCapacityError() ? TooLarge(input.table.name, status) : status;
  if (stand && !any_moved) refs->clear();
  return arrow::Status::OK();
}

}  // namespace sheaf
