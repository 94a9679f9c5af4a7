#include "cogroup/group_rows.h"

#include <arrow/array.h>
#include <arrow/table.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include "cogroup/row_text.h"
#include "cogroup/take_rows.h"
#include "parallel/parallel.h"
#include "sheaf/error.h"
#include "spill/row_memory.h"

namespace sheaf {
namespace {

using Pieces = std::vector<std::shared_ptr<arrow::RecordBatch>>;

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

// The rows as they stand. Where text is views they are gathered, which makes it plain.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> Join(const TableInput& input,
                                                        const Pieces& pieces) {
  const bool plain = std::ranges::all_of(pieces, [&](const auto& piece) {
    return piece->schema()->Equals(*input.schema, /*check_metadata=*/false);
  });
  if (!plain) return Gather(input.schema, pieces, RefsOf(pieces));
  return pieces.size() == 1 ? pieces[0] : arrow::ConcatenateRecordBatches(pieces, RowMemory());
}

// Groups in chunks of about kChunkRows rows: the first group of each chunk, and the end.
std::vector<size_t> ChunksOf(const std::vector<int32_t>& offsets) {
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
                                   const std::vector<int32_t>& offsets, std::span<RowRef> refs) {
  const std::vector<size_t> chunks = ChunksOf(offsets);
  std::atomic<bool> any_moved = false;
  ARROW_RETURN_NOT_OK(RunInParallel(chunks.size() - 1, [&](size_t c) -> arrow::Status {
    const size_t first = chunks[c];
    const size_t last = chunks[c + 1];
    const auto begin = static_cast<size_t>(offsets[first]);
    const auto end = static_cast<size_t>(offsets[last]);
    ARROW_ASSIGN_OR_RAISE(
        const bool moved,
        OrderGroups(input, pieces, std::span(offsets).subspan(first, last - first + 1),
                    refs.subspan(begin, end - begin)));
    if (moved) any_moved = true;
    return arrow::Status::OK();
  }));
  return any_moved;
}

// `refs`: empty where the rows stand in key order.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> Ordered(const TableInput& input,
                                                           const Pieces& pieces,
                                                           const std::vector<int32_t>& offsets,
                                                           RowVector<RowRef> refs) {
  if (offsets.back() == 0) return arrow::RecordBatch::MakeEmpty(input.schema);
  if (input.group_order->OrderColumns().empty()) {
    return refs.empty() ? Join(input, pieces) : Gather(input.schema, pieces, refs);
  }
  const bool stand = refs.empty();
  if (stand) refs = RefsOf(pieces);
  ARROW_ASSIGN_OR_RAISE(const bool moved, OrderAllGroups(input, pieces, offsets, refs));
  return stand && !moved ? Join(input, pieces) : Gather(input.schema, pieces, refs);
}

arrow::Result<BatchTable> TryGroupRows(const TableInput& input, const Pieces& pieces,
                                       std::span<const int64_t> counts, RowVector<RowRef> refs) {
  ARROW_ASSIGN_OR_RAISE(std::vector<int32_t> offsets, GroupOffsets(counts));
  ARROW_ASSIGN_OR_RAISE(auto rows, Ordered(input, pieces, offsets, std::move(refs)));
  if (input.group_order->OrderColumns().empty()) {
    ARROW_ASSIGN_OR_RAISE(rows, input.group_order->Apply(rows, offsets));
  }
  return BatchTable{input.table.name, input.table.rows_per_key, std::move(rows),
                    OffsetsArray(std::move(offsets))};
}

// The first length(rows) rows of each group; -1 is a group without rows.
template <typename Length>
arrow::Result<BatchTable> TakeFirst(const BatchTable& table, const std::vector<int64_t>& groups,
                                    Length length) {
  std::vector<int64_t> counts(groups.size());
  for (size_t i = 0; i < groups.size(); ++i) {
    const int64_t g = groups[i];
    counts[i] = g < 0 ? 0 : length(table.offsets->Value(g + 1) - table.offsets->Value(g));
  }
  ARROW_ASSIGN_OR_RAISE(std::vector<int32_t> offsets, GroupOffsets(counts));
  std::vector<int32_t> rows(static_cast<size_t>(offsets.back()));
  for (size_t i = 0; i < groups.size(); ++i) {
    if (counts[i] == 0) continue;
    std::iota(rows.begin() + offsets[i], rows.begin() + offsets[i + 1],
              table.offsets->Value(groups[i]));
  }
  ARROW_ASSIGN_OR_RAISE(auto taken, TakeRows(table.rows, std::move(rows)));
  return BatchTable{table.name, table.rows_per_key, std::move(taken),
                    OffsetsArray(std::move(offsets))};
}

arrow::Status Broken(const TableInput& input, const arrow::RecordBatch& keys, int64_t key,
                     int64_t rows) {
  const std::string what = rows == 0 ? "no row" : std::to_string(rows) + " rows";
  const std::string remedy = rows == 0 ? R"(policy.missing = "keep" or "drop")"
                                       : R"(policy.duplicate = "keep" or "first")";
  const std::string promise = input.table.rows_per_key == Cardinality::kOne ? "one" : "at_most_one";
  return MakeError(ErrorKind::kPolicy, "table \"" + input.table.name + "\" has " + what +
                                           " for key " + RowText(keys, key) +
                                           ", against rows_per_key = \"" + promise + "\"; set " +
                                           remedy + " to go on");
}

}  // namespace

std::shared_ptr<arrow::Int32Array> OffsetsArray(std::vector<int32_t> offsets) {
  const auto length = static_cast<int64_t>(offsets.size());
  return std::make_shared<arrow::Int32Array>(length, arrow::Buffer::FromVector(std::move(offsets)));
}

arrow::Result<std::vector<int32_t>> GroupOffsets(std::span<const int64_t> counts) {
  std::vector<int32_t> offsets(counts.size() + 1);
  int64_t total = 0;
  for (size_t k = 0; k < counts.size(); ++k) {
    total += counts[k];
    if (total > std::numeric_limits<int32_t>::max()) {
      return arrow::Status::CapacityError("more than 2^31-1 rows");
    }
    offsets[k + 1] = static_cast<int32_t>(total);
  }
  return offsets;
}

arrow::Status TooLarge(const TableInput& input, const arrow::Status& cause) {
  return MakeError(ErrorKind::kEngine,
                   "table \"" + input.table.name +
                       "\": the rows of one batch do not fit in one Arrow array (" +
                       cause.message() + "); lower batch.max_keys");
}

arrow::Result<BatchTable> GroupRows(const TableInput& input, const Pieces& pieces,
                                    std::span<const int64_t> counts, RowVector<RowRef> refs) {
  auto table = TryGroupRows(input, pieces, counts, std::move(refs));
  if (!table.status().IsCapacityError() && !table.status().IsInvalid()) return table;
  return TooLarge(input, table.status());
}

arrow::Status ApplyCardinality(const TableInput& input, const Policy& policy,
                               const arrow::RecordBatch& keys, TableCounters* counters,
                               TableShare* table) {
  const Cardinality promised = input.table.rows_per_key;
  if (promised == Cardinality::kAny) return arrow::Status::OK();
  int64_t duplicates = 0;
  std::vector<int64_t> groups;
  for (int64_t k = 0; k < keys.num_rows(); ++k) {
    const int64_t rows = RowsOfGroup(*table, k);
    const bool missing = rows == 0 && promised == Cardinality::kOne;
    if (missing && policy.missing == Policy::Missing::kError) return Broken(input, keys, k, rows);
    if (rows > 1 && policy.duplicate == Policy::Duplicate::kError) {
      return Broken(input, keys, k, rows);
    }
    duplicates += rows > 1 ? rows - 1 : 0;
    groups.push_back(k);
  }
  if (duplicates == 0 || policy.duplicate == Policy::Duplicate::kKeep) return arrow::Status::OK();
  counters->duplicates += duplicates;
  for (const LargeGroup& large : table->large) ARROW_RETURN_NOT_OK(large.rows->KeepFirst());
  return TakeFirst(*table, groups, [](int32_t n) { return n > 0 ? 1 : 0; })
      .Value(static_cast<BatchTable*>(table));
}

arrow::Result<BatchTable> TakeGroups(const BatchTable& table, const std::vector<int64_t>& groups) {
  return TakeFirst(table, groups, [](int32_t n) { return n; });
}

}  // namespace sheaf
