#include "cogroup/partition_store.h"

#include <arrow/array.h>
#include <arrow/type.h>

#include <algorithm>
#include <bit>
#include <optional>
#include <utility>

#include "cogroup/group_rows.h"

namespace sheaf {
namespace {

constexpr const char* kPlace = "";  // the name of the column of places; tables may have it too
constexpr int64_t kOrphan = -1;

// Where windows are smaller, several share a partition: each partition costs memory.
constexpr int64_t kMinPartitionKeys = 65536;

// Each table has a segment open for each partition; together they take about this part of the budget.
constexpr int64_t kOpenPart = 8;
constexpr int64_t kMinSegmentBytes = int64_t{16} << 10;
constexpr int64_t kMaxSegmentBytes = int64_t{256} << 10;

int64_t PartitionsOf(const KeySet& keys, int64_t partition_keys) {
  return (keys.size() + partition_keys - 1) / partition_keys;
}

int64_t SegmentBytes(int64_t partitions, size_t tables, const MemoryBudget& budget) {
  const int64_t segments = std::max<int64_t>(1, partitions) * static_cast<int64_t>(tables);
  const int64_t bytes = std::max<int64_t>(budget.limit() / kOpenPart / segments, 1);
  return std::clamp(static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(bytes))),
                    kMinSegmentBytes, kMaxSegmentBytes);
}

}  // namespace

int64_t PartitionStore::PartitionKeys(int64_t window_keys) {
  return window_keys * std::max<int64_t>(1, kMinPartitionKeys / window_keys);
}

PartitionStore::PartitionStore(const TableInput& input, const KeySet& keys, int64_t partition_keys,
                               size_t tables, MemoryBudget* budget, TableCounters* counters)
    : input_(input),
      keys_(keys),
      partition_keys_(partition_keys),
      segment_bytes_(SegmentBytes(PartitionsOf(keys, partition_keys), tables, *budget)),
      budget_(budget),
      schema_(
          input.schema
              ->AddField(input.schema->num_fields(), arrow::field(kPlace, arrow::uint32(), false))
              .ValueOrDie()),  // appending a field can't fail
      rows_(schema_, static_cast<size_t>(PartitionsOf(keys, partition_keys_)), segment_bytes_,
            budget),
      counters_(counters),
      bytes_(static_cast<size_t>(PartitionsOf(keys, partition_keys_))) {}

arrow::Status PartitionStore::Add(const Chunk& chunk) {
  keys_.Ranks(chunk.keys, &ranks_);
  Divide();
  const size_t kept = starts_[starts_.size() - 2];
  counters_->orphans += static_cast<int64_t>(ranks_.size() - kept);
  if (kept == 0) return arrow::Status::OK();
  arrow::ArrayVector columns = chunk.rows->columns();
  columns.push_back(
      std::make_shared<arrow::UInt32Array>(std::ssize(places_), arrow::Buffer::Wrap(places_)));
  const SegmentSource source(
      arrow::RecordBatch::Make(schema_, chunk.rows->num_rows(), std::move(columns)));
  for (size_t p = 0; p + 2 < starts_.size(); ++p) {
    const auto rows = std::span(order_).subspan(starts_[p], starts_[p + 1] - starts_[p]);
    if (rows.empty()) continue;
    ARROW_RETURN_NOT_OK(rows_.Append(p, source, rows));
    bytes_[p] += rows_.row_bytes() * std::ssize(rows);
  }
  return arrow::Status::OK();
}

arrow::Status PartitionStore::AddAll(ChunkStore* chunks) {
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const std::optional<Chunk> chunk, chunks->Pop());
    if (!chunk) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(Add(*chunk));
  }
}

// The partition and place of each row, and a counting sort of the rows by partition.
void PartitionStore::Divide() {
  const auto orphans = static_cast<uint32_t>(bytes_.size());
  partitions_.resize(ranks_.size());
  places_.resize(ranks_.size());
  order_.resize(ranks_.size());
  starts_.assign(orphans + 2, 0);
  const auto keys = static_cast<uint64_t>(partition_keys_);
  const int shift = std::has_single_bit(keys) ? std::countr_zero(keys) : 0;  // a division is slow
  for (size_t i = 0; i < ranks_.size(); ++i) {
    const auto rank = static_cast<uint64_t>(ranks_[i]);
    const uint64_t partition = shift > 0 ? rank >> shift : rank / keys;
    partitions_[i] = ranks_[i] == kOrphan ? orphans : static_cast<uint32_t>(partition);
    places_[i] = static_cast<uint32_t>(rank - partition * keys);
    ++starts_[partitions_[i] + 1];
  }
  for (size_t p = 0; p + 1 < starts_.size(); ++p) starts_[p + 1] += starts_[p];
  for (size_t i = 0; i < ranks_.size(); ++i) {
    order_[starts_[partitions_[i]]++] = static_cast<uint32_t>(i);
  }
  // Each start has moved to its end.
  starts_.insert(starts_.begin(), 0);
  starts_.pop_back();
}

arrow::Result<BatchTable> PartitionStore::Take(const Window& window, int64_t part_keys) {
  const int64_t first_rank = window.first_rank - window.first_rank % partition_keys_ % part_keys;
  if (first_rank != loaded_.first_rank) ARROW_RETURN_NOT_OK(Load(first_rank, part_keys));
  const auto keys = static_cast<size_t>(window.keys);
  const auto starts = std::span(loaded_.starts)
                          .subspan(static_cast<size_t>(window.first_rank - first_rank), keys + 1);
  std::vector<int64_t> counts(keys);
  for (size_t k = 0; k < keys; ++k) counts[k] = starts[k + 1] - starts[k];
  const auto begin = static_cast<size_t>(starts.front());
  const auto end = static_cast<size_t>(starts.back());
  ARROW_ASSIGN_OR_RAISE(BatchTable table,
                        loaded_.order.empty()
                            ? GroupRows(input_, Standing(starts.front(), starts.back()), counts)
                            : GroupRows(input_, loaded_.pieces, counts,
                                        std::span(loaded_.order).subspan(begin, end - begin)));
  const int64_t end_rank = window.first_rank + window.keys;
  const bool done = end_rank % partition_keys_ % part_keys == 0 || end_rank == keys_.size();
  if (done) loaded_ = {};
  return table;
}

arrow::Status PartitionStore::Load(int64_t first_rank, int64_t part_keys) {
  loaded_ = {};
  loaded_.first_rank = first_rank;
  const auto partition = static_cast<size_t>(first_rank / partition_keys_);
  const int64_t first_place = first_rank % partition_keys_;
  std::vector<std::shared_ptr<arrow::RecordBatch>> taken;
  if (part_keys == partition_keys_) {
    ARROW_ASSIGN_OR_RAISE(taken, rows_.Take(partition));
  } else {
    ARROW_RETURN_NOT_OK(ScatterParts(partition, part_keys));
    ARROW_ASSIGN_OR_RAISE(taken, parts_->Take(static_cast<size_t>(first_place / part_keys)));
  }
  std::vector<std::span<const uint32_t>> places;
  for (const auto& piece : taken) {
    const int last = piece->num_columns() - 1;
    places.emplace_back(piece->column_data(last)->GetValues<uint32_t>(1),
                        static_cast<size_t>(piece->num_rows()));
    arrow::ArrayVector columns = piece->columns();
    columns.pop_back();
    loaded_.pieces.push_back(
        arrow::RecordBatch::Make(input_.schema, piece->num_rows(), std::move(columns)));
  }
  CountingSort(places, static_cast<uint32_t>(first_place), part_keys);
  return arrow::Status::OK();
}

// Scatters the rows of a partition once more, to parts of `part_keys` keys.
arrow::Status PartitionStore::ScatterParts(size_t partition, int64_t part_keys) {
  if (scattered_ == static_cast<int64_t>(partition)) return arrow::Status::OK();
  scattered_ = static_cast<int64_t>(partition);
  const auto parts = static_cast<size_t>((partition_keys_ + part_keys - 1) / part_keys);
  parts_ = std::make_unique<SegmentedRows>(schema_, parts, segment_bytes_, budget_);
  std::vector<std::vector<uint32_t>> rows_of_part(parts);
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const auto piece, rows_.TakeSome(partition));
    if (piece == nullptr) break;
    for (auto& rows : rows_of_part) rows.clear();
    const auto* places = piece->column_data(piece->num_columns() - 1)->GetValues<uint32_t>(1);
    for (int64_t i = 0; i < piece->num_rows(); ++i) {
      rows_of_part[places[i] / static_cast<size_t>(part_keys)].push_back(static_cast<uint32_t>(i));
    }
    const SegmentSource source(piece);
    for (size_t part = 0; part < parts; ++part) {
      ARROW_RETURN_NOT_OK(parts_->Append(part, source, rows_of_part[part]));
    }
  }
  return parts_->MakeRoom();
}

// `first_place`: the place of the first of the `keys` keys.
void PartitionStore::CountingSort(const std::vector<std::span<const uint32_t>>& places,
                                  uint32_t first_place, int64_t keys) {
  std::vector<int64_t>& starts = loaded_.starts;
  starts.assign(static_cast<size_t>(keys) + 1, 0);
  bool stands = true;
  uint32_t last = 0;
  for (const auto& piece : places) {
    for (const uint32_t place : piece) {
      ++starts[place - first_place + 1];
      stands = stands && place >= last;
      last = place;
    }
  }
  for (size_t k = 1; k < starts.size(); ++k) starts[k] += starts[k - 1];
  if (stands) return;
  std::vector<int64_t> next(starts.begin(), starts.end() - 1);
  loaded_.order.resize(static_cast<size_t>(starts.back()));
  for (size_t p = 0; p < places.size(); ++p) {
    for (size_t i = 0; i < places[p].size(); ++i) {
      loaded_.order[static_cast<size_t>(next[places[p][i] - first_place]++)] = {
          static_cast<uint32_t>(p), static_cast<uint32_t>(i)};
    }
  }
}

// Rows [begin, end) of what is loaded, which stand in order.
std::vector<std::shared_ptr<arrow::RecordBatch>> PartitionStore::Standing(int64_t begin,
                                                                          int64_t end) const {
  std::vector<std::shared_ptr<arrow::RecordBatch>> slices;
  int64_t start = 0;  // of the piece
  for (const auto& piece : loaded_.pieces) {
    const int64_t from = std::max(begin - start, int64_t{0});
    const int64_t to = std::min(end - start, piece->num_rows());
    if (from < to) slices.push_back(piece->Slice(from, to - from));
    start += piece->num_rows();
  }
  return slices;
}

}  // namespace sheaf
