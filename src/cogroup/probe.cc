#include "cogroup/probe.h"

#include <arrow/array.h>
#include <arrow/scalar.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cogroup/bytes_by_rank.h"
#include "cogroup/key_pushdown.h"
#include "cogroup/key_ranges.h"
#include "cogroup/lane_reader.h"
#include "cogroup/memory_split.h"
#include "cogroup/memory_turns.h"
#include "cogroup/range_scatter.h"
#include "cogroup/rank_scatter.h"
#include "cogroup/row_text.h"
#include "cogroup/take_rows.h"
#include "cogroup/window_rows.h"
#include "engine/range_query.h"
#include "key/key_set.h"
#include "sheaf/error.h"
#include "spill/memory_budget.h"

namespace sheaf {
namespace {

// Keys are dense where a range holds at most this many numbers a key: reading rows of other keys and
// dropping them here then costs the engine no more than a temporary table (docs/architecture.md).
constexpr double kMaxNumbersPerKey = 4;

// One range of keys on its way to a batch. Guarded by the reader's mutex until `keys` is set, and the parts until they
// are; after that it does not change.
struct ProbeWindow {
  KeyRange range;
  int unread = 0;  // selecting tables whose rows in the range are not yet read
  KeySetBuilder builder;
  std::vector<Chunk> found;  // keys of the selecting tables' rows, with repeats, in the key schema
  std::unique_ptr<KeySet> keys;
  std::shared_ptr<arrow::RecordBatch> key_rows;  // a row a key, ascending
  BytesByRank scattered;                         // of the tables whose rows are all read
  std::vector<RankRange> parts;  // whose rows are put together at a time; set once all are read
  std::shared_ptr<ProbeWindow> next;
  bool last = false;  // nothing comes after it
};

// The number of values from the first to the last of the keys, which ascend; nullopt where they are no
// single whole numbers.
std::optional<double> SpanOf(const arrow::RecordBatch& keys) {
  if (keys.num_columns() != 1 || !arrow::is_integer(keys.column(0)->type_id())) return std::nullopt;
  const auto number = [&](int64_t row) -> arrow::Result<double> {
    ARROW_ASSIGN_OR_RAISE(const auto scalar, keys.column(0)->GetScalar(row));
    ARROW_ASSIGN_OR_RAISE(const auto wide, scalar->CastTo(arrow::float64()));
    return static_cast<const arrow::DoubleScalar&>(*wide).value;
  };
  const auto first = number(0);
  const auto last = number(keys.num_rows() - 1);
  if (!first.ok() || !last.ok()) return std::nullopt;
  return *last - *first + 1;
}

bool AreDense(const arrow::RecordBatch& keys) {
  const std::optional<double> span = SpanOf(keys);
  return span && *span <= kMaxNumbersPerKey * static_cast<double>(keys.num_rows());
}

// A driver that lacks what only this strategy needs.
arrow::Status AdviseOnDriver(const arrow::Status& status) {
  if (!status.IsNotImplemented()) return status;
  return status.WithMessage(status.message() +
                            "; strategy probe binds parameters and fills temporary tables: set "
                            "batch.strategy = \"merge\" or \"partition\"");
}

class ProbeReader final : public LaneReader {
 public:
  ProbeReader(std::shared_ptr<Engine> engine, ResolvedJob resolved, Plan plan)
      : LaneReader(std::move(engine), std::move(resolved), std::move(plan), KeyOrder::kAny),
        rows_budget_(split().rows),
        scans_(split().scans) {
    for (const auto& lane : lanes()) {
      if (lane->input->connection != nullptr) {
        lane->input->connection->SetScan({.batch_rows = split().batch_rows, .views = true});
      }
      if (lane->input->table.selects_keys) {
        selecting_.push_back(lane->input);
      } else {
        lane->counters.filtered_by_engine = true;
      }
    }
    position_->unread = static_cast<int>(selecting_.size());
    finder_ = std::thread([this, window = position_] {
      if (const auto status = FindRanges(window); !status.ok()) Fail(AdviseOnDriver(status));
    });
    for (const auto& lane : lanes()) {
      StartThread(lane.get(),
                  [this, &lane, window = position_] { return RunLane(lane.get(), window); });
    }
  }

  ~ProbeReader() override {
    Cancel();
    finder_.join();
    Stop();
  }

 private:
  using WindowPtr = std::shared_ptr<ProbeWindow>;

  arrow::Result<std::optional<CutWindow>> NextWindow() override;
  void Wake() override;
  std::optional<int64_t> TotalKeys() const override;

  arrow::Status FindRanges(WindowPtr window);
  arrow::Status RunLane(Lane* lane, WindowPtr window);
  arrow::Result<ScatteredRows> Scatter(Lane* lane, ProbeWindow* window);
  std::vector<RankRange> PlanParts(const ScatteredRows& rows, ProbeWindow* window);
  arrow::Status Read(Lane* lane, ChunkReader::OpenStream open,
                     const std::function<arrow::Status(const Chunk&)>& keep,
                     ReadAhead::Prepare prepare = nullptr);
  arrow::Status ReadNullKeys(Lane* lane);
  arrow::Status ReadSelected(Lane* lane, ProbeWindow* window, RangeScatter* rows);
  arrow::Status ReadProbed(Lane* lane, const ProbeWindow& window, RankScatter* rows);
  arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Query(
      const TableInput& input, const KeyRange& range,
      const std::shared_ptr<arrow::RecordBatch>& keys) const;
  arrow::Result<Chunk> KeysOf(const TableInput& input, const Chunk& chunk) const;
  arrow::Status FinishKeys(ProbeWindow* window) const;
  arrow::Status CheckInRange(const ProbeWindow& window) const;
  arrow::Status Done(ProbeWindow* window);
  WindowPtr NextOf(const ProbeWindow& window);
  bool WaitForKeys(const ProbeWindow& window);

  MemoryBudget rows_budget_;
  MemoryTurns scans_;
  std::vector<const TableInput*> selecting_;
  std::thread finder_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;  // guarded by mutex_
  std::optional<double>
      key_bytes_;  // of the rows of a key, in the window before; guarded by mutex_

  std::atomic<int64_t> total_keys_ = -1;

  // The window of the batch before, at first one that has no keys, and how many keys are left of it. Used by the caller
  // of Next() alone.
  WindowPtr position_ = std::make_shared<ProbeWindow>();
  int64_t keys_left_ = 0;
};

// Adds a window whenever the selecting tables' connections are free: while a range is being looked for,
// the other tables are still asked for the rows of the one before.
arrow::Status ProbeReader::FindRanges(WindowPtr window) {
  KeyRangeFinder ranges(*engine(), selecting_, resolved(), WindowKeys(job()), split().query);
  int64_t keys = 0;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopped_ || window->unread == 0; });
      if (stopped_) return arrow::Status::OK();
      if (window->keys != nullptr) keys += window->keys->size();
    }
    ARROW_ASSIGN_OR_RAISE(std::optional<KeyRange> range, ranges.Next());
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
    if (!range) {
      window->last = true;
      total_keys_ = keys;
      return arrow::Status::OK();
    }
    window->next = std::make_shared<ProbeWindow>();
    window = window->next;
    window->range = *std::move(range);
    window->unread = static_cast<int>(selecting_.size());
  }
}

arrow::Status ProbeReader::RunLane(Lane* lane, WindowPtr window) {
  const bool selects = lane->input->table.selects_keys;
  ARROW_RETURN_NOT_OK(ReadNullKeys(lane));
  if (selects) ARROW_RETURN_NOT_OK(Done(window.get()));
  while ((window = NextOf(*window)) != nullptr) {
    lane->shares.WaitUntilEmpty();  // one batch is made while another is consumed
    ARROW_ASSIGN_OR_RAISE(ScatteredRows scattered, Scatter(lane, window.get()));
    if (scattered.rows == nullptr) return arrow::Status::OK();  // the run failed
    if (window->keys->size() == 0) continue;
    const std::vector<RankRange> parts = PlanParts(scattered, window.get());
    WindowRows rows(*lane->input, *window->keys, std::move(scattered), split().table_partition,
                    &rows_budget_, &lane->counters, GroupMemory::Of(job().memory, lanes().size()));
    for (const RankRange& part : parts) {
      ARROW_ASSIGN_OR_RAISE(const bool put, PutShare(lane, [&] { return rows.Take(part); }));
      if (!put) return arrow::Status::OK();
    }
  }
  lane->shares.End();
  return arrow::Status::OK();
}

// What is put together at a time: the same keys of all tables. Where bytes limit it, rows are taken to be as long as
// those of the window before; of the first, all tables have to be read before. None once the run has failed.
std::vector<RankRange> ProbeReader::PlanParts(const ScatteredRows& rows, ProbeWindow* window) {
  const int64_t keys = window->keys->size();
  const std::optional<int64_t> most = window_bytes();
  std::unique_lock lock(mutex_);
  if (!most) {
    window->parts = {{0, keys}};
    return window->parts;
  }
  BytesByRank& bytes = window->scattered;
  bytes.Add(rows);
  const bool all_read = bytes.tables() == lanes().size();
  if (window->parts.empty() && (all_read || key_bytes_)) {
    const double fitting = static_cast<double>(*most) / std::max(1.0, key_bytes_.value_or(1));
    for (int64_t begin = 0; begin < keys; begin = window->parts.back().end) {
      const int64_t end = all_read ? bytes.EndWithin(begin, keys, *most)
                                   : std::min(keys, begin + 1 + static_cast<int64_t>(fitting));
      window->parts.push_back({begin, end});
    }
    changed_.notify_all();
  }
  if (all_read) key_bytes_ = static_cast<double>(bytes.Below(keys)) / static_cast<double>(keys);
  changed_.wait(lock, [&] { return stopped_ || !window->parts.empty(); });
  return window->parts;
}

// The table's rows in a window, in their partitions; none at all once the run has failed.
arrow::Result<ScatteredRows> ProbeReader::Scatter(Lane* lane, ProbeWindow* window) {
  if (lane->input->table.selects_keys) {
    RangeScatter rows(*lane->input, lanes().size(), split().table_partition, &rows_budget_);
    ARROW_RETURN_NOT_OK(ReadSelected(lane, window, &rows));
    if (!WaitForKeys(*window)) return ScatteredRows();
    return rows.Finish(*window->keys);
  }
  if (!WaitForKeys(*window)) return ScatteredRows();
  RankScatter rows(*lane->input, *window->keys, lanes().size(), &rows_budget_, &lane->counters);
  if (window->keys->size() > 0) ARROW_RETURN_NOT_OK(ReadProbed(lane, *window, &rows));
  return rows.Finish();
}

arrow::Status ProbeReader::Read(Lane* lane, ChunkReader::OpenStream open,
                                const std::function<arrow::Status(const Chunk&)>& keep,
                                ReadAhead::Prepare prepare) {
  const auto advised =
      [open = std::move(open)]() -> arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> {
    auto stream = open();
    ARROW_RETURN_NOT_OK(AdviseOnDriver(stream.status()));
    return stream;
  };
  return LaneReader::Read(lane, &scans_, advised, keep, std::move(prepare));
}

// No range holds them: they are asked for once, for the policy and the count.
arrow::Status ProbeReader::ReadNullKeys(Lane* lane) {
  const TableInput& input = *lane->input;
  const bool nullable = std::ranges::any_of(input.key_columns, [&](const ColumnPath& column) {
    return IsNullable(*input.schema, column);
  });
  if (input.absent || !nullable) return arrow::Status::OK();
  const std::string sql = NullKeysQuery(engine()->impl().dialect(), input.query, SqlColumns(input));
  return Read(
      lane, [&input, sql, this] { return input.connection->Query(sql, split().query); },
      [](const Chunk&) { return arrow::Status::OK(); });
}

arrow::Status ProbeReader::ReadSelected(Lane* lane, ProbeWindow* window, RangeScatter* rows) {
  const TableInput& input = *lane->input;
  ARROW_RETURN_NOT_OK(Read(
      lane, [&] { return Query(input, window->range, nullptr); },
      [&](const Chunk& chunk) -> arrow::Status {
        ARROW_ASSIGN_OR_RAISE(Chunk found, KeysOf(input, chunk));
        {
          const std::lock_guard lock(mutex_);
          window->builder.Add(found.keys);
          window->found.push_back(std::move(found));
        }
        return rows->Add(chunk);
      }));
  return Done(window);
}

arrow::Status ProbeReader::ReadProbed(Lane* lane, const ProbeWindow& window, RankScatter* rows) {
  const TableInput& input = *lane->input;
  const auto& keys = window.key_rows;
  const KeyRange range{LowerEnd::kFrom, keys->Slice(0, 1), keys->Slice(keys->num_rows() - 1)};
  const bool join = CanFilter(input, *key_schema()) && !AreDense(*keys);
  ARROW_RETURN_NOT_OK(Read(
      lane, [&] { return Query(input, range, join ? keys : nullptr); },
      [rows](const Chunk& chunk) { return rows->Add(chunk); },
      [rows](Chunk* chunk) { return rows->Prepare(chunk); }));
  return join ? DropKeys(input) : arrow::Status::OK();
}

// The table's rows in a range, and, where `keys` is given, only those of these keys.
arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> ProbeReader::Query(
    const TableInput& input, const KeyRange& range,
    const std::shared_ptr<arrow::RecordBatch>& keys) const {
  if (input.absent) return arrow::RecordBatchReader::Make({}, input.schema);
  const RangeKey key = RangeKeyOf(input, *key_schema());
  ARROW_ASSIGN_OR_RAISE(const BoundRange bound, BindRange(key, range));
  std::string sql =
      RangeQuery(engine()->impl().dialect(), input.query, key, bound.lower, bound.has_upper);
  if (keys != nullptr) {
    ARROW_ASSIGN_OR_RAISE(sql, FilteredQuery(*engine(), input, sql, keys));
  }
  return input.connection->Query(sql, split().query, bound.parameters);
}

// The key columns of a chunk, of rows with one key that follow each other only the first: a copy, which
// does not hold on to the engine's rows.
arrow::Result<Chunk> ProbeReader::KeysOf(const TableInput& input, const Chunk& chunk) const {
  std::vector<int64_t> first = chunk.keys.RunStarts();
  Chunk found;
  found.keys = chunk.keys.Take(first);
  ARROW_ASSIGN_OR_RAISE(const auto key_rows, ConformKeys(input, *chunk.rows, key_schema()));
  ARROW_ASSIGN_OR_RAISE(found.rows, TakeRows(key_rows, std::move(first)));
  return found;
}

// A selecting table is done with the window; the last one makes its key set.
arrow::Status ProbeReader::Done(ProbeWindow* window) {
  const std::lock_guard lock(mutex_);
  if (window->unread == 1) ARROW_RETURN_NOT_OK(FinishKeys(window));
  --window->unread;
  changed_.notify_all();
  return arrow::Status::OK();
}

arrow::Status ProbeReader::FinishKeys(ProbeWindow* window) const {
  window->keys = window->builder.Finish();
  const std::vector<Chunk> found = std::exchange(window->found, {});
  if (found.empty()) return arrow::Status::OK();
  // Of each key the first row found, wherever that was.
  std::vector<int64_t> first(static_cast<size_t>(window->keys->size()), -1);
  std::vector<std::shared_ptr<arrow::RecordBatch>> key_rows;
  std::vector<int64_t> ranks;
  int64_t base = 0;
  for (const Chunk& chunk : found) {
    ARROW_RETURN_NOT_OK(window->keys->Ranks(chunk.keys, &ranks));
    for (size_t i = 0; i < ranks.size(); ++i) {
      int64_t& row = first[static_cast<size_t>(ranks[i])];
      if (row < 0) row = base + static_cast<int64_t>(i);
    }
    base += chunk.rows->num_rows();
    key_rows.push_back(chunk.rows);
  }
  ARROW_ASSIGN_OR_RAISE(const auto all, arrow::ConcatenateRecordBatches(key_rows));
  ARROW_ASSIGN_OR_RAISE(window->key_rows, TakeRows(all, std::move(first)));
  return CheckInRange(*window);
}

// An engine that compares keys otherwise would deliver a key in two batches, or in none.
arrow::Status ProbeReader::CheckInRange(const ProbeWindow& window) const {
  const auto compare = [&](const std::shared_ptr<arrow::RecordBatch>& a,
                           const std::shared_ptr<arrow::RecordBatch>& b) -> arrow::Result<int> {
    const RowEncoder& encoder = *selecting_[0]->key_encoder;
    ARROW_ASSIGN_OR_RAISE(const KeyVector x, encoder.Encode(a->columns()));
    ARROW_ASSIGN_OR_RAISE(const KeyVector y, encoder.Encode(b->columns()));
    return CompareKeys(x, 0, y, 0);
  };
  const auto& keys = window.key_rows;
  const KeyRange& range = window.range;
  bool inside = true;
  if (range.lower != nullptr) {
    ARROW_ASSIGN_OR_RAISE(const int order, compare(keys->Slice(0, 1), range.lower));
    inside = order > 0 || (order == 0 && range.lower_end == LowerEnd::kFrom);
  }
  if (range.upper != nullptr) {
    ARROW_ASSIGN_OR_RAISE(const int order, compare(keys->Slice(keys->num_rows() - 1), range.upper));
    inside = inside && order <= 0;
  }
  if (inside) return arrow::Status::OK();
  const auto text = [](const std::shared_ptr<arrow::RecordBatch>& end) {
    return end == nullptr ? "no end" : "{" + RowText(*end, 0) + "}";
  };
  return MakeError(ErrorKind::kEngine,
                   "the engine compares keys otherwise than sheaf: asked for a range from " +
                       text(range.lower) + " to " + text(range.upper) + ", it delivered {" +
                       RowText(*keys, 0) + "} to {" + RowText(*keys, keys->num_rows() - 1) +
                       "}; set batch.strategy = \"partition\", which lets it compare none");
}

// The window after `window`; null where none follows, and once the run has failed.
ProbeReader::WindowPtr ProbeReader::NextOf(const ProbeWindow& window) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stopped_ || window.last || window.next != nullptr; });
  return stopped_ ? nullptr : window.next;
}

// False once the run has failed.
bool ProbeReader::WaitForKeys(const ProbeWindow& window) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stopped_ || window.unread == 0; });
  return !stopped_;
}

void ProbeReader::Wake() {
  scans_.Close();
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

std::optional<int64_t> ProbeReader::TotalKeys() const {
  const int64_t total = total_keys_;
  if (total < 0) return std::nullopt;
  return total;
}

arrow::Result<std::optional<CutWindow>> ProbeReader::NextWindow() {
  while (keys_left_ == 0) {
    WindowPtr window = NextOf(*position_);
    if (window == nullptr) {
      WaitForLanes();
      return std::nullopt;
    }
    position_ = std::move(window);
    if (!WaitForKeys(*position_)) return std::nullopt;
    keys_left_ = position_->keys->size();
  }
  std::optional<std::vector<TableShare>> tables = PopShares();
  if (!tables) return std::nullopt;
  const int64_t begin = position_->keys->size() - keys_left_;
  const int64_t count = (*tables)[0].offsets->length() - 1;
  keys_left_ -= count;
  return CutWindow{position_->key_rows->Slice(begin, count), *std::move(tables)};
}

}  // namespace

arrow::Status CheckProbe(const ResolvedJob& resolved) {
  for (const TableInput& input : resolved.tables) {
    if (input.link != nullptr) continue;  // read whole, whatever the strategy
    const std::string table = TableContext(input.table);
    if (input.table.stream != nullptr) {
      return MakeError(ErrorKind::kJob,
                       table +
                           ": strategy probe asks for the rows of some keys, which a stream "
                           "can't be; use merge or partition");
    }
    if (!input.table.substrait.empty()) {
      return MakeError(ErrorKind::kJob,
                       table +
                           ": strategy probe asks for the rows of some keys, which a Substrait "
                           "plan can't be; use partition");
    }
    // Engines compare durations as intervals of months, days and nanoseconds, and take no parameters of extension types.
    for (const ColumnPath& column : input.key_columns) {
      const arrow::Type::type id = column.type->id();
      if (id != arrow::Type::DURATION && id != arrow::Type::EXTENSION) continue;
      return MakeError(ErrorKind::kEngine, table + ": strategy probe can't compare keys of type " +
                                               column.type->ToString() +
                                               " in the engine; use merge or partition");
    }
    if (!input.table.selects_keys || input.absent) continue;
    const RangeKey key = RangeKeyOf(input, *resolved.key_schema);
    if (key.exact) continue;
    return MakeError(ErrorKind::kEngine,
                     table +
                         ": strategy probe needs keys of one type in all selecting tables; "
                         "use merge or partition");
  }
  return arrow::Status::OK();
}

std::unique_ptr<BatchReader> OpenProbe(std::shared_ptr<Engine> engine, ResolvedJob resolved,
                                       Plan plan) {
  return std::make_unique<ProbeReader>(std::move(engine), std::move(resolved), std::move(plan));
}

std::string ProbeQuery(const Engine& engine, const TableInput& input,
                       const arrow::Schema& key_schema) {
  if (input.query.empty() || input.absent) return "";
  const bool selects = input.table.selects_keys;
  const std::string sql =
      RangeQuery(engine.impl().dialect(), input.query, RangeKeyOf(input, key_schema),
                 selects ? LowerEnd::kAbove : LowerEnd::kFrom, true);
  return selects || !CanFilter(input, key_schema) ? sql : FilteredQueryText(engine, input, sql);
}

}  // namespace sheaf
