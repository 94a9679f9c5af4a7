#include "cogroup/merge.h"

#include <algorithm>
#include <limits>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <arrow/type.h>

#include "cogroup/batch_shaper.h"
#include "cogroup/bounded_queue.h"
#include "cogroup/key_pushdown.h"
#include "cogroup/key_selector.h"
#include "cogroup/memory_split.h"
#include "cogroup/read_ahead.h"
#include "cogroup/table_cutter.h"
#include "engine/dialect.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

// Finished windows of a table that wait for the other tables and the consumer.
constexpr int64_t kCutAhead = 1;

using Turn = KeySelector::Turn;

// One table on its way: its stream, its scissors and its finished shares.
struct Lane {
  Lane(TableInput* table, const Policy& policy, int64_t read_ahead, ReadAhead::OnError on_error,
       TableCutter::OnRead on_read)
      : input(table),
        reader(*table, policy, read_ahead, &counters, std::move(on_error)),
        cutter(*table, policy, &reader, &counters, std::move(on_read)) {}

  TableInput* const input;
  TableCounters counters;
  ReadAhead reader;
  TableCutter cutter;
  BoundedQueue<BatchTable> cut{kCutAhead};
  std::thread thread;
};

// Which tables select keys; the last entry is the consumer, which only takes windows.
std::vector<bool> Selects(const std::vector<TableInput>& tables) {
  std::vector<bool> selects;
  for (const TableInput& input : tables) selects.push_back(input.table.selects_keys);
  selects.push_back(false);
  return selects;
}

std::shared_ptr<arrow::RecordBatch> KeyRows(const TableInput& input, const arrow::RecordBatch& rows) {
  arrow::FieldVector fields;
  for (const int index : input.key_indices) fields.push_back(input.schema->field(index));
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows.num_rows(),
                                  KeyColumns(input, rows));
}

class MergeReader final : public BatchReader {
 public:
  MergeReader(std::shared_ptr<Engine> engine, ResolvedJob resolved, Plan plan)
      : engine_(std::move(engine)),
        resolved_(std::move(resolved)),
        plan_(std::move(plan)),
        split_(SplitMemory(resolved_.job.memory, resolved_.tables.size())),
        selector_(Selects(resolved_.tables), resolved_.key_schema, WindowKeys(resolved_.job)),
        shaper_(resolved_.job) {
    for (size_t t = 0; t < resolved_.tables.size(); ++t) {
      TableInput& input = resolved_.tables[t];
      schemas_.push_back(input.schema);
      const int64_t read_ahead = input.table.selects_keys
                                     ? std::max(split_.read_ahead, split_.key_search)
                                     : split_.read_ahead;
      lanes_.push_back(std::make_unique<Lane>(
          &input, resolved_.job.policy, read_ahead,
          [this](const arrow::Status& status) { Fail(status); },
          [this, t](const Chunk* chunk) { return Announce(t, chunk); }));
    }
    starter_ = std::thread([this] {
      if (const auto status = Start(); !status.ok()) Fail(status);
    });
  }

  ~MergeReader() override {
    Cancel();
    starter_.join();
    for (const auto& lane : lanes_) {
      if (lane->thread.joinable()) lane->thread.join();
    }
    for (const auto& lane : lanes_) lane->reader.Join();  // it may be about to call Fail()
  }

  arrow::Result<std::optional<Batch>> Next() override;
  void Cancel() override { Fail(MakeError(ErrorKind::kStopped, "cancelled")); }
  Metrics metrics() const override;
  std::shared_ptr<arrow::Schema> key_schema() const override { return resolved_.key_schema; }
  const std::vector<std::shared_ptr<arrow::Schema>>& table_schemas() const override {
    return schemas_;
  }
  const Plan& plan() const override { return plan_; }

 private:
  arrow::Status Start();
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> SearchKeys();
  void StartReader(Lane* lane, const std::shared_ptr<arrow::RecordBatch>& selected);
  arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> OpenStream(
      Lane* lane, const std::shared_ptr<arrow::RecordBatch>& selected);
  arrow::Status Announce(size_t t, const Chunk* chunk);
  arrow::Status CutLane(size_t t);
  arrow::Result<bool> AddWindow();
  void Count(const Batch& batch);
  void Fail(const arrow::Status& status);
  arrow::Status failure() const;

  const std::shared_ptr<Engine> engine_;
  ResolvedJob resolved_;
  const Plan plan_;
  const MemorySplit split_;
  std::vector<std::shared_ptr<arrow::Schema>> schemas_;
  KeySelector selector_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::thread starter_;
  BatchShaper shaper_;      // used by the caller of Next() alone, as are the two flags
  bool exhausted_ = false;  // no window is left
  bool ended_ = false;      // no batch is left

  mutable std::mutex mutex_;
  arrow::Status failure_;  // the first one; guarded by mutex_
  Metrics totals_;         // guarded by mutex_
};

// Starts the selecting tables; the others at once too, or, where the engine could filter them by few
// keys, when it is known whether there are few.
arrow::Status MergeReader::Start() {
  bool search = false;
  for (const auto& lane : lanes_) {
    TableInput* input = lane->input;
    if (input->table.selects_keys) StartReader(lane.get(), nullptr);
    search = search || (!input->table.selects_keys && CanFilter(*input) && WorthFiltering(*input, 0));
  }
  std::shared_ptr<arrow::RecordBatch> selected;
  if (search) {
    ARROW_ASSIGN_OR_RAISE(selected, SearchKeys());
  }
  for (size_t t = 0; t < lanes_.size(); ++t) {
    Lane* lane = lanes_[t].get();
    if (!lane->input->table.selects_keys) StartReader(lane, selected);
    lane->thread = std::thread([this, t] {
      if (const auto status = CutLane(t); !status.ok()) Fail(status);
    });
  }
  return arrow::Status::OK();
}

// All selected keys, where the rows of the selecting tables fit in their queues; else null.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> MergeReader::SearchKeys() {
  for (const auto& lane : lanes_) {
    if (lane->input->table.selects_keys && !lane->reader.WaitForEnd()) return nullptr;
  }
  KeySelector all(Selects(resolved_.tables), resolved_.key_schema,
                  std::numeric_limits<int32_t>::max());
  for (size_t t = 0; t < lanes_.size(); ++t) {
    const TableInput& input = *lanes_[t]->input;
    if (!input.table.selects_keys) continue;
    arrow::Status status;
    lanes_[t]->reader.ForEach([&](const Chunk& chunk) {
      if (status.ok()) status = all.Announce(t, chunk.keys, KeyRows(input, *chunk.rows));
    });
    ARROW_RETURN_NOT_OK(status);
    ARROW_RETURN_NOT_OK(all.Finish(t));
  }
  const Turn turn = all.Next(lanes_.size());
  if (turn.kind == Turn::Kind::kCut) return turn.window->key_rows;
  return arrow::RecordBatch::MakeEmpty(resolved_.key_schema);
}

void MergeReader::StartReader(Lane* lane, const std::shared_ptr<arrow::RecordBatch>& selected) {
  lane->reader.Start([this, lane, selected] { return OpenStream(lane, selected); });
}

arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> MergeReader::OpenStream(
    Lane* lane, const std::shared_ptr<arrow::RecordBatch>& selected) {
  TableInput* input = lane->input;
  if (input->table.stream != nullptr) return input->table.stream;
  if (input->absent) return arrow::RecordBatchReader::Make({}, input->schema);
  std::string query = input->query;
  if (selected != nullptr && CanFilter(*input) && WorthFiltering(*input, selected->num_rows())) {
    ARROW_ASSIGN_OR_RAISE(query, FilteredQuery(*engine_, *input, selected));
    lane->counters.filtered_by_engine = true;
  }
  const std::string ordered =
      engine_->impl().dialect().OrderedQuery(query, input->key_names, input->key_types);
  return input->connection->Query(ordered, split_.query);
}

// Every chunk of a selecting table holds keys of the run, whether it was read for them or, while
// cutting, for the rest of a group.
arrow::Status MergeReader::Announce(size_t t, const Chunk* chunk) {
  const TableInput& input = *lanes_[t]->input;
  if (!input.table.selects_keys) return arrow::Status::OK();
  if (chunk == nullptr) return selector_.Finish(t);
  return selector_.Announce(t, chunk->keys, KeyRows(input, *chunk->rows));
}

arrow::Status MergeReader::CutLane(size_t t) {
  Lane& lane = *lanes_[t];
  while (true) {
    const Turn turn = selector_.Next(t);
    switch (turn.kind) {
      case Turn::Kind::kRead:
        ARROW_RETURN_NOT_OK(lane.cutter.Read());
        break;
      case Turn::Kind::kCut: {
        ARROW_ASSIGN_OR_RAISE(BatchTable table, lane.cutter.Cut(*turn.window));
        if (!lane.cut.Push(std::move(table), 1)) return arrow::Status::OK();
        break;
      }
      case Turn::Kind::kEnd:
        ARROW_RETURN_NOT_OK(lane.cutter.Drain());
        lane.cut.End();
        return arrow::Status::OK();
    }
  }
}

arrow::Result<std::optional<Batch>> MergeReader::Next() {
  if (ended_) return std::nullopt;
  while (true) {
    ARROW_RETURN_NOT_OK(failure());
    if (std::optional<Batch> batch = shaper_.Take()) {
      Count(*batch);
      return batch;
    }
    if (exhausted_) {
      ended_ = true;
      return std::nullopt;
    }
    const arrow::Result<bool> added = AddWindow();
    if (!added.ok()) Fail(added.status());
    if (added.ok() && !*added) exhausted_ = true;
  }
}

// Hands the next window of all tables to the shaper; false where none is left.
arrow::Result<bool> MergeReader::AddWindow() {
  const Turn turn = selector_.Next(lanes_.size());
  if (turn.kind != Turn::Kind::kCut) {
    // Each lane ends when its table is read to the end: a late error must not be missed.
    for (const auto& lane : lanes_) lane->cut.Pop();
    ARROW_RETURN_NOT_OK(shaper_.Finish());
    return false;
  }
  CutWindow window{turn.window->key_rows, {}};
  for (const auto& lane : lanes_) {
    std::optional<BatchTable> table = lane->cut.Pop();
    if (!table) return true;  // the run failed; Next() says how
    window.tables.push_back(*std::move(table));
  }
  ARROW_RETURN_NOT_OK(shaper_.Add(std::move(window)));
  const std::lock_guard lock(mutex_);
  totals_.dropped_keys = shaper_.dropped_keys();
  return true;
}

void MergeReader::Count(const Batch& batch) {
  for (size_t t = 0; t < lanes_.size(); ++t) {
    const BatchTable& table = batch.tables()[t];
    TableCounters& counters = lanes_[t]->counters;
    counters.rows_delivered += table.rows->num_rows();
    for (int64_t k = 0; k < batch.num_keys(); ++k) {
      if (table.offsets->Value(k) == table.offsets->Value(k + 1)) ++counters.keys_without_rows;
    }
  }
  const std::lock_guard lock(mutex_);
  ++totals_.batches;
  totals_.keys += batch.num_keys();
  totals_.rows += batch.total_rows();
}

Metrics MergeReader::metrics() const {
  Metrics metrics;
  {
    const std::lock_guard lock(mutex_);
    metrics = totals_;
  }
  metrics.total_keys = selector_.total_keys();
  for (const auto& lane : lanes_) {
    const TableCounters& counters = lane->counters;
    TableMetrics table;
    table.name = lane->input->table.name;
    table.rows_read = counters.rows_read;
    table.rows_delivered = counters.rows_delivered;
    if (counters.filtered_by_engine) {
      table.orphans = std::nullopt;
    } else {
      table.orphans = counters.orphans;
    }
    table.null_keys = counters.null_keys;
    table.duplicates = counters.duplicates;
    table.keys_without_rows = counters.keys_without_rows;
    metrics.tables.push_back(std::move(table));
  }
  return metrics;
}

void MergeReader::Fail(const arrow::Status& status) {
  {
    const std::lock_guard lock(mutex_);
    if (failure_.ok()) failure_ = status;
  }
  selector_.Close();
  for (const auto& lane : lanes_) {
    lane->reader.Cancel();
    lane->cut.Close();
  }
}

arrow::Status MergeReader::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

}  // namespace

std::string MergeQuery(const Engine* engine, const TableInput& input) {
  if (input.query.empty() || input.absent) return "";
  return engine->impl().dialect().OrderedQuery(input.query, input.key_names, input.key_types);
}

std::unique_ptr<BatchReader> OpenMerge(std::shared_ptr<Engine> engine, ResolvedJob resolved,
                                       Plan plan) {
  return std::make_unique<MergeReader>(std::move(engine), std::move(resolved), std::move(plan));
}

}  // namespace sheaf
