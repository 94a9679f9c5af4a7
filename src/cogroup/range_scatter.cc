#include "cogroup/range_scatter.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "cogroup/disk_key_set.h"
#include "parallel/parallel.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

// Enough rows to tell how keys are spread, and few enough that it costs nothing to copy them twice.
constexpr int64_t kFirstCutBytes = int64_t{4} << 20;
constexpr int64_t kFirstCuts = 256;
// Where tables are scattered one after another there is little memory: smaller partitions can be loaded ahead.
constexpr int64_t kFirstCutsAlone = 384;
// Later a partition is cut once it has so many times its share.
constexpr int64_t kFarBeyond = 4;
constexpr size_t kLaterCuts = 4;

// `count` times `value` in the place of one.
void Replace(std::vector<int64_t>* values, size_t at, size_t count, int64_t value) {
  (*values)[at] = value;
  values->insert(values->begin() + static_cast<int64_t>(at), count - 1, value);
}

RowsByPlace ByPartition(const KeyBounds& ranges, const KeyVector& keys) {
  std::vector<uint32_t> partitions;
  ranges.Find(keys, &partitions);
  RowsByPlace rows;
  rows.Sort(partitions, ranges.ranges());
  return rows;
}

}  // namespace

RangeScatter::RangeScatter(const TableInput& input, size_t at_once, int64_t max_loaded,
                           MemoryBudget* budget)
    : input_(input),
      packing_(input.schema),
      cuts_(static_cast<size_t>(
          std::min(at_once == 1 ? kFirstCutsAlone : kFirstCuts,
                   MaxPartitions(at_once, input.schema->num_fields(), *budget)))),
      max_bytes_(max_loaded * 3 / 4),
      max_partitions_(
          static_cast<size_t>(MaxPartitions(at_once, input.schema->num_fields(), *budget))),
      ranges_(std::make_shared<const KeyBounds>()),
      limits_{kFirstCutBytes} {
  scattered_.bytes = {0};
  scattered_.rows = MakeRows(packing_.schema(), /*places=*/1,
                             {.partitions = cuts_, .tables = at_once, .threads = Cores()}, budget);
}

RangeScatter::RangeScatter(const TableInput& input, KeyBounds ranges, size_t at_once,
                           MemoryBudget* budget)
    : input_(input),
      packing_(input.schema),
      cuts_(0),
      max_bytes_(0),
      max_partitions_(0),
      ranges_(std::make_shared<const KeyBounds>(std::move(ranges))) {
  const size_t partitions = ranges_->ranges();
  scattered_.bytes.resize(partitions);
  scattered_.rows =
      MakeRows(packing_.schema(), partitions,
               {.partitions = partitions, .tables = at_once, .threads = Cores()}, budget);
}

arrow::Status RangeScatter::Add(const Chunk& chunk) {
  ARROW_ASSIGN_OR_RAISE(auto rows, packing_.Pack(chunk.rows));
  const SegmentSource source(std::move(rows));
  bool due = false;
  {
    const std::shared_lock places(places_mutex_);
    ARROW_RETURN_NOT_OK(Append(source, ByPartition(*ranges_, chunk.keys)));
    if (cuts_ == 0) return arrow::Status::OK();
    const std::lock_guard lock(mutex_);
    due = LastDue(scattered_.bytes.size()).has_value();
  }
  return due ? CutDue() : arrow::Status::OK();
}

arrow::Status RangeScatter::Append(const SegmentSource& rows, const RowsByPlace& by_partition) {
  ARROW_ASSIGN_OR_RAISE(const int64_t bytes, scattered_.Append(rows, by_partition, &mutex_));
  bytes_ += bytes;
  return arrow::Status::OK();
}

// The last partition in front of `end` that has more than its share.
std::optional<size_t> RangeScatter::LastDue(size_t end) const {
  int64_t most = kFarBeyond * bytes_ / static_cast<int64_t>(cuts_);
  if (ranges_->ranges() < max_partitions_) most = std::min(most, max_bytes_);
  while (end-- > 0) {
    if (scattered_.bytes[end] > std::max(limits_[end], most)) return end;
  }
  return std::nullopt;
}

// Another thread may have cut meanwhile.
arrow::Status RangeScatter::CutDue() {
  const std::unique_lock places(places_mutex_);
  for (auto due = LastDue(scattered_.bytes.size()); due; due = LastDue(*due)) {
    ARROW_RETURN_NOT_OK(Cut(*due));
  }
  return arrow::Status::OK();
}

// Cuts a partition by the keys of its first rows, and scatters its rows to the parts.
arrow::Status RangeScatter::Cut(size_t partition) {
  SharedRows& rows = *scattered_.rows;
  std::vector<std::pair<std::shared_ptr<arrow::RecordBatch>, KeyVector>> first;
  KeyVectorBuilder sample;
  for (int64_t bytes = 0; bytes < kFirstCutBytes;) {
    ARROW_ASSIGN_OR_RAISE(auto pieces, rows.TakeSome(partition));
    if (pieces.empty()) break;
    for (auto& piece : pieces) {
      bytes += rows.row_bytes() * piece->num_rows();
      ARROW_ASSIGN_OR_RAISE(KeyVector keys, KeysOf(*piece));
      sample.Append(keys, 0, keys.size());
      first.emplace_back(std::move(piece), std::move(keys));
    }
  }
  const KeyVector cuts = CutsOf(sample.Finish(), ranges_->ranges() == 1 ? cuts_ : kLaterCuts);
  if (cuts.size() == 0) {  // all have one key
    limits_[partition] = 2 * scattered_.bytes[partition];
    for (auto& [some, keys] : first) ARROW_RETURN_NOT_OK(PutBack(partition, std::move(some)));
    return arrow::Status::OK();
  }
  const auto ranges = std::make_shared<KeyBounds>(*ranges_);
  ranges->Cut(partition, cuts);
  ranges_ = ranges;
  const auto parts = static_cast<size_t>(cuts.size()) + 1;
  bytes_ -= scattered_.bytes[partition];
  Replace(&scattered_.bytes, partition, parts, 0);
  Replace(&limits_, partition, parts, kFirstCutBytes);
  rows.InsertPlaces(partition, parts);
  for (auto& [some, keys] : first) {
    ARROW_RETURN_NOT_OK(
        Append(SegmentSource(std::exchange(some, nullptr)), ByPartition(*ranges, keys)));
  }
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const auto pieces, rows.TakeSome(partition + parts));
    if (pieces.empty()) break;
    for (const auto& piece : pieces) {
      ARROW_ASSIGN_OR_RAISE(const KeyVector keys, KeysOf(*piece));
      ARROW_RETURN_NOT_OK(Append(SegmentSource(piece), ByPartition(*ranges, keys)));
    }
  }
  rows.RemovePlace(partition + parts);
  // A part that keeps most of them, for one key may have them, is cut again once there are twice as many.
  for (size_t p = partition; p < partition + parts; ++p) {
    limits_[p] = std::max(kFirstCutBytes, 2 * scattered_.bytes[p]);
  }
  return arrow::Status::OK();
}

// Rows that were taken out of a partition, which has counted them.
arrow::Status RangeScatter::PutBack(size_t partition,
                                    std::shared_ptr<arrow::RecordBatch> rows) const {
  const std::vector<uint32_t> places(static_cast<size_t>(rows->num_rows()),
                                     static_cast<uint32_t>(partition));
  RowsByPlace all;
  all.Sort(places, partition + 1);
  std::vector<int64_t> counted(partition + 1);
  return scattered_.rows->AppendAll(SegmentSource(std::move(rows)), all, &counted).status();
}

arrow::Result<KeyVector> RangeScatter::KeysOf(const arrow::RecordBatch& rows) const {
  ARROW_ASSIGN_OR_RAISE(const auto columns, packing_.ColumnsAt(input_.key_columns, rows));
  return input_.key_encoder->Encode(columns);
}

arrow::Result<std::unique_ptr<KeySet>> RangeScatter::MakeKeySet(
    int64_t max_bytes, const std::function<bool()>& stopped) {
  return DiskKeySet::Make(*ranges_, max_bytes, [&](size_t range, KeySetBuilder* keys) {
    return scattered_.rows->Visit(range, [&](const arrow::RecordBatch& piece) -> arrow::Status {
      if (stopped()) return MakeError(ErrorKind::kStopped, "cancelled");
      ARROW_ASSIGN_OR_RAISE(const KeyVector own, KeysOf(piece));
      keys->Add(own);
      return arrow::Status::OK();
    });
  });
}

arrow::Result<ScatteredRows> RangeScatter::Finish(const KeySet& keys) {
  ARROW_RETURN_NOT_OK(scattered_.rows->MakeRoom());
  scattered_.CountSegments();
  ARROW_RETURN_NOT_OK(keys.FirstRanks(*ranges_, &scattered_.first_ranks));
  return std::move(scattered_);
}

}  // namespace sheaf
