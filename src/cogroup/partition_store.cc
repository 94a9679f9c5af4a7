#include "cogroup/partition_store.h"

#include <arrow/array.h>
#include <arrow/compute/api.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <utility>

#include "cogroup/group_rows.h"

namespace sheaf {
namespace {

constexpr const char* kPlace = "";  // the name of the column of places; tables may have it too
constexpr int64_t kOrphan = -1;

// A chunk is cut into slices, rather than scattered, where the runs of rows that go the same way are this
// long on average, and where slices do not hold on to a chunk for the sake of a few rows.
constexpr int64_t kMinRunRows = 512;
constexpr int64_t kMaxWaste = 2;

// A store that holds less than this part of the budget leaves it to others to move rows to disk.
constexpr int64_t kMinSpillShare = 16;

std::shared_ptr<arrow::Array> Uint32Array(std::vector<uint32_t> values) {
  const auto length = static_cast<int64_t>(values.size());
  return std::make_shared<arrow::UInt32Array>(length, arrow::Buffer::FromVector(std::move(values)));
}

// The numbers of the rows by ascending place; rows of one place keep their order.
std::vector<int32_t> CountingSort(const std::vector<uint32_t>& places,
                                  const std::vector<int64_t>& counts) {
  std::vector<size_t> next(counts.size());
  for (size_t k = 1; k < counts.size(); ++k) {
    next[k] = next[k - 1] + static_cast<size_t>(counts[k - 1]);
  }
  std::vector<int32_t> rows(places.size());
  for (size_t i = 0; i < places.size(); ++i) rows[next[places[i]]++] = static_cast<int32_t>(i);
  return rows;
}

}  // namespace

PartitionStore::PartitionStore(const TableInput& input, const KeySet& keys, int32_t max_keys,
                               MemoryBudget* budget, TableCounters* counters)
    : input_(input),
      keys_(keys),
      max_keys_(max_keys),
      budget_(budget),
      counters_(counters),
      schema_(
          input.schema
              ->AddField(input.schema->num_fields(), arrow::field(kPlace, arrow::uint32(), false))
              .ValueOrDie()),  // appending a field can't fail
      partitions_(static_cast<size_t>((keys.size() + max_keys - 1) / max_keys)) {}

PartitionStore::~PartitionStore() { budget_->Release(bytes_); }

arrow::Status PartitionStore::Add(const Chunk& chunk) {
  keys_.Ranks(chunk.keys, &ranks_);
  const std::vector<Run> runs = RunsOfPartitions();
  const auto rows = static_cast<int64_t>(ranks_.size());
  int64_t kept = 0;
  for (const Run& run : runs) kept += run.partition == kOrphan ? 0 : run.end - run.begin;
  counters_->orphans += rows - kept;
  if (kept == 0) return arrow::Status::OK();
  const bool few_runs = static_cast<int64_t>(runs.size()) * kMinRunRows <= rows || runs.size() == 1;
  if (few_runs && kept * kMaxWaste >= rows) {
    for (const Run& run : runs) {
      if (run.partition != kOrphan) KeepRun(*chunk.rows, run);
    }
    Hold(chunk.bytes + kept * static_cast<int64_t>(sizeof(uint32_t)));
  } else {
    ARROW_RETURN_NOT_OK(Scatter(chunk.rows, kept));
  }
  const bool worth = bytes_ > budget_->limit() / kMinSpillShare;
  return budget_->Exceeded() && worth ? Spill() : arrow::Status::OK();
}

std::vector<PartitionStore::Run> PartitionStore::RunsOfPartitions() const {
  std::vector<Run> runs;
  for (int64_t i = 0; i < static_cast<int64_t>(ranks_.size()); ++i) {
    const int64_t rank = ranks_[static_cast<size_t>(i)];
    const int64_t partition = rank == kOrphan ? kOrphan : rank / max_keys_;
    if (!runs.empty() && runs.back().partition == partition) {
      runs.back().end = i + 1;
    } else {
      runs.push_back({partition, i, i + 1});
    }
  }
  return runs;
}

// Keeps the rows of a run as a slice.
void PartitionStore::KeepRun(const arrow::RecordBatch& rows, const Run& run) {
  const int64_t first_rank = run.partition * max_keys_;
  std::vector<uint32_t> places;
  places.reserve(static_cast<size_t>(run.end - run.begin));
  for (int64_t i = run.begin; i < run.end; ++i) {
    places.push_back(static_cast<uint32_t>(ranks_[static_cast<size_t>(i)] - first_rank));
  }
  arrow::ArrayVector columns = rows.Slice(run.begin, run.end - run.begin)->columns();
  columns.push_back(Uint32Array(std::move(places)));
  partitions_[static_cast<size_t>(run.partition)].rows.push_back(
      arrow::RecordBatch::Make(schema_, run.end - run.begin, std::move(columns)));
}

// Gathers the rows of each partition: a counting sort of row numbers, then one take of all columns.
arrow::Status PartitionStore::Scatter(const std::shared_ptr<arrow::RecordBatch>& rows,
                                      int64_t kept) {
  std::vector<int64_t> starts(partitions_.size() + 1);
  for (const int64_t rank : ranks_) {
    if (rank != kOrphan) ++starts[static_cast<size_t>(rank / max_keys_) + 1];
  }
  for (size_t p = 0; p < partitions_.size(); ++p) starts[p + 1] += starts[p];
  std::vector<int64_t> next = starts;
  std::vector<uint32_t> indices(static_cast<size_t>(kept));
  std::vector<uint32_t> places(static_cast<size_t>(kept));
  for (size_t i = 0; i < ranks_.size(); ++i) {
    if (ranks_[i] == kOrphan) continue;
    const int64_t partition = ranks_[i] / max_keys_;
    const auto to = static_cast<size_t>(next[static_cast<size_t>(partition)]++);
    indices[to] = static_cast<uint32_t>(i);
    places[to] = static_cast<uint32_t>(ranks_[i] - partition * max_keys_);
  }
  ARROW_ASSIGN_OR_RAISE(const arrow::Datum taken,
                        arrow::compute::Take(rows, Uint32Array(std::move(indices)),
                                             arrow::compute::TakeOptions::NoBoundsCheck()));
  arrow::ArrayVector columns = taken.record_batch()->columns();
  columns.push_back(Uint32Array(std::move(places)));
  const auto scattered = arrow::RecordBatch::Make(schema_, kept, std::move(columns));
  for (size_t p = 0; p < partitions_.size(); ++p) {
    if (starts[p + 1] == starts[p]) continue;
    partitions_[p].rows.push_back(scattered->Slice(starts[p], starts[p + 1] - starts[p]));
  }
  Hold(arrow::util::TotalBufferSize(*scattered));
  return arrow::Status::OK();
}

void PartitionStore::Hold(int64_t bytes) {
  bytes_ += bytes;
  budget_->Add(bytes);
}

arrow::Status PartitionStore::Seal() {
  // What follows takes a whole partition into memory: make room where room is scarce.
  return spill_ == nullptr ? arrow::Status::OK() : Spill();
}

arrow::Status PartitionStore::Spill() {
  if (spill_ == nullptr) {
    ARROW_ASSIGN_OR_RAISE(spill_, SpillFile::Create(SpillDirectory(), schema_));
  }
  for (Partition& partition : partitions_) {
    if (partition.rows.empty()) continue;
    ARROW_ASSIGN_OR_RAISE(const auto rows, arrow::ConcatenateRecordBatches(partition.rows));
    ARROW_ASSIGN_OR_RAISE(const SpillFile::Block block, spill_->Write(*rows));
    partition.spilled.push_back(block);
    partition.rows.clear();
  }
  budget_->Release(bytes_);
  bytes_ = 0;
  return arrow::Status::OK();
}

arrow::Result<BatchTable> PartitionStore::Take(int64_t partition) {
  Partition taken = std::exchange(partitions_[static_cast<size_t>(partition)], {});
  std::vector<std::shared_ptr<arrow::RecordBatch>> pieces;
  for (const SpillFile::Block& block : taken.spilled) {
    ARROW_ASSIGN_OR_RAISE(auto rows, spill_->Read(block));
    pieces.push_back(std::move(rows));
  }
  pieces.insert(pieces.end(), taken.rows.begin(), taken.rows.end());

  const int64_t num_keys = std::min(max_keys_, keys_.size() - partition * max_keys_);
  std::vector<uint32_t> places;
  for (auto& piece : pieces) {
    const int last = piece->num_columns() - 1;
    const auto* values = piece->column_data(last)->GetValues<uint32_t>(1);
    places.insert(places.end(), values, values + piece->num_rows());
    arrow::ArrayVector columns = piece->columns();
    columns.pop_back();
    piece = arrow::RecordBatch::Make(input_.schema, piece->num_rows(), std::move(columns));
  }
  std::vector<int64_t> counts(static_cast<size_t>(num_keys));
  for (const uint32_t place : places) ++counts[place];
  std::vector<int32_t> order;
  if (!std::ranges::is_sorted(places)) order = CountingSort(places, counts);
  taken = {};
  return GroupRows(input_, std::move(pieces), counts, std::move(order));
}

}  // namespace sheaf
