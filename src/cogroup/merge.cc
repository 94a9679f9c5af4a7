#include "cogroup/merge.h"

#include <arrow/table.h>
#include <arrow/type.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cogroup/key_pushdown.h"
#include "cogroup/key_selector.h"
#include "cogroup/lane_reader.h"
#include "cogroup/memory_split.h"
#include "cogroup/share_builder.h"
#include "cogroup/table_cutter.h"
#include "engine/dialect.h"
#include "key/empty_rows.h"
#include "parallel/parallel.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

using Turn = KeySelector::Turn;

// Keys whose rows are put in order and copied at once: few enough that their rows are still in cache.
constexpr int32_t kPortionKeys = 4096;

class MergeReader final : public LaneReader {
 public:
  MergeReader(std::shared_ptr<Engine> engine, ResolvedJob resolved, Plan plan)
      : LaneReader(std::move(engine), std::move(resolved), std::move(plan), KeyOrder::kAscending),
        selector_(Selects(lanes()), job().max_keys, kPortionKeys,
                  window_bytes().value_or(KeySelector::kAnyBytes)) {
    for (size_t t = 0; t < lanes().size(); ++t) {
      Lane& lane = *lanes()[t];
      cutters_.push_back(std::make_unique<TableCutter>(
          *lane.input, &lane.chunks, &lane.counters, GroupMemory::Of(job().memory, lanes().size()),
          [this, t](const Chunk* chunk) { return Announce(t, chunk); }));
    }
    starter_ = std::thread([this] {
      if (const auto status = Start(); !status.ok()) Fail(status);
    });
  }

  ~MergeReader() override {
    Cancel();
    starter_.join();
    Stop();
  }

 private:
  // Which tables select keys; the last entry is the consumer, which only takes windows.
  static std::vector<bool> Selects(const std::vector<std::unique_ptr<Lane>>& lanes) {
    std::vector<bool> selects;
    selects.reserve(lanes.size() + 1);
    for (const auto& lane : lanes) selects.push_back(lane->input->table.selects_keys);
    selects.push_back(false);
    return selects;
  }

  arrow::Result<std::optional<CutWindow>> NextWindow() override;
  void Wake() override;
  std::optional<int64_t> TotalKeys() const override { return selector_.total_keys(); }

  arrow::Status Start();
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> SearchKeys();
  void SetStream(size_t t, const std::shared_ptr<arrow::RecordBatch>& selected);
  arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> OpenStream(
      Lane* lane, const std::shared_ptr<arrow::RecordBatch>& selected);
  arrow::Status Announce(size_t t, const Chunk* chunk);
  arrow::Status CutLane(size_t t);

  KeySelector selector_;
  std::vector<std::unique_ptr<TableCutter>> cutters_;  // of the lanes, in their order
  // What was read of the selecting tables before the lanes started; the keys until then only.
  std::optional<KeySelector> searched_;
  int64_t searched_bytes_ = 0;
  std::thread starter_;
};

// Starts all lanes, or, where the engine could filter tables by few keys, first finds out whether there are few.
arrow::Status MergeReader::Start() {
  bool search = false;
  for (size_t t = 0; t < lanes().size(); ++t) {
    const TableInput& input = *lanes()[t]->input;
    if (input.table.selects_keys) SetStream(t, nullptr);
    search = search || (!input.table.selects_keys && CanFilter(input, *LaneReader::key_schema()) &&
                        WorthFiltering(input, 0));
  }
  std::shared_ptr<arrow::RecordBatch> selected;
  if (search) {
    ARROW_ASSIGN_OR_RAISE(selected, SearchKeys());
  }
  for (size_t t = 0; t < lanes().size(); ++t) {
    Lane* lane = lanes()[t].get();
    if (!lane->input->table.selects_keys) SetStream(t, selected);
    StartThread(lane, [this, t] { return CutLane(t); });
  }
  return arrow::Status::OK();
}

// All selected keys, where the selecting tables are small; else null. What is read of them waits for its windows.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> MergeReader::SearchKeys() {
  constexpr int32_t kAll = std::numeric_limits<int32_t>::max();
  searched_.emplace(Selects(lanes()), kAll, kAll);
  bool more = false;
  for (size_t t = 0; t < lanes().size() && !more; ++t) {
    more = lanes()[t]->input->table.selects_keys;
    while (more && searched_bytes_ <= split().key_search) {
      ARROW_ASSIGN_OR_RAISE(more, cutters_[t]->Read());
    }
  }
  std::shared_ptr<arrow::RecordBatch> selected;
  if (!more) {
    const Turn turn = searched_->Next(lanes().size());
    if (turn.kind == Turn::Kind::kCut) {
      selected = turn.window->key_rows;
    } else {
      ARROW_ASSIGN_OR_RAISE(selected, EmptyRows(LaneReader::key_schema()));
    }
  }
  searched_.reset();
  return selected;
}

void MergeReader::SetStream(size_t t, const std::shared_ptr<arrow::RecordBatch>& selected) {
  lanes()[t]->chunks.Start([this, t, selected] { return OpenStream(lanes()[t].get(), selected); });
}

arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> MergeReader::OpenStream(
    Lane* lane, const std::shared_ptr<arrow::RecordBatch>& selected) {
  TableInput* input = lane->input;
  if (input->query.empty()) return OpenRows(*input, "", split().query);
  std::string query = input->query;
  if (selected != nullptr && CanFilter(*input, *LaneReader::key_schema()) &&
      WorthFiltering(*input, selected->num_rows())) {
    ARROW_ASSIGN_OR_RAISE(query, FilteredQuery(*engine(), *input, query, selected));
    lane->counters.filtered_by_engine = true;
  }
  const std::string ordered = engine()->impl().dialect().OrderedQuery(query, SqlColumns(*input));
  const auto table = std::ranges::find(plan().tables, input->table.name, &TablePlan::name);
  input->connection->SetScan(MergeScan(split(), lanes().size(), table->ordered_by_engine));
  return OpenRows(*input, ordered, split().query);
}

// Every chunk of a selecting table holds keys of the run, whether it was read for them or, while
// cutting, for the rest of a group.
arrow::Status MergeReader::Announce(size_t t, const Chunk* chunk) {
  const TableInput& input = *lanes()[t]->input;
  if (!cutters_[t]->has_read()) {
    const int64_t keys = chunk == nullptr ? 1 : std::ssize(chunk->keys.RunStarts());
    selector_.AddBytes(t, keys, chunk == nullptr ? 0 : chunk->bytes);
  }
  if (!input.table.selects_keys) return arrow::Status::OK();
  if (chunk == nullptr) {
    if (searched_) ARROW_RETURN_NOT_OK(searched_->Finish(t));
    return selector_.Finish(t);
  }
  ARROW_ASSIGN_OR_RAISE(const auto keys,
                        ConformKeys(input, *chunk->rows, LaneReader::key_schema()));
  if (searched_) {
    ARROW_RETURN_NOT_OK(searched_->Announce(t, chunk->keys, keys));
    searched_bytes_ += chunk->bytes;
  }
  return selector_.Announce(t, chunk->keys, keys);
}

void MergeReader::Wake() { selector_.Close(); }

arrow::Status MergeReader::CutLane(size_t t) {
  TableCutter& cutter = *cutters_[t];
  Lane* lane = lanes()[t].get();
  ShareBuilder share(*lane->input);
  const auto put = [&] { return PutShare(lane, [&] { return share.Finish(); }); };
  ARROW_RETURN_NOT_OK(cutter.Read().status());  // the engine is at work from here on
  while (true) {
    const Turn turn = selector_.Next(t);
    switch (turn.kind) {
      case Turn::Kind::kRead:
        ARROW_RETURN_NOT_OK(cutter.Read());
        break;
      case Turn::Kind::kCut: {
        // A batch is large: the next one is begun once the last is taken.
        if (share.num_keys() == 0) {
          lane->shares.WaitUntilEmpty();
          share.Expect(turn.window->portions);
        }
        ARROW_RETURN_NOT_OK(cutter.Cut(*turn.window, &share));
        selector_.AddBytes(t, turn.window->keys.size(), cutter.cut_bytes());
        if (!turn.window->ends_share) break;
        ARROW_ASSIGN_OR_RAISE(const bool is_put, put());
        if (!is_put) return arrow::Status::OK();
        break;
      }
      case Turn::Kind::kEnd:
        if (share.num_keys() > 0) ARROW_RETURN_NOT_OK(put());
        ARROW_RETURN_NOT_OK(cutter.Drain());
        lane->shares.End();
        return arrow::Status::OK();
      case Turn::Kind::kClosed:
        return arrow::Status::OK();
    }
  }
}

arrow::Result<std::optional<CutWindow>> MergeReader::NextWindow() {
  std::vector<std::shared_ptr<arrow::RecordBatch>> key_rows;
  for (bool ended = false; !ended;) {
    const Turn turn = selector_.Next(lanes().size());
    if (turn.kind == Turn::Kind::kClosed) return std::nullopt;
    if (turn.kind != Turn::Kind::kCut) break;
    key_rows.push_back(turn.window->key_rows);
    ended = turn.window->ends_share;
  }
  if (key_rows.empty()) {
    WaitForLanes();
    return std::nullopt;
  }
  std::optional<std::vector<TableShare>> tables = PopShares();
  if (!tables) return std::nullopt;
  ARROW_ASSIGN_OR_RAISE(auto keys, arrow::ConcatenateRecordBatches(key_rows));
  return CutWindow{std::move(keys), *std::move(tables)};
}

}  // namespace

std::string MergeQuery(const Engine* engine, const TableInput& input) {
  if (input.query.empty() || input.absent) return "";
  return engine->impl().dialect().OrderedQuery(input.query, SqlColumns(input));
}

std::unique_ptr<BatchReader> OpenMerge(std::shared_ptr<Engine> engine, ResolvedJob resolved,
                                       Plan plan) {
  return std::make_unique<MergeReader>(std::move(engine), std::move(resolved), std::move(plan));
}

// All tables are read at the same time. Within one, parts that are in order would be merged again, at a price,
// and one after the other all the same where their keys follow each other; so they are read ahead, as far as the
// query's memory goes: the table that decodes longest should not wait for one core. While one of three ranges is
// put into batches, two are decoded.
Scan MergeScan(const MemorySplit& split, size_t tables, bool sorts) {
  constexpr int64_t kMinAhead = 2;
  constexpr int64_t kMaxAhead = 3;
  // Of a range whose rows the driver has to put in order, at most; the engine's pools do not count it. To put
  // them in order takes as much again, which a query with room for one range does not have.
  constexpr int64_t kRangeBytes = int64_t{64} << 20;
  const int64_t ahead = std::min(kMaxAhead, split.query / kRangeBytes);
  return {.partitions = static_cast<int>(std::max<size_t>(1, Cores() / tables)),
          .batch_rows = sorts ? 0 : kScanBatchRows,
          .ahead = sorts || ahead < kMinAhead ? 0 : static_cast<int>(ahead),
          .views = !sorts};
}

}  // namespace sheaf
