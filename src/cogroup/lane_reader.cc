#include "cogroup/lane_reader.h"

#include <arrow/array.h>

#include <algorithm>
#include <string>
#include <utility>

#include "cogroup/group_rows.h"
#include "cogroup/read_parts.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

// Of a batch that ends by max_bytes.
constexpr int64_t kWindowsABatch = 4;

// A query that outgrew its share of the budget is told what would let it through. The words that it
// fails with are DataFusion's.
arrow::Status AdviseOnMemory(const arrow::Status& status, Strategy strategy) {
  if (status.message().find("Resources exhausted") == std::string::npos) return status;
  std::string advice = "; raise batch.memory";
  if (strategy != Strategy::kPartition) {
    advice += ", or set batch.strategy = \"partition\", which needs no sort in the engine";
  }
  return status.WithMessage(status.message() + advice);
}

}  // namespace

LaneReader::LaneReader(std::shared_ptr<Engine> engine, ResolvedJob resolved, Plan plan,
                       KeyOrder order)
    : engine_(std::move(engine)),
      resolved_(std::move(resolved)),
      plan_(std::move(plan)),
      split_(SplitMemory(resolved_.job.memory, resolved_.tables.size())),
      shaper_(resolved_.job, resolved_.max_group_bytes, part_bytes()) {
  for (TableInput& input : resolved_.tables) {
    schemas_.push_back(input.schema);
    lanes_.push_back(std::make_unique<Lane>(&input, resolved_.job.policy, order));
  }
}

// Reads one stream by two threads: one makes chunks, the other keeps them.
arrow::Status LaneReader::ReadWhole(Lane* lane, ChunkReader::OpenStream open,
                                    const std::function<arrow::Status(const Chunk&)>& keep,
                                    ReadAhead::Prepare prepare) const {
  lane->chunks.Start(std::move(open));
  ReadAhead ahead(&lane->chunks, split_.read_ahead, std::move(prepare));
  while (true) {
    auto next = ahead.Next();
    if (!next.ok()) return WithContext(next.status(), TableContext(lane->input->table));
    const std::optional<Chunk> chunk = *std::move(next);
    if (!chunk) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(keep(*chunk));
  }
}

arrow::Status LaneReader::Read(Lane* lane, MemoryTurns* turns, ChunkReader::OpenStream open,
                               const std::function<arrow::Status(const Chunk&)>& keep,
                               ReadAhead::Prepare prepare) const {
  if (!turns->Begin()) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(ReadWhole(lane, std::move(open), keep, std::move(prepare)));
  turns->End();
  return arrow::Status::OK();
}

arrow::Status LaneReader::ReadInParts(Lane* lane, MemoryTurns* turns, const OpenedParts& open,
                                      const std::function<arrow::Status(const Chunk&)>& keep,
                                      const ReadAhead::Prepare& prepare) const {
  if (!turns->Begin()) return arrow::Status::OK();
  auto parts = open();
  if (!parts.ok()) return WithContext(parts.status(), TableContext(lane->input->table));
  if (parts->size() == 1) {
    ARROW_RETURN_NOT_OK(
        ReadWhole(lane, [whole = std::move(parts->front())] { return whole; }, keep, prepare));
  } else {
    const auto take = [&](Chunk* chunk) -> arrow::Status {
      ARROW_RETURN_NOT_OK(prepare(chunk));
      return keep(*chunk);
    };
    const auto status = ReadParts(*lane->input, job().policy, *parts, &lane->counters, take);
    if (!status.ok()) return WithContext(status, TableContext(lane->input->table));
  }
  turns->End();
  return arrow::Status::OK();
}

void LaneReader::StartThread(Lane* lane, std::function<arrow::Status()> work) {
  lane->thread = std::thread([this, work = std::move(work)] {
    if (const auto status = work(); !status.ok()) Fail(status);
  });
}

void LaneReader::Stop() {
  Cancel();
  for (const auto& lane : lanes_) {
    if (lane->thread.joinable()) lane->thread.join();
  }
}

std::optional<int64_t> LaneReader::part_bytes() const {
  if (!job().in_parts) return std::nullopt;
  return split_.batch_part;
}

std::optional<int64_t> LaneReader::window_bytes() const {
  if (!job().max_bytes) return part_bytes();
  const int64_t window = *job().max_bytes / kWindowsABatch;
  return std::min(window, part_bytes().value_or(window));
}

arrow::Result<std::optional<Batch>> LaneReader::Next() {
  if (ended_) return std::nullopt;
  while (true) {
    ARROW_RETURN_NOT_OK(failure());
    auto taken = shaper_.Take();
    if (!taken.ok()) {
      Fail(taken.status());
      continue;
    }
    std::optional<Batch> batch = *std::move(taken);
    if (batch) {
      Count(*batch);
      return batch;
    }
    if (exhausted_) {
      ended_ = true;
      return std::nullopt;
    }
    if (const auto status = AddWindow(); !status.ok()) Fail(status);
  }
}

arrow::Status LaneReader::AddWindow() {
  ARROW_ASSIGN_OR_RAISE(std::optional<CutWindow> window, NextWindow());
  if (!window) {
    exhausted_ = true;
    return shaper_.Finish();
  }
  for (size_t t = 0; t < lanes_.size(); ++t) {
    Lane& lane = *lanes_[t];
    ARROW_RETURN_NOT_OK(ApplyCardinality(*lane.input, job().policy, *window->keys, &lane.counters,
                                         &window->tables[t]));
  }
  ARROW_RETURN_NOT_OK(shaper_.Add(*std::move(window)));
  const std::lock_guard lock(mutex_);
  totals_.dropped_keys = shaper_.dropped_keys();
  return arrow::Status::OK();
}

arrow::Result<bool> LaneReader::PutShare(Lane* lane,
                                         const std::function<arrow::Result<TableShare>()>& make) {
  lane->shares.WaitUntilEmpty();
  ARROW_ASSIGN_OR_RAISE(TableShare table, make());
  return lane->shares.Push(std::move(table), 1);
}

std::optional<std::vector<TableShare>> LaneReader::PopShares() {
  std::vector<TableShare> tables;
  for (const auto& lane : lanes_) {
    std::optional<TableShare> table = lane->shares.Pop();
    if (!table) return std::nullopt;
    tables.push_back(*std::move(table));
  }
  return tables;
}

void LaneReader::WaitForLanes() {
  for (const auto& lane : lanes_) lane->shares.Pop();
}

void LaneReader::Count(const Batch& batch) {
  const std::lock_guard lock(mutex_);
  for (size_t t = 0; t < lanes_.size(); ++t) {
    const BatchTable& table = batch.tables()[t];
    lanes_[t]->counters.rows_delivered += table.rows->num_rows();
  }
  totals_.batches += batch.part().last ? 1 : 0;
  totals_.keys += batch.continued() ? 0 : batch.num_keys();
  totals_.rows += batch.total_rows();
}

Metrics LaneReader::metrics() const {
  const std::optional<int64_t> total_keys = TotalKeys();
  const std::lock_guard lock(mutex_);
  Metrics metrics = totals_;
  metrics.total_keys = total_keys;
  for (size_t t = 0; t < lanes_.size(); ++t) {
    const TableCounters& counters = lanes_[t]->counters;
    TableMetrics table;
    table.name = lanes_[t]->input->table.name;
    table.rows_read = counters.rows_read;
    table.rows_delivered = counters.rows_delivered;
    if (counters.filtered_by_engine) {
      table.orphans = std::nullopt;
    } else {
      table.orphans = counters.orphans;
    }
    table.null_keys = counters.null_keys;
    table.duplicates = counters.duplicates;
    table.keys_without_rows = shaper_.group_sizes()[t].empty();
    table.rows_per_key = shaper_.group_sizes()[t].Summary();
    metrics.tables.push_back(std::move(table));
  }
  return metrics;
}

void LaneReader::Cancel() { Fail(MakeError(ErrorKind::kStopped, "cancelled")); }

void LaneReader::Fail(const arrow::Status& status) {
  {
    const std::lock_guard lock(mutex_);
    if (failure_.ok()) failure_ = AdviseOnMemory(status, plan_.strategy);
  }
  Wake();
  for (const auto& lane : lanes_) {
    lane->chunks.Cancel();
    lane->shares.Close();
  }
}

arrow::Status LaneReader::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

}  // namespace sheaf
