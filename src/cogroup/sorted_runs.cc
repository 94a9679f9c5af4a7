#include "cogroup/sorted_runs.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "cogroup/row_builder.h"
#include "spill/row_memory.h"

namespace sheaf {
namespace {

using Pieces = std::vector<std::shared_ptr<arrow::RecordBatch>>;

constexpr size_t kNoPiece = std::numeric_limits<size_t>::max();

// Rows are gathered once they have so many bytes: what is gathered together should stay in cache, and blocks are
// held until then.
constexpr int64_t kGatherBytes = int64_t{4} << 20;
constexpr int64_t kMaxExpected = 16;

}  // namespace

struct SortedRuns::Taken {
  Taken(std::shared_ptr<arrow::Schema> schema, int64_t room_bytes, int64_t least)
      : room(room_bytes), min_rows(least), rows(std::move(schema)) {
    // So many times is gathered where there are rows enough.
    rows.Expect(std::clamp<int64_t>(room_bytes / kGatherBytes, 1, kMaxExpected));
  }

  int64_t room;      // bytes that may still come
  int64_t min_rows;  // rows that come whether there is room or not
  bool full = false;
  Pieces sources;  // blocks that `refs` count
  RowVector<RowRef> refs;
  int64_t ref_bytes = 0;
  RowBuilder rows;  // those before `refs`

  void Count(int64_t row_count, int64_t bytes) {
    room -= bytes;
    min_rows = std::max<int64_t>(0, min_rows - row_count);
  }
};

SortedRuns::SortedRuns(std::shared_ptr<arrow::Schema> schema, const GroupOrder* order,
                       std::shared_ptr<const SpillFile> file, std::vector<SortedRun> runs)
    : schema_(std::move(schema)), order_(order), file_(std::move(file)) {
  if (order_ == nullptr && runs.size() > 1) {
    for (size_t r = 1; r < runs.size(); ++r) {
      runs[0].insert(runs[0].end(), runs[r].begin(), runs[r].end());
    }
    runs.resize(1);
  }
  cursors_.resize(runs.size());
  for (size_t r = 0; r < runs.size(); ++r) cursors_[r].blocks = std::move(runs[r]);
}

arrow::Status SortedRuns::Open() {
  for (size_t c = 0; c < cursors_.size(); ++c) {
    ARROW_ASSIGN_OR_RAISE(const bool has_rows, ReadBlock(&cursors_[c]));
    if (has_rows) heap_.push_back(c);
  }
  std::ranges::make_heap(heap_, [this](size_t a, size_t b) { return Above(a, b); });
  return arrow::Status::OK();
}

// Whether the row at cursor `a` comes after that at `b`.
bool SortedRuns::Above(size_t a, size_t b) const {
  const int order =
      CompareKeys(cursors_[a].order, cursors_[a].row, cursors_[b].order, cursors_[b].row);
  return order > 0 || (order == 0 && a > b);
}

// False at the end of the run.
arrow::Result<bool> SortedRuns::ReadBlock(Cursor* cursor) {
  cursor->rows = nullptr;
  cursor->row = 0;
  cursor->piece = kNoPiece;
  if (cursor->blocks.empty()) return false;
  ARROW_ASSIGN_OR_RAISE(cursor->rows, file_->Read(cursor->blocks.front()));
  cursor->blocks.pop_front();
  cursor->sizes = std::make_unique<const RowSizes>(cursor->rows);
  if (order_ != nullptr && cursors_.size() > 1) {
    ARROW_ASSIGN_OR_RAISE(cursor->order, order_->Keys(*cursor->rows));
  }
  return true;
}

// The first cursor of the heap goes on by some rows of its block.
arrow::Status SortedRuns::Advance(int64_t rows) {
  const auto above = [this](size_t a, size_t b) { return Above(a, b); };
  Cursor& cursor = cursors_[heap_.front()];
  bool has_rows = cursor.row + rows < cursor.rows->num_rows();
  std::ranges::pop_heap(heap_, above);
  if (has_rows) {
    cursor.row += rows;
  } else {
    ARROW_ASSIGN_OR_RAISE(has_rows, ReadBlock(&cursor));
  }
  if (has_rows) {
    std::ranges::push_heap(heap_, above);
  } else {
    heap_.pop_back();
  }
  return arrow::Status::OK();
}

arrow::Status SortedRuns::Flush(Taken* taken) {
  if (taken->refs.empty()) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(taken->rows.Append(taken->sources, {taken->refs, {}}));
  taken->sources.clear();
  taken->refs.clear();
  taken->ref_bytes = 0;
  for (Cursor& cursor : cursors_) cursor.piece = kNoPiece;
  return arrow::Status::OK();
}

// Where one run is left, its rows come as they stand.
arrow::Status SortedRuns::TakeStanding(Taken* taken) {
  ARROW_RETURN_NOT_OK(Flush(taken));
  const Cursor& cursor = cursors_[heap_.front()];
  const int64_t left = cursor.rows->num_rows() - cursor.row;
  const int64_t count =
      std::clamp(cursor.sizes->Fitting(cursor.row, taken->room), taken->min_rows, left);
  taken->full = count < left;
  if (count == 0) return arrow::Status::OK();
  const RowRun run{0, cursor.row, cursor.row + count};
  ARROW_RETURN_NOT_OK(taken->rows.Append({cursor.rows}, {{}, {&run, 1}}));
  taken->Count(count, cursor.sizes->Of(cursor.row, cursor.row + count));
  return Advance(count);
}

// Takes the least row of all runs.
arrow::Status SortedRuns::TakeLeast(Taken* taken) {
  Cursor& cursor = cursors_[heap_.front()];
  const int64_t bytes = cursor.sizes->Of(cursor.row);
  taken->full = bytes > taken->room && taken->min_rows == 0;
  if (taken->full) return arrow::Status::OK();
  taken->Count(1, bytes);
  if (cursor.piece == kNoPiece) {
    cursor.piece = taken->sources.size();
    taken->sources.push_back(cursor.rows);
  }
  taken->refs.push_back({static_cast<uint32_t>(cursor.piece), static_cast<uint32_t>(cursor.row)});
  taken->ref_bytes += bytes;
  if (taken->ref_bytes >= kGatherBytes) ARROW_RETURN_NOT_OK(Flush(taken));
  return Advance(1);
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> SortedRuns::Next(int64_t bytes,
                                                                    int64_t min_rows) {
  Taken taken(schema_, bytes, min_rows);
  while (!heap_.empty() && !taken.full) {
    ARROW_RETURN_NOT_OK(heap_.size() == 1 ? TakeStanding(&taken) : TakeLeast(&taken));
  }
  ARROW_RETURN_NOT_OK(Flush(&taken));
  return taken.rows.Finish();
}

}  // namespace sheaf
