#include "cogroup/large_rows.h"

#include <arrow/table.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "cogroup/gather.h"
#include "spill/row_memory.h"

namespace sheaf {
namespace {

// Of each of so many runs a block is in memory while they are merged; of more, some are merged to one before.
constexpr size_t kMaxRuns = 128;
// Smaller blocks cost more to write and to read than the rows in them.
constexpr int64_t kMinBlockBytes = int64_t{64} << 10;
// How much of a run is copied at once.
constexpr int64_t kCopiedBytes = int64_t{1} << 20;
// How much is merged at once into a run.
constexpr int64_t kMergedBytes = int64_t{4} << 20;

}  // namespace

LargeRows::LargeRows(std::shared_ptr<arrow::Schema> schema, std::shared_ptr<const GroupOrder> order,
                     std::shared_ptr<SpillFile> file, int64_t run_bytes)
    : schema_(std::move(schema)),
      order_(std::move(order)),
      file_(std::move(file)),
      run_bytes_(run_bytes) {}

arrow::Status LargeRows::Add(const std::shared_ptr<arrow::RecordBatch>& rows) {
  const RowSizes sizes(rows);
  for (int64_t begin = 0; begin < rows->num_rows();) {
    const int64_t count =
        std::max<int64_t>(1, sizes.Fitting(begin, std::max<int64_t>(0, run_bytes_ - run_size_)));
    run_.push_back(rows->Slice(begin, count));
    run_size_ += sizes.Of(begin, begin + count);
    begin += count;
    if (begin < rows->num_rows() || run_size_ >= run_bytes_) ARROW_RETURN_NOT_OK(EndRun());
  }
  num_rows_ += rows->num_rows();
  bytes_ += sizes.OfAll();
  return arrow::Status::OK();
}

arrow::Status LargeRows::EndRun() {
  if (run_.empty()) return arrow::Status::OK();
  std::shared_ptr<arrow::RecordBatch> rows = run_[0];
  if (run_.size() > 1) {
    ARROW_ASSIGN_OR_RAISE(rows, arrow::ConcatenateRecordBatches(run_, RowMemory()));
  }
  run_.clear();
  run_size_ = 0;
  const auto count = static_cast<int32_t>(rows->num_rows());
  ARROW_ASSIGN_OR_RAISE(const std::vector<int32_t> order, order_->InOrder(rows, {0, count}));
  ARROW_ASSIGN_OR_RAISE(SortedRun run, order.empty() ? WriteRun(rows) : WriteRun(rows, order));
  runs_.push_back(std::move(run));
  return arrow::Status::OK();
}

// The rows of these numbers; no more of them than a few blocks are copied at a time.
arrow::Result<SortedRun> LargeRows::WriteRun(const std::shared_ptr<arrow::RecordBatch>& rows,
                                             std::span<const int32_t> order) {
  const int64_t row_bytes = std::max<int64_t>(1, RowSizes(rows).OfAll() / rows->num_rows());
  const auto at_once = static_cast<size_t>(std::max<int64_t>(1, kCopiedBytes / row_bytes));
  SortedRun run;
  for (size_t begin = 0; begin < order.size(); begin += at_once) {
    RowVector<RowRef> refs;
    for (const int32_t row : order.subspan(begin, std::min(at_once, order.size() - begin))) {
      refs.push_back({0, static_cast<uint32_t>(row)});
    }
    ARROW_ASSIGN_OR_RAISE(const auto some, Gather(schema_, {rows}, refs));
    ARROW_ASSIGN_OR_RAISE(const SortedRun blocks, WriteRun(some));
    run.insert(run.end(), blocks.begin(), blocks.end());
  }
  return run;
}

// In blocks so small that one of each run fits in memory.
arrow::Result<SortedRun> LargeRows::WriteRun(const std::shared_ptr<arrow::RecordBatch>& rows) {
  const int64_t block_bytes = std::max(kMinBlockBytes, run_bytes_ / static_cast<int64_t>(kMaxRuns));
  const RowSizes sizes(rows);
  SortedRun run;
  for (int64_t begin = 0; begin < rows->num_rows();) {
    const int64_t count = std::max<int64_t>(1, sizes.Fitting(begin, block_bytes));
    ARROW_ASSIGN_OR_RAISE(const SpillFile::Block block, file_->Write(rows->Slice(begin, count)));
    run.push_back(block);
    begin += count;
  }
  return run;
}

arrow::Status LargeRows::Finish() {
  ARROW_RETURN_NOT_OK(EndRun());
  while (order_->HasOrder() && runs_.size() > kMaxRuns) ARROW_RETURN_NOT_OK(MergeSomeRuns());
  return arrow::Status::OK();
}

// Merges runs that follow each other, so that what they leave equal stays in order: each row once, whatever
// the number of runs.
arrow::Status LargeRows::MergeSomeRuns() {
  std::vector<SortedRun> merged;
  for (size_t begin = 0; begin < runs_.size(); begin += kMaxRuns) {
    const auto first = runs_.begin() + static_cast<int64_t>(begin);
    const size_t count = std::min(kMaxRuns, runs_.size() - begin);
    const auto some = Runs({first, first + static_cast<int64_t>(count)});
    ARROW_RETURN_NOT_OK(some->Open());
    SortedRun& run = merged.emplace_back();
    while (true) {
      ARROW_ASSIGN_OR_RAISE(const auto rows, some->Next(kMergedBytes, /*min_rows=*/1));
      if (rows->num_rows() == 0) break;
      ARROW_ASSIGN_OR_RAISE(const SortedRun blocks, WriteRun(rows));
      run.insert(run.end(), blocks.begin(), blocks.end());
    }
  }
  runs_ = std::move(merged);
  return arrow::Status::OK();
}

std::unique_ptr<SortedRuns> LargeRows::Runs(std::vector<SortedRun> runs) const {
  return std::make_unique<SortedRuns>(schema_, order_->HasOrder() ? order_.get() : nullptr, file_,
                                      std::move(runs));
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> LargeRows::First() const {
  const auto runs = Runs(runs_);
  ARROW_RETURN_NOT_OK(runs->Open());
  return runs->Next(/*bytes=*/0, /*min_rows=*/1);
}

arrow::Status LargeRows::KeepFirst() {
  ARROW_ASSIGN_OR_RAISE(kept_, First());
  runs_.clear();
  num_rows_ = kept_->num_rows();
  bytes_ = RowSizes(kept_).OfAll();
  return arrow::Status::OK();
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> LargeRows::Next(int64_t bytes,
                                                                   int64_t min_rows) {
  if (kept_ != nullptr) {
    const bool fits = min_rows > 0 || bytes_ <= bytes;
    return fits ? std::exchange(kept_, kept_->Slice(0, 0)) : kept_->Slice(0, 0);
  }
  if (taken_ == nullptr) {
    taken_ = Runs(std::exchange(runs_, {}));
    ARROW_RETURN_NOT_OK(taken_->Open());
  }
  return taken_->Next(bytes, min_rows);
}

}  // namespace sheaf
