#include "cogroup/chunk_store.h"

#include <numeric>
#include <utility>

namespace sheaf {
namespace {

constexpr int64_t kSegmentBytes = int64_t{256} << 10;

}  // namespace

ChunkStore::ChunkStore(const TableInput& input, MemoryBudget* budget)
    : input_(input), rows_(input.schema, /*places=*/1, kSegmentBytes, budget) {}

arrow::Status ChunkStore::Add(const Chunk& chunk) {
  const auto rows = static_cast<size_t>(chunk.rows->num_rows());
  if (numbers_.size() < rows) {
    numbers_.resize(rows);
    std::iota(numbers_.begin(), numbers_.end(), 0U);
  }
  return rows_.Append(0, SegmentSource(chunk.rows), std::span(numbers_).first(rows));
}

arrow::Result<std::optional<Chunk>> ChunkStore::Pop() {
  Chunk chunk;
  ARROW_ASSIGN_OR_RAISE(chunk.rows, rows_.TakeSome(0));
  if (chunk.rows == nullptr) return std::nullopt;
  ARROW_ASSIGN_OR_RAISE(const auto keys, ColumnsAt(input_.key_columns, *chunk.rows));
  ARROW_ASSIGN_OR_RAISE(chunk.keys, input_.key_encoder->Encode(keys));
  return chunk;
}

}  // namespace sheaf
