#include "cogroup/partition.h"

#include <arrow/array.h>
#include <arrow/table.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <numeric>
#include <utility>
#include <vector>

#include "cogroup/bytes_by_rank.h"
#include "cogroup/lane_reader.h"
#include "cogroup/memory_split.h"
#include "cogroup/memory_turns.h"
#include "cogroup/range_scatter.h"
#include "cogroup/rank_scatter.h"
#include "cogroup/take_rows.h"
#include "cogroup/window_rows.h"
#include "key/key_set.h"
#include "spill/memory_budget.h"

namespace sheaf {
namespace {

// A table with few rows may have a few more of its partitions in memory than these are of all.
constexpr int64_t kLeastShare = 4;

class PartitionReader final : public LaneReader {
 public:
  PartitionReader(std::shared_ptr<Engine> engine, ResolvedJob resolved, Plan plan)
      : LaneReader(std::move(engine), std::move(resolved), std::move(plan), KeyOrder::kAny),
        at_once_(std::min(lanes().size(), static_cast<size_t>(split().scans))),
        rows_budget_(split().rows),
        scans_(split().scans) {
    for (const auto& lane : lanes()) {
      if (lane->input->table.selects_keys) ++selecting_;
    }
    alone_ = selecting_ == 1;
    for (const auto& lane : lanes()) {
      StartThread(lane.get(), [this, &lane] { return RunLane(lane.get()); });
    }
  }

  ~PartitionReader() override { Stop(); }

 private:
  arrow::Result<std::optional<CutWindow>> NextWindow() override;
  void Wake() override;
  std::optional<int64_t> TotalKeys() const override;

  arrow::Status RunLane(Lane* lane);
  arrow::Result<ScatteredRows> Scatter(Lane* lane);
  void AddKeys(const KeyVector& keys);
  arrow::Status FinishKeys(RangeScatter* rows);
  arrow::Result<TableShare> Load(WindowRows* rows, const RankRange& window);
  void AddScattered(const ScatteredRows& rows);
  bool HasStopped() const;
  bool WaitForScattered();
  int64_t MaxKeyBytes() const { return split().rows / kMaxKeysPart; }
  int64_t MaxWindowBytes() const { return part_bytes().value_or(split().partition); }
  int64_t MaxLoaded(const ScatteredRows& rows) const;
  int64_t PlannedKeys() const { return windows_.empty() ? 0 : windows_.back().end; }
  bool PlanWindows();
  void MakeOneAtATime();
  std::optional<RankRange> WaitForWindow(size_t window);
  const KeySet* WaitForKeys();
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> KeysOf(const std::vector<TableShare>& tables);

  const size_t at_once_;  // tables that are scattered at the same time
  bool alone_ = false;    // one table selects the keys
  MemoryBudget rows_budget_;
  MemoryTurns scans_;

  mutable std::mutex keys_mutex_;
  std::condition_variable keys_changed_;
  // Guarded by keys_mutex_, as are the next seven.
  std::unique_ptr<KeySetBuilder> key_builder_ = std::make_unique<KeySetBuilder>();
  bool keys_on_disk_ = false;       // there are too many to collect them in memory
  int selecting_ = 0;               // selecting tables not yet read to the end
  BytesByRank scattered_;           // of the tables whose rows are all in their partitions
  std::vector<RankRange> windows_;  // as far as they are planned
  size_t taken_ = 0;                // windows that Next() has asked for
  bool overlaps_ = true;            // a window is made while another is consumed
  bool stopped_ = false;
  std::unique_ptr<KeySet> keys_;  // set once all are read; does not change after that

  std::atomic<int64_t> total_keys_ = -1;  // of the run; read without the lock, which is busy
};

arrow::Status PartitionReader::RunLane(Lane* lane) {
  ARROW_ASSIGN_OR_RAISE(ScatteredRows scattered, Scatter(lane));
  if (scattered.rows == nullptr) return arrow::Status::OK();  // the run failed
  AddScattered(scattered);
  if (!WaitForScattered()) return arrow::Status::OK();
  const int64_t max_loaded = MaxLoaded(scattered);
  WindowRows rows(*lane->input, *keys_, std::move(scattered), max_loaded, &rows_budget_,
                  &lane->counters, GroupMemory::Of(job().memory, lanes().size()));
  size_t next = 0;
  while (const std::optional<RankRange> window = WaitForWindow(next++)) {
    ARROW_ASSIGN_OR_RAISE(const bool put, PutShare(lane, [&] { return Load(&rows, *window); }));
    if (!put) return arrow::Status::OK();
  }
  lane->shares.End();
  return arrow::Status::OK();
}

// All rows of the table in their partitions; none at all once the run has failed.
arrow::Result<ScatteredRows> PartitionReader::Scatter(Lane* lane) {
  const auto open = [this, lane] {
    if (lane->input->connection != nullptr) {
      lane->input->connection->SetScan({.batch_rows = split().batch_rows, .views = true});
    }
    return OpenParts(*lane->input, split().query);
  };
  const TableInput& input = *lane->input;
  if (input.table.selects_keys) {
    RangeScatter rows(input, at_once_, split().table_partition, &rows_budget_);
    ARROW_RETURN_NOT_OK(ReadInParts(
        lane, &scans_, open, [&](const Chunk& chunk) { return rows.Add(chunk); },
        [this](Chunk* chunk) {
          AddKeys(chunk->keys);
          return arrow::Status::OK();
        }));
    ARROW_RETURN_NOT_OK(FinishKeys(&rows));
    if (!alone_) ARROW_RETURN_NOT_OK(rows.MakeRoom());
    const KeySet* keys = WaitForKeys();
    return keys == nullptr ? ScatteredRows() : rows.Finish(*keys);
  }
  const KeySet* keys = WaitForKeys();
  if (keys == nullptr) return ScatteredRows();
  if (keys->ranges() != nullptr) {
    RangeScatter rows(input, *keys->ranges(), at_once_, &rows_budget_);
    ARROW_RETURN_NOT_OK(ReadInParts(
        lane, &scans_, open, [&](const Chunk& chunk) { return rows.Add(chunk); },
        [](Chunk*) { return arrow::Status::OK(); }));
    return rows.Finish(*keys);
  }
  RankScatter rows(input, *keys, at_once_, &rows_budget_, &lane->counters);
  ARROW_RETURN_NOT_OK(ReadInParts(
      lane, &scans_, open, [&](const Chunk& chunk) { return rows.Add(chunk); },
      [&](Chunk* chunk) { return rows.Prepare(chunk); }));
  return rows.Finish();
}

arrow::Result<TableShare> PartitionReader::Load(WindowRows* rows, const RankRange& window) {
  auto table = rows->Take(window);
  if (table.ok() && !table->large.empty()) MakeOneAtATime();
  return table;
}

// A selecting table is read. Its keys were collected on the way, or come from its rows.
arrow::Status PartitionReader::FinishKeys(RangeScatter* rows) {
  std::unique_ptr<KeySet> keys;
  if (keys_on_disk_) {
    ARROW_ASSIGN_OR_RAISE(keys, rows->MakeKeySet(MaxKeyBytes(), [this] { return HasStopped(); }));
  }
  const std::lock_guard lock(keys_mutex_);
  if (--selecting_ == 0) {
    rows_budget_.Release(key_builder_->bytes());
    keys_ = keys != nullptr ? std::move(keys) : key_builder_->Finish();
    rows_budget_.Add(keys_->bytes());
    total_keys_ = keys_->size();
  }
  keys_changed_.notify_all();
  return arrow::Status::OK();
}

void PartitionReader::AddKeys(const KeyVector& keys) {
  const std::lock_guard lock(keys_mutex_);
  if (keys_on_disk_) return;
  rows_budget_.Release(key_builder_->bytes());
  key_builder_->Add(keys);
  // The ranges of several selecting tables differ, and so would those of their keys.
  if (alone_ && key_builder_->bytes() > MaxKeyBytes()) {
    keys_on_disk_ = true;
    key_builder_ = std::make_unique<KeySetBuilder>();
  }
  rows_budget_.Add(key_builder_->bytes());
}

// One more table is scattered: once all are, windows can be planned.
void PartitionReader::AddScattered(const ScatteredRows& rows) {
  const std::lock_guard lock(keys_mutex_);
  scattered_.Add(rows);
  if (scattered_.tables() < lanes().size()) return;
  const int64_t windows = keys_->size() / WindowKeys(job()) + 1;
  const int64_t window_bytes =
      std::min(scattered_.Below(keys_->size()) / windows, MaxWindowBytes());
  overlaps_ = kBatchesAtOnce * window_bytes <= job().memory;
  keys_changed_.notify_all();
}

// Bytes of partitions that a table may have in memory: all tables share by how many rows they have, once all are
// scattered.
int64_t PartitionReader::MaxLoaded(const ScatteredRows& rows) const {
  const auto own = static_cast<double>(std::reduce(rows.bytes.begin(), rows.bytes.end()));
  const auto all = static_cast<double>(std::max<int64_t>(1, scattered_.Below(keys_->size())));
  const auto share = static_cast<int64_t>(own / all * static_cast<double>(split().partition));
  return std::max(share, split().table_partition / kLeastShare);
}

// Plans the window that is asked for next, and where batches overlap the one after it. False where there is none.
// A window ends where a batch does, which then need not wait for another window, or earlier where its rows are too
// many.
bool PartitionReader::PlanWindows() {
  const std::lock_guard lock(keys_mutex_);
  const auto max_keys = static_cast<int64_t>(job().max_keys);
  int64_t room = batch_room();  // of the batch that the window begins in
  const auto take = [&](const RankRange& window) {
    room = max_keys - (max_keys - room + window.end - window.begin) % max_keys;
  };
  for (size_t w = taken_; w < windows_.size(); ++w) take(windows_[w]);
  ++taken_;
  while (windows_.size() < taken_ + (overlaps_ ? 1 : 0)) {
    const int64_t begin = PlannedKeys();
    if (begin == keys_->size()) break;
    const int64_t most =
        std::min({keys_->size(), begin + room, begin + int64_t{WindowKeys(job())}});
    windows_.push_back({begin, scattered_.EndWithin(begin, most, MaxWindowBytes())});
    take(windows_.back());
  }
  keys_changed_.notify_all();
  return taken_ <= windows_.size();
}

// The pieces of a large group take the memory of a window.
void PartitionReader::MakeOneAtATime() {
  const std::lock_guard lock(keys_mutex_);
  overlaps_ = false;
}

bool PartitionReader::HasStopped() const {
  const std::lock_guard lock(keys_mutex_);
  return stopped_;
}

// False once the run has failed.
bool PartitionReader::WaitForScattered() {
  std::unique_lock lock(keys_mutex_);
  keys_changed_.wait(lock, [this] { return stopped_ || scattered_.tables() == lanes().size(); });
  return !stopped_;
}

// Where batches fill the budget, one is made only once the one before it is consumed. Nullopt where there is none,
// and once the run has failed.
std::optional<RankRange> PartitionReader::WaitForWindow(size_t window) {
  std::unique_lock lock(keys_mutex_);
  keys_changed_.wait(
      lock, [&] { return stopped_ || window < windows_.size() || PlannedKeys() == keys_->size(); });
  if (stopped_ || window >= windows_.size()) return std::nullopt;
  return windows_[window];
}

// The key set, once it is complete; null once the run has failed.
const KeySet* PartitionReader::WaitForKeys() {
  std::unique_lock lock(keys_mutex_);
  keys_changed_.wait(lock, [this] { return stopped_ || keys_ != nullptr; });
  return stopped_ ? nullptr : keys_.get();
}

void PartitionReader::Wake() {
  scans_.Close();
  const std::lock_guard lock(keys_mutex_);
  stopped_ = true;
  keys_changed_.notify_all();
}

std::optional<int64_t> PartitionReader::TotalKeys() const {
  const int64_t total = total_keys_;
  if (total < 0) return std::nullopt;
  return total;
}

arrow::Result<std::optional<CutWindow>> PartitionReader::NextWindow() {
  if (WaitForKeys() == nullptr || !WaitForScattered()) return std::nullopt;
  if (!PlanWindows()) {
    WaitForLanes();
    return std::nullopt;
  }
  std::optional<std::vector<TableShare>> tables = PopShares();
  if (!tables) return std::nullopt;
  ARROW_ASSIGN_OR_RAISE(auto key_rows, KeysOf(*tables));
  return CutWindow{std::move(key_rows), *std::move(tables)};
}

// The keys of a window: of each group the first row in the first selecting table that has one.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> PartitionReader::KeysOf(
    const std::vector<TableShare>& tables) {
  std::vector<std::shared_ptr<arrow::RecordBatch>> key_rows;
  std::vector<int64_t> indices(static_cast<size_t>(tables[0].offsets->length() - 1), -1);
  int64_t base = 0;
  for (size_t t = 0; t < tables.size(); ++t) {
    const TableInput& input = *lanes()[t]->input;
    if (!input.table.selects_keys) continue;
    ARROW_ASSIGN_OR_RAISE(auto rows, ConformKeys(input, *tables[t].rows, key_schema()));
    for (size_t k = 0; k < indices.size(); ++k) {
      const int32_t begin = tables[t].offsets->Value(static_cast<int64_t>(k));
      const int32_t end = tables[t].offsets->Value(static_cast<int64_t>(k) + 1);
      if (indices[k] < 0 && begin < end) indices[k] = base + begin;
    }
    base += rows->num_rows();
    key_rows.push_back(std::move(rows));
    for (const LargeGroup& large : tables[t].large) {
      int64_t& index = indices[static_cast<size_t>(large.group)];
      if (index >= 0) continue;
      ARROW_ASSIGN_OR_RAISE(const auto first, large.rows->First());
      ARROW_ASSIGN_OR_RAISE(rows, ConformKeys(input, *first, key_schema()));
      index = base++;
      key_rows.push_back(std::move(rows));
    }
  }
  auto all = key_rows[0];
  if (key_rows.size() > 1) {
    ARROW_ASSIGN_OR_RAISE(all, arrow::ConcatenateRecordBatches(key_rows));
  }
  return TakeRows(all, std::move(indices));
}

}  // namespace

std::unique_ptr<BatchReader> OpenPartition(std::shared_ptr<Engine> engine, ResolvedJob resolved,
                                           Plan plan) {
  return std::make_unique<PartitionReader>(std::move(engine), std::move(resolved), std::move(plan));
}

}  // namespace sheaf
