#include "cogroup/table_cutter.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "cogroup/row_builder.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

// Of a chunk that has so many times the rows that are kept of it these are copied: it would take memory for nothing
// until the window is cut.
constexpr int64_t kMaxWaste = 4;

// Walks `rows`, those of a piece, from `*row` and `keys` from `*key` side by side until one of them ends. Adds the runs
// of rows that have one of the keys; returns how many rows have none.
template <typename Vector>
int64_t Match(const Vector& rows, const Vector& keys, uint32_t piece, size_t* row, size_t* key,
              std::vector<int64_t>* counts, std::vector<RowRun>* runs) {
  int64_t orphans = 0;
  size_t r = *row;
  size_t k = *key;
  while (r < rows.size() && k < keys.size()) {
    if (rows[r] < keys[k]) {
      ++orphans;
      ++r;
    } else if (keys[k] < rows[r]) {
      ++k;
    } else {
      const size_t begin = r;
      do {
        ++r;
      } while (r < rows.size() && rows[r] == keys[k]);
      (*counts)[k] += static_cast<int64_t>(r - begin);
      if (!runs->empty() && runs->back().piece == piece &&
          runs->back().end == static_cast<int64_t>(begin)) {
        runs->back().end = static_cast<int64_t>(r);
      } else {
        runs->push_back({piece, static_cast<int64_t>(begin), static_cast<int64_t>(r)});
      }
    }
  }
  *row = r;
  *key = k;
  return orphans;
}

}  // namespace

TableCutter::TableCutter(const TableInput& input, ChunkReader* rows, TableCounters* counters,
                         GroupMemory groups, OnRead on_read)
    : input_(input),
      rows_(rows),
      counters_(counters),
      on_read_(std::move(on_read)),
      pending_(input, groups.held),
      large_(input, groups) {}

arrow::Result<bool> TableCutter::Read() {
  if (ended_) return false;
  auto next = rows_->Next();
  if (!next.ok()) return WithContext(next.status(), TableContext(input_.table));
  std::optional<Chunk> chunk = *std::move(next);
  ended_ = !chunk;
  ARROW_RETURN_NOT_OK(on_read_(ended_ ? nullptr : &*chunk));
  has_read_ = true;
  if (chunk) ARROW_RETURN_NOT_OK(pending_.Push(*std::move(chunk)));
  return !ended_;
}

arrow::Result<bool> TableCutter::HasRows() { return pending_.empty() ? Read() : true; }

arrow::Status TableCutter::Cut(const Window& window, ShareBuilder* share) {
  const auto num_keys = static_cast<size_t>(window.keys.size());
  counts_.assign(num_keys, 0);
  runs_.clear();
  cut_bytes_ = 0;
  size_t key = 0;
  while (key < num_keys) {
    ARROW_ASSIGN_OR_RAISE(const bool has_rows, HasRows());
    if (!has_rows) break;
    const size_t first_key = key;
    const size_t first_run = runs_.size();
    ARROW_RETURN_NOT_OK(CutChunk(window, &key));
    if (row_ == static_cast<size_t>(pending_.FrontRows())) {
      pending_.PopFront();
      row_ = 0;
    }
    if (large_.Has(static_cast<int64_t>(first_key))) {
      ARROW_RETURN_NOT_OK(MoveRows(first_key, first_run, /*skip=*/0));
    }
    if (key < num_keys) ARROW_RETURN_NOT_OK(MoveLarge(key));
  }
  // Numbers of the window's groups become those of the share's.
  ARROW_ASSIGN_OR_RAISE(auto large,
                        large_.Take(-share->num_keys(), static_cast<int64_t>(num_keys)));
  share->AddLarge(std::move(large));
  return share->Add(std::exchange(pieces_, {}), runs_, counts_);
}

// A group whose rows may go on in the next chunk is moved to disk once it is large.
arrow::Status TableCutter::MoveLarge(size_t key) {
  if (counts_[key] == 0 || row_bytes_ * counts_[key] <= large_.held()) return arrow::Status::OK();
  // Its rows are the last ones.
  size_t run = runs_.size();
  int64_t rows = 0;
  while (rows < counts_[key]) rows += runs_[--run].num_rows();
  return MoveRows(key, run, rows - counts_[key]);
}

// Moves all rows of a group out of the runs. They begin at row `skip` of a run.
arrow::Status TableCutter::MoveRows(size_t key, size_t first_run, int64_t skip) {
  std::vector<RowRun> others;
  for (size_t r = first_run; r < runs_.size(); ++r) {
    const auto [piece, first, end] = runs_[r];
    const int64_t begin = first + skip;
    const int64_t moved = std::min(counts_[key], end - begin);
    if (first < begin) others.push_back({piece, first, begin});
    if (moved > 0) {
      ARROW_RETURN_NOT_OK(
          large_.Add(static_cast<int64_t>(key), pieces_[piece]->Slice(begin, moved)));
    }
    if (begin + moved < end) others.push_back({piece, begin + moved, end});
    counts_[key] -= moved;
    skip = 0;
  }
  runs_.resize(first_run);
  runs_.insert(runs_.end(), others.begin(), others.end());
  // Memory goes with the last run in it: a large group has many chunks.
  const size_t used = runs_.empty() ? 0 : runs_.back().piece + size_t{1};
  pieces_.resize(used);
  return arrow::Status::OK();
}

arrow::Status TableCutter::CutChunk(const Window& window, size_t* key) {
  ARROW_ASSIGN_OR_RAISE(const Chunk* const front, pending_.Front());
  const Chunk& chunk = *front;
  const size_t first_row = row_;
  const size_t first_run = runs_.size();
  const auto piece = static_cast<uint32_t>(pieces_.size());
  counters_->orphans += std::visit(
      [&](const auto& rows) {
        const auto& keys = std::get<std::decay_t<decltype(rows)>>(window.keys.values());
        return Match(rows, keys, piece, &row_, key, &counts_, &runs_);
      },
      chunk.keys.values());
  row_bytes_ = chunk.bytes / chunk.rows->num_rows();
  if (runs_.size() == first_run) return arrow::Status::OK();
  pieces_.push_back(chunk.rows);
  const int64_t kept = NumRows(std::span(runs_).subspan(first_run));
  cut_bytes_ += kept * row_bytes_;
  const auto passed = static_cast<int64_t>(row_ - first_row);
  return kept * kMaxWaste < passed ? CopyRuns(first_run) : arrow::Status::OK();
}

// The rows of the last piece, whose runs begin at `first_run`, become a piece of their own.
arrow::Status TableCutter::CopyRuns(size_t first_run) {
  std::shared_ptr<arrow::RecordBatch>& piece = pieces_.back();
  const uint32_t number = runs_.back().piece;
  const auto runs = std::span(runs_).subspan(first_run);
  for (RowRun& run : runs) run.piece = 0;
  RowBuilder few(input_.schema);
  ARROW_RETURN_NOT_OK(few.Append({piece}, {{}, runs}));
  ARROW_ASSIGN_OR_RAISE(piece, few.Finish());
  runs_.resize(first_run);
  runs_.push_back({number, 0, piece->num_rows()});
  return arrow::Status::OK();
}

arrow::Status TableCutter::Drain() {
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const bool has_rows, HasRows());
    if (!has_rows) return arrow::Status::OK();
    counters_->orphans += pending_.FrontRows() - static_cast<int64_t>(row_);
    pending_.PopFront();
    row_ = 0;
  }
}

}  // namespace sheaf
