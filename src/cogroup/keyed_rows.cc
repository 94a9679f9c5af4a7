#include "cogroup/keyed_rows.h"

#include <arrow/util/byte_size.h>

#include <algorithm>
#include <utility>

#include "cogroup/group_rows.h"
#include "key/empty_rows.h"

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

// The rows that `refs` name; a slice where they stand so.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> InOrder(
    const TableInput& input, const std::vector<std::shared_ptr<arrow::RecordBatch>>& pieces,
    const std::vector<RowRef>& refs) {
  if (refs.empty()) return EmptyRows(input.schema);
  const bool together = std::ranges::adjacent_find(refs, [](const RowRef& a, const RowRef& b) {
                          return a.piece != b.piece || a.row + 1 != b.row;
                        }) == refs.end();
  if (together) return pieces[refs[0].piece]->Slice(refs[0].row, std::ssize(refs));
  const auto rows = Gather(input.schema, pieces, refs);
  return rows.ok() ? rows : TooLarge(input.table.name, rows.status());
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
  return spill_->Write(partition.rows).Value(&added.block);
}

const KeyedRows::Partition& KeyedRows::PartitionOf(int64_t rank) const {
  return partitions_[static_cast<size_t>(rank / keys_per_partition_)];
}

int32_t KeyedRows::FirstRow(int64_t rank) const {
  return PartitionOf(rank).offsets->Value(rank % keys_per_partition_);
}

int64_t KeyedRows::num_rows(int64_t rank) const {
  return PartitionOf(rank).offsets->Value(rank % keys_per_partition_ + 1) - FirstRow(rank);
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> KeyedRows::ReadBack(size_t partition) {
  for (const Recent& recent : recent_) {
    if (recent.partition == partition) return recent.rows;
  }
  ARROW_ASSIGN_OR_RAISE(auto rows, spill_->Read(partitions_[partition].block));
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

// Partitions in memory are pieces as they stand. Of one on disk only the rows that are needed become a
// piece: keys in no order can need some of every partition, and all of them at once may be too large.
arrow::Result<KeyedRows::Pieces> KeyedRows::Collect(const std::vector<int64_t>& ranks) {
  Pieces pieces;
  pieces.groups.resize(ranks.size());
  const std::vector<size_t> places = ByPartition(ranks, keys_per_partition_);
  for (size_t begin = 0; begin < places.size();) {
    const auto partition = static_cast<size_t>(ranks[places[begin]] / keys_per_partition_);
    const bool in_memory = partitions_[partition].rows != nullptr;
    std::vector<RowRef> needed;
    for (; begin < places.size(); ++begin) {
      const size_t group = places[begin];
      const int64_t rank = ranks[group];
      if (static_cast<size_t>(rank / keys_per_partition_) != partition) break;
      const auto first = static_cast<uint32_t>(FirstRow(rank));
      const auto piece = static_cast<uint32_t>(pieces.batches.size());
      pieces.groups[group] = {piece, in_memory ? first : static_cast<uint32_t>(needed.size())};
      if (in_memory) continue;
      for (uint32_t row = 0; row < num_rows(rank); ++row) needed.push_back({0, first + row});
    }
    std::shared_ptr<arrow::RecordBatch> rows = partitions_[partition].rows;
    if (!in_memory) {
      ARROW_ASSIGN_OR_RAISE(const auto all, ReadBack(partition));
      ARROW_ASSIGN_OR_RAISE(rows, Gather(input_.schema, {all}, needed));
    }
    pieces.batches.push_back(std::move(rows));
  }
  return pieces;
}

arrow::Result<BatchTable> KeyedRows::Take(const std::vector<int64_t>& ranks) {
  std::vector<int64_t> counts(ranks.size());
  for (size_t g = 0; g < ranks.size(); ++g) counts[g] = ranks[g] < 0 ? 0 : num_rows(ranks[g]);
  auto found = GroupOffsets(counts);
  if (!found.ok()) return TooLarge(input_.table.name, found.status());
  std::vector<int32_t> offsets = *std::move(found);
  ARROW_ASSIGN_OR_RAISE(const Pieces pieces, Collect(ranks));
  std::vector<RowRef> refs;
  refs.reserve(static_cast<size_t>(offsets.back()));
  for (size_t g = 0; g < ranks.size(); ++g) {
    const auto [piece, first] = pieces.groups[g];
    for (uint32_t row = 0; row < counts[g]; ++row) refs.push_back({piece, first + row});
  }
  ARROW_ASSIGN_OR_RAISE(auto rows, InOrder(input_, pieces.batches, refs));
  return BatchTable{input_.table.name, input_.table.rows_per_key, std::move(rows),
                    OffsetsArray(std::move(offsets))};
}

}  // namespace sheaf
