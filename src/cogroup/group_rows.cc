#include "cogroup/group_rows.h"

#include <arrow/array.h>

#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include "cogroup/row_text.h"
#include "cogroup/take_rows.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

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
  return MakeError(ErrorKind::kPolicy, TableContext(input.table) + " has " + what + " for key " +
                                           RowText(keys, key) + ", against rows_per_key = \"" +
                                           promise + "\"; set " + remedy + " to go on");
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

arrow::Status TooLarge(const std::string& table, const arrow::Status& cause) {
  return MakeError(ErrorKind::kEngine,
                   "table \"" + table +
                       "\": the rows of one batch do not fit in one Arrow array (" +
                       cause.message() + "); lower batch.max_keys");
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
