#include "cogroup/partition.h"

#include <arrow/array.h>
#include <arrow/table.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

#include "cogroup/chunk_store.h"
#include "cogroup/lane_reader.h"
#include "cogroup/memory_split.h"
#include "cogroup/memory_turns.h"
#include "cogroup/partition_store.h"
#include "cogroup/take_rows.h"
#include "key/key_set.h"
#include "spill/memory_budget.h"

namespace sheaf {
namespace {

// A partition of just more than what may be loaded at once is cut into so many parts.
constexpr int64_t kPartsOverLimit = 16;

class PartitionReader final : public LaneReader {
 public:
  PartitionReader(std::shared_ptr<Engine> engine, ResolvedJob resolved, Plan plan)
      : LaneReader(std::move(engine), std::move(resolved), std::move(plan)),
        split_(SplitMemory(job().memory, lanes().size())),
        partition_keys_(PartitionStore::PartitionKeys(WindowKeys(job()))),
        rows_budget_(split_.rows),
        scans_(split_.scans),
        loads_(std::max(1, split_.scans / 2)) {
    for (size_t t = 0; t < lanes().size(); ++t) {
      AddReader(t, KeyOrder::kAny, split_.read_ahead);
      if (lanes()[t]->input->table.selects_keys) ++selecting_;
    }
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
  arrow::Status CollectKeys(Lane* lane, ChunkStore* rows);
  arrow::Result<BatchTable> Load(PartitionStore* rows, const PartitionStore::Window& window,
                                 int64_t part_keys);
  void PlanWindows(const std::vector<int64_t>& partition_bytes);
  bool WaitForWindows();
  const KeySet* WaitForKeys();
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> KeysOf(const std::vector<BatchTable>& tables);

  const MemorySplit split_;
  const int64_t partition_keys_;
  MemoryBudget rows_budget_;
  MemoryTurns scans_;
  MemoryTurns loads_;  // a table's share of a batch, on its way, holds twice its memory

  mutable std::mutex keys_mutex_;
  std::condition_variable keys_changed_;
  KeySetBuilder key_builder_;             // guarded by keys_mutex_, as are the next five
  int selecting_ = 0;                     // selecting tables not yet read to the end
  size_t sealed_ = 0;                     // tables whose rows are all in their partitions
  std::vector<int64_t> partition_bytes_;  // of all sealed tables
  bool stopped_ = false;
  std::unique_ptr<KeySet> keys_;  // set once all are read; does not change after that

  std::atomic<int64_t> total_keys_ = -1;  // of the run; read without the lock, which is busy

  // Set once all tables are sealed; do not change after that.
  std::vector<PartitionStore::Window> windows_;
  std::vector<int64_t> part_keys_;  // of each partition

  size_t next_window_ = 0;  // used by the caller of Next() alone
};

arrow::Status PartitionReader::RunLane(Lane* lane) {
  ChunkStore kept(*lane->input, &rows_budget_);
  const auto open = [this, lane] {
    if (lane->input->connection != nullptr) {
      lane->input->connection->SetScan({.batch_rows = split_.batch_rows});
    }
    return OpenRows(*lane->input, lane->input->query, split_.query);
  };
  const bool selects = lane->input->table.selects_keys;
  if (selects) {
    if (!scans_.Begin()) return arrow::Status::OK();
    lane->reader->Start(open);
    ARROW_RETURN_NOT_OK(CollectKeys(lane, &kept));
    scans_.End();
  }
  const KeySet* keys = WaitForKeys();
  if (keys == nullptr) return arrow::Status::OK();  // the run failed

  PartitionStore partitions(*lane->input, *keys, partition_keys_, lanes().size(), &rows_budget_,
                            &lane->counters);
  ARROW_RETURN_NOT_OK(partitions.AddAll(&kept));
  if (!selects) {
    if (!scans_.Begin()) return arrow::Status::OK();
    lane->reader->Start(open);
    while (const std::optional<Chunk> chunk = lane->reader->Pop()) {
      ARROW_RETURN_NOT_OK(partitions.Add(*chunk));
    }
    scans_.End();
  }
  ARROW_RETURN_NOT_OK(partitions.Seal());
  PlanWindows(partitions.partition_bytes());
  if (!WaitForWindows()) return arrow::Status::OK();
  for (const PartitionStore::Window& window : windows_) {
    const int64_t part_keys = part_keys_[static_cast<size_t>(window.first_rank / partition_keys_)];
    ARROW_ASSIGN_OR_RAISE(const bool put,
                          PutShare(lane, [&] { return Load(&partitions, window, part_keys); }));
    if (!put) return arrow::Status::OK();
  }
  lane->shares.End();
  return arrow::Status::OK();
}

arrow::Result<BatchTable> PartitionReader::Load(PartitionStore* rows,
                                                const PartitionStore::Window& window,
                                                int64_t part_keys) {
  if (!loads_.Begin()) return arrow::Status::Cancelled("the run has ended");
  auto table = rows->Take(window, part_keys);
  loads_.End();
  return table;
}

arrow::Status PartitionReader::CollectKeys(Lane* lane, ChunkStore* rows) {
  while (const std::optional<Chunk> chunk = lane->reader->Pop()) {
    {
      const std::lock_guard lock(keys_mutex_);
      rows_budget_.Release(key_builder_.bytes());
      key_builder_.Add(chunk->keys);
      rows_budget_.Add(key_builder_.bytes());
    }
    ARROW_RETURN_NOT_OK(rows->Add(*chunk));
  }
  const std::lock_guard lock(keys_mutex_);
  if (--selecting_ == 0) {
    rows_budget_.Release(key_builder_.bytes());
    keys_ = key_builder_.Finish();
    rows_budget_.Add(keys_->bytes());
    total_keys_ = keys_->size();
  }
  keys_changed_.notify_all();
  return arrow::Status::OK();
}

// Adds the rows of one more table. Once all are in, it is known which partitions are too large to be
// loaded as a whole, and the windows of all tables are planned: none reaches from one part of a partition
// into the next.
void PartitionReader::PlanWindows(const std::vector<int64_t>& partition_bytes) {
  const std::lock_guard lock(keys_mutex_);
  partition_bytes_.resize(partition_bytes.size());
  for (size_t p = 0; p < partition_bytes.size(); ++p) partition_bytes_[p] += partition_bytes[p];
  if (++sealed_ < lanes().size()) return;
  const int64_t window_keys = WindowKeys(job());
  for (size_t p = 0; p < partition_bytes_.size(); ++p) {
    int64_t part_keys = partition_keys_;
    if (partition_bytes_[p] > split_.partition) {
      // Rows are seldom spread evenly over the keys: small parts leave a hot key alone.
      const int64_t parts = kPartsOverLimit * (partition_bytes_[p] / split_.partition + 1);
      part_keys = std::max<int64_t>(1, partition_keys_ / parts);
    }
    part_keys_.push_back(part_keys);
    const int64_t first = static_cast<int64_t>(p) * partition_keys_;
    const int64_t end = std::min(first + partition_keys_, keys_->size());
    for (int64_t part = first; part < end; part += part_keys) {
      const int64_t part_end = std::min(part + part_keys, end);
      for (int64_t rank = part; rank < part_end; rank += window_keys) {
        windows_.push_back({rank, std::min(window_keys, part_end - rank)});
      }
    }
  }
  keys_changed_.notify_all();
}

// False once the run has failed.
bool PartitionReader::WaitForWindows() {
  std::unique_lock lock(keys_mutex_);
  keys_changed_.wait(lock, [this] { return stopped_ || sealed_ == lanes().size(); });
  return !stopped_;
}

// The key set, once it is complete; null once the run has failed.
const KeySet* PartitionReader::WaitForKeys() {
  std::unique_lock lock(keys_mutex_);
  keys_changed_.wait(lock, [this] { return stopped_ || keys_ != nullptr; });
  return stopped_ ? nullptr : keys_.get();
}

void PartitionReader::Wake() {
  scans_.Close();
  loads_.Close();
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
  if (WaitForKeys() == nullptr || !WaitForWindows()) return std::nullopt;
  if (next_window_ == windows_.size()) {
    WaitForLanes();
    return std::nullopt;
  }
  std::optional<std::vector<BatchTable>> tables = PopShares();
  if (!tables) return std::nullopt;
  ++next_window_;
  ARROW_ASSIGN_OR_RAISE(auto key_rows, KeysOf(*tables));
  return CutWindow{std::move(key_rows), *std::move(tables)};
}

// The keys of a window: of each group the first row in the first selecting table that has one.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> PartitionReader::KeysOf(
    const std::vector<BatchTable>& tables) {
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
