#include "cogroup/batch_shaper.h"

#include <arrow/array.h>
#include <arrow/table.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "cogroup/group_bytes.h"
#include "cogroup/group_rows.h"
#include "cogroup/row_text.h"
#include "cogroup/take_rows.h"
#include "key/empty_rows.h"
#include "sheaf/error.h"
#include "spill/row_memory.h"

namespace sheaf {
namespace {

// Where bytes end a batch, windows are small, so that a batch need not be read far beyond its end.
constexpr int32_t kBytesWindowKeys = 4096;

// A part has this part of its bytes at least: a window that is no smaller is handed out as it is, without a copy.
constexpr int64_t kLeastPart = 2;

CutWindow SliceWindow(const CutWindow& window, int64_t begin, int64_t end) {
  if (begin == 0 && end == window.keys->num_rows()) return window;
  CutWindow slice;
  slice.keys = window.keys->Slice(begin, end - begin);
  for (const TableShare& table : window.tables) {
    const int32_t first = table.offsets->Value(begin);
    std::vector<int32_t> offsets;
    for (int64_t k = begin; k <= end; ++k) offsets.push_back(table.offsets->Value(k) - first);
    slice.tables.push_back({{table.name, table.rows_per_key,
                             table.rows->Slice(first, table.offsets->Value(end) - first),
                             OffsetsArray(std::move(offsets))},
                            {}});
    for (const LargeGroup& large : table.large) {
      if (large.group < begin || large.group >= end) continue;
      slice.tables.back().large.push_back({large.group - begin, large.rows});
    }
  }
  return slice;
}

// A group that fits in a batch, though a table's rows of it were too many to be held with those of others.
arrow::Result<CutWindow> InMemory(CutWindow group) {
  for (TableShare& table : group.tables) {
    if (table.large.empty()) continue;
    ARROW_ASSIGN_OR_RAISE(table.rows, table.large.front().rows->Next(
                                          std::numeric_limits<int64_t>::max(), /*min_rows=*/1));
    table.offsets = OffsetsArray({0, static_cast<int32_t>(table.rows->num_rows())});
    table.large.clear();
  }
  return group;
}

arrow::Result<TableShare> JoinTables(const std::vector<CutWindow>& parts, size_t t) {
  std::vector<std::shared_ptr<arrow::RecordBatch>> rows;
  std::vector<int32_t> offsets = {0};
  for (const CutWindow& part : parts) {
    const BatchTable& table = part.tables[t];
    const int32_t base = offsets.back();
    if (table.rows->num_rows() > std::numeric_limits<int32_t>::max() - base) {
      return TooLarge(table.name, arrow::Status::CapacityError("more than 2^31-1 rows"));
    }
    for (int64_t k = 1; k < table.offsets->length(); ++k) {
      offsets.push_back(base + table.offsets->Value(k));
    }
    rows.push_back(table.rows);
  }
  const BatchTable& first = parts[0].tables[t];
  auto joined = arrow::ConcatenateRecordBatches(rows, RowMemory());
  if (joined.status().IsInvalid()) return TooLarge(first.name, joined.status());
  ARROW_RETURN_NOT_OK(joined.status());
  return TableShare{
      {first.name, first.rows_per_key, *std::move(joined), OffsetsArray(std::move(offsets))}, {}};
}

arrow::Result<CutWindow> Join(std::vector<CutWindow> parts) {
  if (parts.size() == 1) return std::move(parts[0]);
  CutWindow joined;
  std::vector<std::shared_ptr<arrow::RecordBatch>> keys;
  keys.reserve(parts.size());
  for (const CutWindow& part : parts) keys.push_back(part.keys);
  ARROW_ASSIGN_OR_RAISE(joined.keys, arrow::ConcatenateRecordBatches(keys));
  for (size_t t = 0; t < parts[0].tables.size(); ++t) {
    ARROW_ASSIGN_OR_RAISE(TableShare table, JoinTables(parts, t));
    joined.tables.push_back(std::move(table));
  }
  return joined;
}

// A window of these tables that has no keys.
arrow::Result<CutWindow> Nothing(const CutWindow& window) {
  CutWindow nothing;
  ARROW_ASSIGN_OR_RAISE(nothing.keys, EmptyRows(window.keys->schema()));
  for (const TableShare& table : window.tables) {
    ARROW_ASSIGN_OR_RAISE(auto rows, EmptyRows(table.rows->schema()));
    nothing.tables.push_back(
        {{table.name, table.rows_per_key, std::move(rows), OffsetsArray({0})}, {}});
  }
  return nothing;
}

bool DropsMissing(const Job& job) {
  return job.policy.missing == Policy::Missing::kDrop &&
         std::ranges::any_of(job.tables,
                             [](const Table& t) { return t.rows_per_key == Cardinality::kOne; });
}

}  // namespace

int32_t WindowKeys(const Job& job) {
  return job.max_bytes ? std::min(job.max_keys, kBytesWindowKeys) : job.max_keys;
}

BatchShaper::BatchShaper(const Job& job, int64_t max_group_bytes, std::optional<int64_t> part_bytes)
    : max_keys_(job.max_keys),
      max_bytes_(job.max_bytes),
      max_group_bytes_(max_group_bytes),
      part_bytes_(part_bytes),
      drops_missing_(DropsMissing(job)),
      policy_(job.policy),
      group_sizes_(job.tables.size()) {}

arrow::Status BatchShaper::Add(CutWindow window) {
  if (drops_missing_) ARROW_RETURN_NOT_OK(DropMissing(&window));
  const int64_t num_keys = window.keys->num_rows();
  const GroupBytes sizes(window);
  const std::vector<int64_t> apart = sizes.Beyond(max_group_bytes_);
  auto next_apart = apart.begin();
  int64_t begin = 0;
  for (int64_t k = 0; k < num_keys; ++k) {
    const bool is_apart = next_apart != apart.end() && *next_apart == k;
    const int64_t bytes = max_bytes_ || is_apart ? sizes.Of(k) : 0;
    const bool oversize = bytes > max_group_bytes_;
    const bool full =
        keys_ == max_keys_ || (max_bytes_ && keys_ > 0 && bytes_ + bytes > *max_bytes_);
    if (full || is_apart) {
      if (k > begin) AddSlice(window, sizes, begin, k);
      begin = k;
    }
    if (full || oversize) ARROW_RETURN_NOT_OK(EndBatch());
    if (is_apart) {
      ++next_apart;
      begin = k + 1;
      ARROW_RETURN_NOT_OK(AddApart(SliceWindow(window, k, k + 1), bytes));
    }
    if (oversize) continue;
    ++keys_;
    bytes_ += bytes;
  }
  if (begin < num_keys) AddSlice(window, sizes, begin, num_keys);
  if (keys_ == max_keys_) return EndBatch();
  const bool ends_part = part_bytes_ && windows_bytes_ > *part_bytes_ / kLeastPart;
  return ends_part ? EndPart(/*last=*/false) : arrow::Status::OK();
}

// Adds the keys [begin, end) of a window to the part being formed.
void BatchShaper::AddSlice(const CutWindow& window, const GroupBytes& sizes, int64_t begin,
                           int64_t end) {
  windows_.push_back(SliceWindow(window, begin, end));
  windows_bytes_ += sizes.InMemory(begin, end);
}

arrow::Status BatchShaper::Finish() { return EndBatch(); }

arrow::Result<std::optional<Batch>> BatchShaper::Take() {
  while (!finished_.empty()) {
    if (auto* part = std::get_if<Part>(&finished_.front())) {
      ARROW_RETURN_NOT_OK(CountGroups(part->window));
      Batch batch = Make(std::move(part->window), /*continued=*/false, part->part);
      finished_.pop_front();
      return batch;
    }
    auto& oversize = std::get<OversizeGroup>(finished_.front());
    if (!continues_) ARROW_RETURN_NOT_OK(CountGroups(oversize.window()));
    ARROW_ASSIGN_OR_RAISE(auto piece, oversize.Next());
    if (piece) return Make(*std::move(piece), std::exchange(continues_, true), BatchPart{});
    continues_ = false;
    finished_.pop_front();
    RowMemory()->ReleaseUnused();  // pieces leave blocks that nothing else fits into
  }
  return std::nullopt;
}

arrow::Status BatchShaper::CountGroups(const CutWindow& window) {
  std::vector<int64_t> counts(static_cast<size_t>(window.keys->num_rows()));
  for (size_t t = 0; t < window.tables.size(); ++t) {
    const TableShare& table = window.tables[t];
    for (size_t k = 0; k < counts.size(); ++k) {
      const auto group = static_cast<int64_t>(k);
      counts[k] = table.offsets->Value(group + 1) - table.offsets->Value(group);
    }
    for (const LargeGroup& large : table.large) {
      counts[static_cast<size_t>(large.group)] = large.rows->num_rows();
    }
    ARROW_RETURN_NOT_OK(group_sizes_[t].Add(counts, *window.keys));
  }
  return arrow::Status::OK();
}

// A key by itself: batches of its own where its rows are too many for one.
arrow::Status BatchShaper::AddApart(CutWindow group, int64_t bytes) {
  if (bytes <= max_group_bytes_) {
    ARROW_ASSIGN_OR_RAISE(group, InMemory(std::move(group)));
    windows_.push_back(std::move(group));
    windows_bytes_ += bytes;
    return arrow::Status::OK();
  }
  if (policy_.oversize == Policy::Oversize::kError) {
    const std::string limit =
        max_bytes_ ? "max_bytes = " + std::to_string(*max_bytes_)
                   : std::to_string(max_group_bytes_) + ", which memory has room for in one batch";
    const std::string setting = max_bytes_ ? "batch.max_bytes" : "batch.memory";
    return MakeError(ErrorKind::kPolicy, "the rows of key " + RowText(*group.keys, 0) + " have " +
                                             std::to_string(bytes) + " bytes, more than " + limit +
                                             "; raise " + setting +
                                             ", or set policy.oversize = \"continue\"");
  }
  finished_.emplace_back(std::in_place_type<OversizeGroup>, std::move(group), max_group_bytes_);
  return arrow::Status::OK();
}

arrow::Status BatchShaper::DropMissing(CutWindow* window) {
  std::vector<int64_t> keep;
  for (int64_t k = 0; k < window->keys->num_rows(); ++k) {
    const bool missing = std::ranges::any_of(window->tables, [k](const TableShare& table) {
      return table.rows_per_key == Cardinality::kOne && RowsOfGroup(table, k) == 0;
    });
    if (!missing) keep.push_back(k);
  }
  const auto kept = static_cast<int64_t>(keep.size());
  if (kept == window->keys->num_rows()) return arrow::Status::OK();
  dropped_keys_ += window->keys->num_rows() - kept;
  for (TableShare& table : window->tables) {
    ARROW_ASSIGN_OR_RAISE(static_cast<BatchTable&>(table), TakeGroups(table, keep));
    std::erase_if(table.large, [&](LargeGroup& large) {
      const auto kept_as = std::ranges::lower_bound(keep, large.group);
      if (kept_as == keep.end() || *kept_as != large.group) return true;
      large.group = kept_as - keep.begin();
      return false;
    });
  }
  return TakeRows(window->keys, std::move(keep)).Value(&window->keys);
}

// Hands out what there is of the batch being formed.
arrow::Status BatchShaper::EndPart(bool last) {
  if (windows_.empty()) {
    finished_.emplace_back(Part{nothing_, {ended_keys_, last}});
    return arrow::Status::OK();
  }
  ARROW_ASSIGN_OR_RAISE(CutWindow joined, Join(std::exchange(windows_, {})));
  windows_bytes_ = 0;
  if (!last && nothing_.keys == nullptr) {
    ARROW_ASSIGN_OR_RAISE(nothing_, Nothing(joined));
  }
  const int64_t keys = joined.keys->num_rows();
  finished_.emplace_back(Part{std::move(joined), {ended_keys_, last}});
  ended_keys_ += keys;
  return arrow::Status::OK();
}

arrow::Status BatchShaper::EndBatch() {
  if (windows_.empty() && ended_keys_ == 0) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(EndPart(/*last=*/true));
  keys_ = 0;
  bytes_ = 0;
  ended_keys_ = 0;
  return arrow::Status::OK();
}

Batch BatchShaper::Make(CutWindow window, bool continued, const BatchPart& part) {
  std::vector<BatchTable> tables;
  for (TableShare& table : window.tables) {
    table.rows_per_key = DeliveredCardinality(policy_, table.rows_per_key);
    tables.push_back(std::move(table));
  }
  const int64_t index = part.last ? next_index_++ : next_index_;
  return {index, std::move(window.keys), std::move(tables), continued, part};
}

}  // namespace sheaf
