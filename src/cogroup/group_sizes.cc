#include "cogroup/group_sizes.h"

#include <arrow/array/builder_primitive.h>

#include <algorithm>
#include <bit>

#include "cogroup/take_rows.h"

namespace sheaf {
namespace {

constexpr size_t kLargest = 10;
constexpr int64_t kExact = int64_t{1} << 16;  // groups of fewer rows have a bucket a size
constexpr int kExactBits = 16;
constexpr int kStepBits = 6;  // a power of two above has 2^6 buckets
constexpr int64_t kSteps = int64_t{1} << kStepBits;

size_t BucketOf(int64_t rows) {
  if (rows < kExact) return static_cast<size_t>(rows);
  const int power = 63 - std::countl_zero(static_cast<uint64_t>(rows));  // 2^power <= rows
  const int64_t step = (rows >> (power - kStepBits)) - kSteps;
  return static_cast<size_t>(kExact + (power - kExactBits) * kSteps + step);
}

/// The least number of rows in a bucket.
int64_t RowsOf(size_t bucket) {
  const auto number = static_cast<int64_t>(bucket);
  if (number < kExact) return number;
  const int64_t power = kExactBits + (number - kExact) / kSteps;
  return (kSteps + (number - kExact) % kSteps) << (power - kStepBits);
}

/// One row of the keys, in buffers of its own: a slice would keep all of them in memory.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> CopyOfRow(const arrow::RecordBatch& keys,
                                                             int64_t row) {
  const auto batch = arrow::RecordBatch::Make(keys.schema(), keys.num_rows(), keys.columns());
  return TakeRows(batch, std::vector<int64_t>{row});
}

}  // namespace

arrow::Status GroupSizes::Add(const arrow::Int32Array& offsets, const arrow::RecordBatch& keys) {
  std::vector<int64_t> rows(static_cast<size_t>(offsets.length() - 1));
  for (size_t k = 0; k < rows.size(); ++k) {
    const auto group = static_cast<int64_t>(k);
    rows[k] = offsets.Value(group + 1) - offsets.Value(group);
  }
  return Add(rows, keys);
}

arrow::Status GroupSizes::Add(std::span<const int64_t> rows, const arrow::RecordBatch& keys) {
  const std::lock_guard lock(mutex_);
  for (size_t k = 0; k < rows.size(); ++k) {
    Count(rows[k]);
    Consider(rows[k], static_cast<int64_t>(k));
  }
  for (LargeGroup& group : largest_) {
    if (group.key != nullptr) continue;
    ARROW_ASSIGN_OR_RAISE(group.key, CopyOfRow(keys, group.index));
  }
  return arrow::Status::OK();
}

void GroupSizes::AddEmpty(int64_t groups) {
  const std::lock_guard lock(mutex_);
  for (int64_t g = 0; g < groups; ++g) Count(0);
}

void GroupSizes::Count(int64_t rows) {
  const size_t bucket = BucketOf(rows);
  if (bucket >= counts_.size()) counts_.resize(bucket + 1);
  ++counts_[bucket];
  min_ = groups_ == 0 ? rows : std::min(min_, rows);
  ++groups_;
  rows_ += rows;
}

void GroupSizes::Consider(int64_t rows, int64_t index) {
  if (rows == 0) return;
  if (largest_.size() == kLargest) {
    if (rows <= largest_.back().rows) return;
    largest_.pop_back();
  }
  // Of groups of one size the first seen comes first.
  const auto place =
      std::ranges::find_if(largest_, [rows](const LargeGroup& group) { return group.rows < rows; });
  largest_.insert(place, LargeGroup{.rows = rows, .index = index, .key = nullptr});
}

/// The fewest rows that at least `percent` percent of the groups do not exceed.
int64_t GroupSizes::Percentile(int64_t percent) const {
  const int64_t wanted = (groups_ * percent + 99) / 100;
  int64_t seen = 0;
  for (size_t bucket = 0; bucket < counts_.size(); ++bucket) {
    seen += counts_[bucket];
    if (seen >= wanted) return RowsOf(bucket);
  }
  return 0;
}

int64_t GroupSizes::empty() const {
  const std::lock_guard lock(mutex_);
  return counts_.empty() ? 0 : counts_[0];
}

RowsPerKey GroupSizes::Summary() const {
  const std::lock_guard lock(mutex_);
  RowsPerKey summary;
  if (groups_ == 0) return summary;
  summary.min = min_;
  summary.mean = static_cast<double>(rows_) / static_cast<double>(groups_);
  summary.p50 = Percentile(50);
  summary.p99 = Percentile(99);
  summary.max = largest_.empty() ? 0 : largest_.front().rows;
  for (const LargeGroup& group : largest_) summary.largest.push_back({group.key, group.rows});
  return summary;
}

}  // namespace sheaf
