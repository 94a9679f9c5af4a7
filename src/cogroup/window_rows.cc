#include "cogroup/window_rows.h"

#include <arrow/array.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "cogroup/order_rows.h"
#include "cogroup/rows_by_place.h"

namespace sheaf {
namespace {

using Pieces = std::vector<std::shared_ptr<arrow::RecordBatch>>;

// A partition of just more than what may be loaded at once is cut into so many parts: rows are seldom spread
// evenly over the keys, and small parts leave a hot key alone.
constexpr int64_t kPartsOverLimit = 16;

// Partitions that are put in order at the same time.
constexpr size_t kMaxLoading = 4;

// Of what may be loaded as a whole, the part that may be read before there is room to load it: a disk is busy then
// from one window to the next.
constexpr int64_t kReadAheadPart = 4;

// Rows go to places in no order, and those of a large partition stand in no cache: where a row goes is asked for so
// many rows before.
constexpr size_t kAhead = 16;

// The place of a row whose key the set lacks. A partition has fewer keys than that.
constexpr auto kOrphan = static_cast<uint32_t>(-1);

// The rows of a partition by place; `counts`: rows of each place.
RowVector<RowRef> ByPlace(const std::vector<LargeKeyFilter::Placed>& placed,
                          const RowVector<int64_t>& counts) {
  RowVector<int64_t> next(counts.size());
  std::exclusive_scan(counts.begin(), counts.end(), next.begin(), int64_t{0});
  RowVector<RowRef> order(static_cast<size_t>(counts.empty() ? 0 : next.back() + counts.back()));
  for (uint32_t p = 0; p < placed.size(); ++p) {
    const RowVector<uint32_t>& places = placed[p].places;
    for (uint32_t row = 0; row < places.size(); ++row) {
      if (row + kAhead < places.size() && places[row + kAhead] != kOrphan) {
        __builtin_prefetch(&order[static_cast<size_t>(next[places[row + kAhead]])], /*rw=*/1);
      }
      if (places[row] == kOrphan) continue;
      order[static_cast<size_t>(next[places[row]]++)] = {p, row};
    }
  }
  return order;
}

}  // namespace

WindowRows::WindowRows(const TableInput& input, const KeySet& keys, ScatteredRows rows,
                       int64_t max_loaded, MemoryBudget* budget, TableCounters* counters,
                       std::optional<GroupMemory> groups)
    : input_(input),
      packing_(input.schema),
      keys_(keys),
      max_loaded_(max_loaded),
      budget_(budget),
      counters_(counters),
      whole_{std::move(rows)},
      share_(input, &packing_),
      loaders_(kMaxLoading) {
  if (groups) large_.emplace(input, *groups);
}

arrow::Result<TableShare> WindowRows::Take(const RankRange& window) {
  RankRange left = window;
  while (true) {
    ARROW_RETURN_NOT_OK(LoadAhead(window.end));
    if (left.size() == 0) break;
    if (!loaded_) {
      if (loading_.empty()) break;
      auto loaded = loading_.front().get();
      loading_.pop_front();
      ARROW_ASSIGN_OR_RAISE(loaded_, std::move(loaded));
      continue;  // the disk goes on to the next one
    }
    const int64_t end = loaded_->ranks.end;
    const RankRange taken{left.begin, std::min(window.end, end)};
    if (left.begin == window.begin && taken.size() > 0) {
      share_.Expect(window.size() / taken.size() + 1);  // partitions have about as many keys
    }
    ARROW_RETURN_NOT_OK(AddRows(taken, loaded_));
    left.begin = taken.end;
    if (taken.end == end) used_ = std::exchange(loaded_, nullptr);
  }
  if (large_) {
    ARROW_ASSIGN_OR_RAISE(auto large, large_->Take(window.begin, window.end));
    share_.AddLarge(std::move(large));
  }
  return share_.Finish();
}

// Adds the rows of these keys, the next ones of the partition, to the share.
arrow::Status WindowRows::AddRows(const RankRange& ranks, const std::shared_ptr<Loaded>& from) {
  const auto counts = std::span(from->counts)
                          .subspan(static_cast<size_t>(ranks.begin - from->ranks.begin),
                                   static_cast<size_t>(ranks.size()));
  const int64_t begin = from->taken;
  const int64_t rows = std::reduce(counts.begin(), counts.end());
  from->taken += rows;
  if (from->order.empty()) {
    const auto runs = RunsOf(from->pieces, begin, begin + rows);
    return share_.AddOrdered(from->pieces, {{}, runs}, counts, from);
  }
  const auto refs =
      std::span(from->order).subspan(static_cast<size_t>(begin), static_cast<size_t>(rows));
  auto runs = RunsOf(from->pieces);
  if (NumRows(runs) != rows) runs.clear();
  return share_.AddOrdered(from->pieces, {refs, runs}, counts, from);
}

// Starts to read the partitions that follow. One that begins below `rank` and is too large is scattered first.
arrow::Status WindowRows::ReadAhead(int64_t rank) {
  while (parts_.HasNext() || whole_.HasNext()) {
    Source& source = parts_.HasNext() ? parts_ : whole_;
    const RankRange ranks = source.NextRanks();
    const int64_t bytes = source.scattered.bytes[source.next];
    if (!due_.empty() && due_bytes_ + bytes > max_loaded_ / kReadAheadPart) break;
    if (&source == &whole_ && bytes > max_loaded_ && ranks.size() > 1) {
      // The others are still read from the parts that these replace.
      if (ranks.begin >= rank || !due_.empty() || !loading_.empty()) break;
      ARROW_RETURN_NOT_OK(ScatterParts());
    } else {
      StartRead(&source);
    }
  }
  return arrow::Status::OK();
}

void WindowRows::StartRead(Source* source) {
  const ScatteredRows& from = source->scattered;
  const RankRange ranks = source->NextRanks();
  const size_t partition = source->next++;
  const int64_t bytes = from.bytes[partition];
  due_.push_back({ranks, from.has_ranks, bytes, from.rows->Take(partition)});
  due_.back().rows.ReadAhead(max_loaded_ / kReadAheadPart);
  due_bytes_ += bytes;
}

// Starts to load the partitions that follow, so that the disk and the cores are busy together.
arrow::Status WindowRows::LoadAhead(int64_t rank) {
  while (true) {
    ARROW_RETURN_NOT_OK(ReadAhead(rank));
    if (!MayLoad(rank)) break;
    StartLoad();
  }
  used_.reset();
  return arrow::Status::OK();
}

// Of the partitions that begin below `rank` one may be loaded at any time, and more as there is room: all together are
// no more than one partition may be. Those behind are for the next window, and have less.
bool WindowRows::MayLoad(int64_t rank) const {
  if (due_.empty() || loading_.size() == kMaxLoading) return false;
  const bool is_next = due_.front().ranks.begin >= rank;
  if (!is_next && loading_.empty()) return true;
  const int64_t bytes = loaded_bytes_ + due_.front().bytes;
  return bytes <= (is_next ? max_loaded_ / kReadAheadPart : max_loaded_);
}

void WindowRows::StartLoad() {
  Due due = std::move(due_.front());
  due_.pop_front();
  due_bytes_ -= due.bytes;
  auto loaded = std::make_shared<Loaded>(due.ranks, due.bytes, &loaded_bytes_);
  loading_.push_back(loaders_.Ask(
      [this, due = std::move(due), loaded = std::move(loaded),
       used = std::exchange(used_, nullptr)]() mutable -> arrow::Result<std::shared_ptr<Loaded>> {
        used.reset();  // it is many small pieces of memory
        ARROW_RETURN_NOT_OK(Load(std::move(due), loaded.get()));
        return std::move(loaded);
      }));
}

// A counting sort of the rows of a partition by rank, and the order of each group: the next partition's while the
// rows of the one before are moved.
arrow::Status WindowRows::Load(Due due, Loaded* loaded) {
  ARROW_ASSIGN_OR_RAISE(const auto placed, TakePlaced(&due));
  loaded->counts.assign(static_cast<size_t>(loaded->ranks.size()), 0);
  bool stands = true;
  uint32_t last = 0;
  for (const auto& [piece, places] : placed) {
    for (const uint32_t place : places) {
      if (place == kOrphan) {
        ++counters_->orphans;
        stands = false;
        continue;
      }
      ++loaded->counts[place];
      stands = stands && place >= last;
      last = place;
    }
    arrow::ArrayVector columns = piece->columns();
    if (due.has_ranks) columns.pop_back();
    loaded->pieces.push_back(
        arrow::RecordBatch::Make(packing_.schema(), piece->num_rows(), std::move(columns)));
  }
  if (!stands) loaded->order = ByPlace(placed, loaded->counts);
  return OrderRows(input_, loaded->pieces, RunsOf(loaded->pieces), loaded->counts, &loaded->order);
}

// The rows of a partition but for those of large keys, which are set apart.
arrow::Result<std::vector<LargeKeyFilter::Placed>> WindowRows::TakePlaced(Due* due) {
  std::optional<LargeKeyFilter> filter;
  if (large_ && due->bytes > large_->held()) {
    filter.emplace(&packing_, due->ranks.begin, due->ranks.size(), &*large_);
  }
  std::vector<LargeKeyFilter::Placed> placed;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(Pieces pieces, due->rows.LoadSome());
    if (pieces.empty()) break;
    for (auto& piece : pieces) {
      ARROW_ASSIGN_OR_RAISE(auto places, Places(due->has_ranks, *piece, due->ranks.begin));
      if (filter) {
        ARROW_RETURN_NOT_OK(filter->Add({std::move(piece), std::move(places)}));
      } else {
        placed.push_back({std::move(piece), std::move(places)});
      }
    }
  }
  return filter ? filter->Finish() : std::move(placed);
}

// Scatters the rows of the next partition once more.
arrow::Status WindowRows::ScatterParts() {
  const RankRange ranks = whole_.NextRanks();
  const size_t partition = whole_.next++;
  const int64_t wanted = kPartsOverLimit * (whole_.scattered.bytes[partition] / max_loaded_ + 1);
  const int64_t part_keys = std::max<int64_t>(1, ranks.size() / wanted);
  parts_ = {};
  ScatteredRows& parts = parts_.scattered;
  for (int64_t rank = ranks.begin; rank < ranks.end; rank += part_keys) {
    parts.first_ranks.push_back(rank);
  }
  const size_t count = parts.first_ranks.size();
  parts.first_ranks.push_back(ranks.end);
  parts.bytes.resize(count);
  parts.has_ranks = whole_.scattered.has_ranks;
  // All tables may do so at the same time: each opens segments by its share of what may be loaded.
  const auto tables = static_cast<size_t>(std::max<int64_t>(1, budget_->limit() / max_loaded_));
  parts.rows = MakeRows(whole_.scattered.rows->schema(), count,
                        {.partitions = count, .tables = tables, .threads = 1}, budget_);
  RowsByPlace by_part;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const Pieces pieces, whole_.scattered.rows->TakeSome(partition));
    if (pieces.empty()) break;
    for (const auto& piece : pieces) {
      ARROW_ASSIGN_OR_RAISE(RowVector<uint32_t> part_of,
                            Places(parts.has_ranks, *piece, ranks.begin));
      for (uint32_t& place : part_of) {
        // An orphan is found again where its part is loaded: any will do.
        place = place == kOrphan ? 0 : place / static_cast<uint32_t>(part_keys);
      }
      by_part.Sort(part_of, count);
      ARROW_RETURN_NOT_OK(
          parts.rows->AppendAll(SegmentSource(piece), by_part, &parts.bytes).status());
    }
  }
  ARROW_RETURN_NOT_OK(parts.rows->MakeRoom());
  parts.CountSegments();
  return arrow::Status::OK();
}

// The place of each row's key among those from rank `first` on; kOrphan where the set lacks it.
arrow::Result<RowVector<uint32_t>> WindowRows::Places(bool has_ranks,
                                                      const arrow::RecordBatch& piece,
                                                      int64_t first) const {
  RowVector<uint32_t> places(static_cast<size_t>(piece.num_rows()));
  if (has_ranks) {
    const auto* ranks = piece.column_data(piece.num_columns() - 1)->GetValues<uint32_t>(1);
    for (size_t i = 0; i < places.size(); ++i) places[i] = ranks[i] - static_cast<uint32_t>(first);
    return places;
  }
  ARROW_ASSIGN_OR_RAISE(const auto columns, packing_.ColumnsAt(input_.key_columns, piece));
  ARROW_ASSIGN_OR_RAISE(const KeyVector keys, input_.key_encoder->Encode(columns));
  std::vector<int64_t> ranks;
  ARROW_RETURN_NOT_OK(keys_.Ranks(keys, &ranks));
  for (size_t i = 0; i < places.size(); ++i) {
    places[i] = ranks[i] < 0 ? kOrphan : static_cast<uint32_t>(ranks[i] - first);
  }
  return places;
}

}  // namespace sheaf
