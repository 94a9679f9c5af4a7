#include "cogroup/table_cutter.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "cogroup/gather.h"

namespace sheaf {
namespace {

// Slices of fewer rows than this cost more to put together than to gather row by row.
constexpr int64_t kMinSlice = 64;

struct Range {
  int64_t begin;
  int64_t end;
};

// Walks `rows` from `*row` and `keys` from `*key` side by side until one of them ends.
template <typename Vector>
int64_t Match(const Vector& rows, const Vector& keys, size_t* row, size_t* key,
              std::vector<int64_t>* counts, std::vector<Range>* kept) {
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
      if (!kept->empty() && kept->back().end == static_cast<int64_t>(begin)) {
        kept->back().end = static_cast<int64_t>(r);
      } else {
        kept->push_back({static_cast<int64_t>(begin), static_cast<int64_t>(r)});
      }
    }
  }
  *row = r;
  *key = k;
  return orphans;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> TakeRanges(
    const TableInput& input, const std::shared_ptr<arrow::RecordBatch>& rows,
    const std::vector<Range>& ranges) {
  std::vector<RowRef> refs;
  for (const Range& range : ranges) {
    for (int64_t i = range.begin; i < range.end; ++i) refs.push_back({0, static_cast<uint32_t>(i)});
  }
  return Gather(input.schema, {rows}, refs);
}

}  // namespace

TableCutter::TableCutter(const TableInput& input, ReadAhead* rows, TableCounters* counters,
                         GroupMemory groups, OnRead on_read)
    : input_(input),
      rows_(rows),
      counters_(counters),
      on_read_(std::move(on_read)),
      pending_(input, groups.held),
      large_(input, groups) {}

arrow::Result<bool> TableCutter::Read() {
  if (ended_) return false;
  std::optional<Chunk> chunk = rows_->Pop();
  ended_ = !chunk;
  ARROW_RETURN_NOT_OK(on_read_(ended_ ? nullptr : &*chunk));
  if (chunk) ARROW_RETURN_NOT_OK(pending_.Push(*std::move(chunk)));
  return !ended_;
}

arrow::Result<bool> TableCutter::HasRows() { return pending_.empty() ? Read() : true; }

arrow::Status TableCutter::Cut(const Window& window, ShareBuilder* share) {
  const auto num_keys = static_cast<size_t>(window.keys.size());
  counts_.assign(num_keys, 0);
  slices_.clear();
  size_t key = 0;
  while (key < num_keys) {
    ARROW_ASSIGN_OR_RAISE(const bool has_rows, HasRows());
    if (!has_rows) break;
    const size_t first_key = key;
    const size_t first_slice = slices_.size();
    ARROW_RETURN_NOT_OK(CutChunk(window, &key));
    if (row_ == static_cast<size_t>(pending_.FrontRows())) {
      pending_.PopFront();
      row_ = 0;
    }
    if (large_.Has(static_cast<int64_t>(first_key))) {
      ARROW_RETURN_NOT_OK(MoveRows(first_key, first_slice, /*skip=*/0));
    }
    if (key < num_keys) ARROW_RETURN_NOT_OK(MoveLarge(key));
  }
  // Numbers of the window's groups become those of the share's.
  ARROW_ASSIGN_OR_RAISE(auto large,
                        large_.Take(-share->num_keys(), static_cast<int64_t>(num_keys)));
  share->AddLarge(std::move(large));
  return share->Add(std::exchange(slices_, {}), counts_);
}

// A group whose rows may go on in the next chunk is moved to disk once it is large.
arrow::Status TableCutter::MoveLarge(size_t key) {
  if (counts_[key] == 0 || row_bytes_ * counts_[key] <= large_.held()) return arrow::Status::OK();
  // Its rows are the last ones.
  size_t slice = slices_.size();
  int64_t rows = 0;
  while (rows < counts_[key]) rows += slices_[--slice]->num_rows();
  return MoveRows(key, slice, rows - counts_[key]);
}

// Moves all rows of a group out of the slices. They begin at row `skip` of a slice.
arrow::Status TableCutter::MoveRows(size_t key, size_t slice, int64_t skip) {
  std::vector<std::shared_ptr<arrow::RecordBatch>> others;
  for (size_t s = slice; s < slices_.size(); ++s) {
    const auto& rows = slices_[s];
    const int64_t moved = std::min(counts_[key], rows->num_rows() - skip);
    if (skip > 0) others.push_back(rows->Slice(0, skip));
    if (moved > 0) {
      ARROW_RETURN_NOT_OK(large_.Add(static_cast<int64_t>(key), rows->Slice(skip, moved)));
    }
    if (skip + moved < rows->num_rows()) others.push_back(rows->Slice(skip + moved));
    counts_[key] -= moved;
    skip = 0;
  }
  slices_.resize(slice);
  slices_.insert(slices_.end(), others.begin(), others.end());
  return arrow::Status::OK();
}

arrow::Status TableCutter::CutChunk(const Window& window, size_t* key) {
  ARROW_ASSIGN_OR_RAISE(const Chunk* const front, pending_.Front());
  const Chunk& chunk = *front;
  std::vector<Range> kept;
  counters_->orphans += std::visit(
      [&](const auto& rows) {
        const auto& keys = std::get<std::decay_t<decltype(rows)>>(window.keys.values());
        return Match(rows, keys, &row_, key, &counts_, &kept);
      },
      chunk.keys.values());
  row_bytes_ = chunk.bytes / chunk.rows->num_rows();
  int64_t rows = 0;
  for (const Range& range : kept) rows += range.end - range.begin;
  if (kept.size() > 1 && rows < static_cast<int64_t>(kept.size()) * kMinSlice) {
    ARROW_ASSIGN_OR_RAISE(auto taken, TakeRanges(input_, chunk.rows, kept));
    slices_.push_back(std::move(taken));
    return arrow::Status::OK();
  }
  for (const Range& range : kept) {
    slices_.push_back(chunk.rows->Slice(range.begin, range.end - range.begin));
  }
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
