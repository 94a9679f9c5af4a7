#include "cogroup/keyed_rows.h"

#include <arrow/compute/api.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "cogroup/group_rows.h"

namespace sheaf {
namespace {

// What was read back from disk may hold this part of the budget: the next batch often needs it again.
constexpr int64_t kRecentShare = 8;

// The places of `ranks` that have rows, partition after partition; within one in their order.
std::vector<size_t> ByPartition(const std::vector<int64_t>& ranks, int64_t keys_per_partition) {
  std::vector<size_t> places;
  places.reserve(ranks.size());
  for (size_t i = 0; i < ranks.size(); ++i) {
    if (ranks[i] >= 0) places.push_back(i);
  }
  std::ranges::stable_sort(places, {}, [&](size_t i) { return ranks[i] / keys_per_partition; });
  return places;
}

}  // namespace

KeyedRows::KeyedRows(const TableInput& input, int64_t keys_per_partition, MemoryBudget* budget)
    : input_(input), keys_per_partition_(keys_per_partition), budget_(budget) {}

KeyedRows::~KeyedRows() { budget_->Release(bytes_ + recent_bytes_); }

arrow::Status KeyedRows::Add(BatchTable partition) {
  Partition& added = partitions_.emplace_back();
  added.offsets = std::move(partition.offsets);
  if (!budget_->Exceeded()) {
    ARROW_ASSIGN_OR_RAISE(const int64_t bytes, arrow::util::ReferencedBufferSize(*partition.rows));
    bytes_ += bytes;
    budget_->Add(bytes);
    added.rows = std::move(partition.rows);
    return arrow::Status::OK();
  }
  if (spill_ == nullptr) {
    ARROW_ASSIGN_OR_RAISE(spill_, SpillFile::Create(SpillDirectory(), input_.schema));
  }
  return spill_->Write(*partition.rows).Value(&added.block);
}

const KeyedRows::Partition& KeyedRows::PartitionOf(int64_t rank) const {
  return partitions_[static_cast<size_t>(rank / keys_per_partition_)];
}

int64_t KeyedRows::num_rows(int64_t rank) const {
  const arrow::Int32Array& offsets = *PartitionOf(rank).offsets;
  return offsets.Value(PlaceOf(rank) + 1) - offsets.Value(PlaceOf(rank));
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> KeyedRows::RowsOf(size_t partition) {
  const Partition& wanted = partitions_[partition];
  if (wanted.rows != nullptr) return wanted.rows;
  for (const Recent& recent : recent_) {
    if (recent.partition == partition) return recent.rows;
  }
  ARROW_ASSIGN_OR_RAISE(auto rows, spill_->Read(wanted.block));
  const int64_t bytes = arrow::util::TotalBufferSize(*rows);
  recent_.push_back({partition, rows, bytes});
  recent_bytes_ += bytes;
  budget_->Add(bytes);
  while (recent_bytes_ > budget_->limit() / kRecentShare) {
    recent_bytes_ -= recent_.front().bytes;
    budget_->Release(recent_.front().bytes);
    recent_.pop_front();
  }
  return rows;
}

// The rows of keys of one partition, in their order; a slice where they stand together.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> KeyedRows::TakeFrom(
    size_t partition, const std::vector<int64_t>& ranks) {
  ARROW_ASSIGN_OR_RAISE(const auto rows, RowsOf(partition));
  const arrow::Int32Array& offsets = *partitions_[partition].offsets;
  std::vector<int32_t> indices;
  bool together = true;
  for (const int64_t rank : ranks) {
    const int32_t begin = offsets.Value(PlaceOf(rank));
    const int32_t end = offsets.Value(PlaceOf(rank) + 1);
    together = together && (indices.empty() || indices.back() + 1 == begin);
    for (int32_t i = begin; i < end; ++i) indices.push_back(i);
  }
  if (together) return rows->Slice(indices.front(), static_cast<int64_t>(indices.size()));
  ARROW_ASSIGN_OR_RAISE(const arrow::Datum taken,
                        arrow::compute::Take(rows, OffsetsArray(std::move(indices)),
                                             arrow::compute::TakeOptions::NoBoundsCheck()));
  return taken.record_batch();
}

arrow::Result<BatchTable> KeyedRows::Take(const std::vector<int64_t>& ranks) {
  const std::vector<size_t> places = ByPartition(ranks, keys_per_partition_);
  std::vector<std::shared_ptr<arrow::RecordBatch>> slices;
  for (size_t begin = 0; begin < places.size();) {
    const int64_t partition = ranks[places[begin]] / keys_per_partition_;
    std::vector<int64_t> taken;
    size_t end = begin;
    for (; end < places.size() && ranks[places[end]] / keys_per_partition_ == partition; ++end) {
      taken.push_back(ranks[places[end]]);
    }
    ARROW_ASSIGN_OR_RAISE(auto rows, TakeFrom(static_cast<size_t>(partition), taken));
    slices.push_back(std::move(rows));
    begin = end;
  }

  std::vector<int64_t> counts(ranks.size());
  for (const size_t i : places) counts[i] = num_rows(ranks[i]);
  std::vector<int32_t> order;
  if (!std::ranges::is_sorted(places)) {
    // Where each group starts in the slices, and from there its rows, group after group.
    std::vector<int64_t> starts(ranks.size());
    int64_t start = 0;
    for (const size_t i : places) {
      starts[i] = start;
      start += counts[i];
    }
    order.reserve(static_cast<size_t>(start));
    for (size_t i = 0; i < ranks.size(); ++i) {
      for (int64_t row = 0; row < counts[i]; ++row) {
        order.push_back(static_cast<int32_t>(starts[i] + row));
      }
    }
  }
  return GroupRows(input_, std::move(slices), counts, std::move(order));
}

}  // namespace sheaf
