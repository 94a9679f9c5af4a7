#include "cogroup/group_rows.h"

#include <arrow/array.h>
#include <arrow/compute/api.h>
#include <arrow/table.h>

#include <limits>
#include <string>
#include <utility>

#include "cogroup/row_text.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

arrow::Result<std::shared_ptr<arrow::RecordBatch>> Concatenate(
    const TableInput& input, const std::vector<std::shared_ptr<arrow::RecordBatch>>& slices) {
  if (slices.empty()) return arrow::RecordBatch::MakeEmpty(input.schema);
  if (slices.size() == 1) return slices[0];
  auto rows = arrow::ConcatenateRecordBatches(slices);
  if (rows.ok()) return rows;
  return TooLarge(input, rows.status());
}

// The rows [offsets[k], offsets[k] + length(k)) of each group.
template <typename Length>
arrow::Result<BatchTable> TakeGroups(const BatchTable& table, const std::vector<int64_t>& groups,
                                     Length length) {
  std::vector<int32_t> rows;
  std::vector<int32_t> offsets = {0};
  for (const int64_t g : groups) {
    const int32_t begin = table.offsets->Value(g);
    const int32_t end = begin + length(table.offsets->Value(g + 1) - begin);
    for (int32_t i = begin; i < end; ++i) rows.push_back(i);
    offsets.push_back(static_cast<int32_t>(rows.size()));
  }
  ARROW_ASSIGN_OR_RAISE(const arrow::Datum taken,
                        arrow::compute::Take(table.rows, OffsetsArray(std::move(rows))));
  return BatchTable{table.name, table.rows_per_key, taken.record_batch(),
                    OffsetsArray(std::move(offsets))};
}

arrow::Status Broken(const TableInput& input, const arrow::RecordBatch& keys, int64_t key,
                     int32_t rows) {
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

arrow::Status TooLarge(const TableInput& input, const arrow::Status& cause) {
  return MakeError(ErrorKind::kEngine,
                   "table \"" + input.table.name +
                       "\": the rows of one batch do not fit in one Arrow array (" +
                       cause.message() + "); lower batch.max_keys");
}

arrow::Result<std::vector<int32_t>> GroupOffsets(const TableInput& input,
                                                 std::span<const int64_t> counts) {
  std::vector<int32_t> offsets(counts.size() + 1);
  int64_t total = 0;
  for (size_t k = 0; k < counts.size(); ++k) {
    total += counts[k];
    if (total > std::numeric_limits<int32_t>::max()) {
      return TooLarge(input, arrow::Status::CapacityError("more than 2^31-1 rows"));
    }
    offsets[k + 1] = static_cast<int32_t>(total);
  }
  return offsets;
}

arrow::Result<BatchTable> GroupRows(const TableInput& input,
                                    std::vector<std::shared_ptr<arrow::RecordBatch>> slices,
                                    const std::vector<int64_t>& counts) {
  ARROW_ASSIGN_OR_RAISE(std::vector<int32_t> offsets, GroupOffsets(input, counts));
  ARROW_ASSIGN_OR_RAISE(auto rows, Concatenate(input, slices));
  slices.clear();  // two copies of a batch are enough
  ARROW_ASSIGN_OR_RAISE(rows, input.group_order->Apply(rows, offsets));
  return BatchTable{input.table.name, input.table.rows_per_key, std::move(rows),
                    OffsetsArray(std::move(offsets))};
}

arrow::Status ApplyCardinality(const TableInput& input, const Policy& policy,
                               const arrow::RecordBatch& keys, TableCounters* counters,
                               BatchTable* table) {
  const Cardinality promised = input.table.rows_per_key;
  if (promised == Cardinality::kAny) return arrow::Status::OK();
  int64_t duplicates = 0;
  std::vector<int64_t> groups;
  for (int64_t k = 0; k < keys.num_rows(); ++k) {
    const int32_t rows = table->offsets->Value(k + 1) - table->offsets->Value(k);
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
  ARROW_ASSIGN_OR_RAISE(*table,
                        TakeGroups(*table, groups, [](int32_t n) { return n > 0 ? 1 : 0; }));
  return arrow::Status::OK();
}

arrow::Result<BatchTable> KeepGroups(const BatchTable& table, const std::vector<int64_t>& keep) {
  return TakeGroups(table, keep, [](int32_t n) { return n; });
}

}  // namespace sheaf
