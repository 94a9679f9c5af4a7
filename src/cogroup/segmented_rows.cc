#include "cogroup/segmented_rows.h"

#include <arrow/table.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "spill/row_memory.h"

namespace sheaf {
namespace {

// Rows that take less than this part of the budget leave it to others to move to disk.
constexpr int64_t kMinSpillShare = 16;
// What is moved to disk at once: enough that it is not for long.
constexpr int64_t kSpillPart = 4;
// Segments that become one block: a place may hold more than the offsets of one array reach.
constexpr int64_t kBlockBytes = int64_t{4} << 20;

}  // namespace

SegmentedRows::SegmentedRows(std::shared_ptr<arrow::Schema> schema, size_t places,
                             int64_t segment_bytes, MemoryBudget* budget)
    : schema_(std::move(schema)), segment_bytes_(segment_bytes), budget_(budget), places_(places) {}

SegmentedRows::~SegmentedRows() { budget_->Release(bytes_); }

arrow::Status SegmentedRows::Append(size_t place, const SegmentSource& source,
                                    std::span<const uint32_t> rows) {
  if (layout_ == nullptr) LayOutFor(source);
  Place& to = places_[place];
  while (!rows.empty()) {
    if (to.open == nullptr) ARROW_RETURN_NOT_OK(Open(&to, layout_));
    const int64_t before = to.open->bytes();
    ARROW_ASSIGN_OR_RAISE(int64_t appended, to.open->Append(source, rows));
    if (appended == 0 && to.open->num_rows() == 0) {
      // A row that is too long for any segment gets one of its own.
      to.open.reset();
      budget_->Release(before);
      bytes_ -= before;
      if (LayOutFor(source)) continue;
      ARROW_RETURN_NOT_OK(Open(&to, SegmentLayout::ForRow(*source.rows(), rows[0])));
      ARROW_ASSIGN_OR_RAISE(appended, to.open->Append(source, rows.first(1)));
    } else {
      budget_->Add(to.open->bytes() - before);
      bytes_ += to.open->bytes() - before;
    }
    rows = rows.subspan(static_cast<size_t>(appended));
    if (rows.empty()) break;
    if (to.open->IsHalfEmpty()) LayOutFor(source);
    ARROW_RETURN_NOT_OK(Seal(&to));
  }
  return arrow::Status::OK();
}

// Rows need not be like those before: a text column may begin with nulls. False where the layout is for
// these rows already.
bool SegmentedRows::LayOutFor(const SegmentSource& source) {
  if (laid_out_for_.lock() == source.rows()) return false;
  laid_out_for_ = source.rows();
  layout_ = SegmentLayout::ForRowsLike(*source.rows(), segment_bytes_);
  return true;
}

arrow::Status SegmentedRows::Open(Place* place, std::shared_ptr<const SegmentLayout> layout) {
  if (budget_->Exceeded() && bytes_ > budget_->limit() / kMinSpillShare) {
    ARROW_RETURN_NOT_OK(Spill(bytes_ / kSpillPart));
  }
  ARROW_ASSIGN_OR_RAISE(place->open, Segment::Open(std::move(layout)));
  budget_->Add(place->open->bytes());
  bytes_ += place->open->bytes();
  return arrow::Status::OK();
}

arrow::Status SegmentedRows::Seal(Place* place) {
  if (place->open == nullptr) return arrow::Status::OK();
  const int64_t bytes = place->open->bytes();
  ARROW_ASSIGN_OR_RAISE(auto rows, place->open->Seal());
  place->open.reset();
  place->sealed.push_back({std::move(rows), bytes});
  return arrow::Status::OK();
}

// Frees so many bytes, and more only where segments that are still open have to go. The last places go
// first: they are taken last.
arrow::Status SegmentedRows::Spill(int64_t bytes) {
  const int64_t target = bytes_ - bytes;
  for (size_t p = places_.size(); p-- > 0 && bytes_ > target;) {
    ARROW_RETURN_NOT_OK(SpillSealed(&places_[p]));
  }
  for (size_t p = places_.size(); p-- > 0 && bytes_ > target;) {
    ARROW_RETURN_NOT_OK(Seal(&places_[p]));
    ARROW_RETURN_NOT_OK(SpillSealed(&places_[p]));
  }
  return arrow::Status::OK();
}

// What is sealed becomes blocks of several segments: a block costs its writer and its reader more than the copy
// does.
arrow::Status SegmentedRows::SpillSealed(Place* place) {
  while (!place->sealed.empty()) {
    if (spill_ == nullptr) {
      ARROW_ASSIGN_OR_RAISE(spill_, SpillFile::Create(SpillDirectory(), schema_));
    }
    std::vector<std::shared_ptr<arrow::RecordBatch>> pieces;
    for (int64_t bytes = 0; !place->sealed.empty() && bytes < kBlockBytes;) {
      bytes += place->sealed.front().bytes;
      pieces.push_back(TakeSealed(place));
    }
    std::shared_ptr<arrow::RecordBatch> rows = pieces[0];
    if (pieces.size() > 1) {
      ARROW_ASSIGN_OR_RAISE(rows, arrow::ConcatenateRecordBatches(pieces, RowMemory()));
    }
    pieces.clear();
    ARROW_ASSIGN_OR_RAISE(const SpillFile::Block block, spill_->Write(std::move(rows)));
    place->spilled.push_back(block);
  }
  return arrow::Status::OK();
}

void SegmentedRows::InsertPlaces(size_t at, size_t count) {
  std::vector<Place> inserted(count);
  places_.insert(places_.begin() + static_cast<int64_t>(at),
                 std::make_move_iterator(inserted.begin()),
                 std::make_move_iterator(inserted.end()));
}

void SegmentedRows::RemovePlace(size_t at) {
  places_.erase(places_.begin() + static_cast<int64_t>(at));
}

int64_t SegmentedRows::row_bytes() const {
  return layout_ == nullptr ? 0 : layout_->bytes() / layout_->rows();
}

arrow::Status SegmentedRows::MakeRoom() {
  if (spill_ == nullptr) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(Spill(bytes_));
  RowMemory()->ReleaseUnused();  // batches take larger blocks
  return arrow::Status::OK();
}

std::shared_ptr<arrow::RecordBatch> SegmentedRows::TakeSealed(Place* place) {
  Sealed sealed = std::move(place->sealed.front());
  place->sealed.pop_front();
  budget_->Release(sealed.bytes);
  bytes_ -= sealed.bytes;
  return std::move(sealed.rows);
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> SegmentedRows::TakeSpilled(Place* place) {
  const SpillFile::Block block = place->spilled.front();
  place->spilled.pop_front();
  return spill_->Read(block);
}

arrow::Status SegmentedRows::Visit(
    size_t place, const std::vector<int>& columns,
    const std::function<arrow::Status(const arrow::RecordBatch& piece)>& visit) {
  Place& of = places_[place];
  ARROW_RETURN_NOT_OK(Seal(&of));
  for (const Sealed& sealed : of.sealed) {
    ARROW_ASSIGN_OR_RAISE(const auto piece, sealed.rows->SelectColumns(columns));
    ARROW_RETURN_NOT_OK(visit(*piece));
  }
  for (const SpillFile::Block block : of.spilled) {
    ARROW_ASSIGN_OR_RAISE(const auto piece, spill_->Read(block, columns));
    ARROW_RETURN_NOT_OK(visit(*piece));
  }
  return arrow::Status::OK();
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> SegmentedRows::TakeSome(size_t place) {
  Place& from = places_[place];
  ARROW_RETURN_NOT_OK(Seal(&from));
  if (!from.sealed.empty()) return TakeSealed(&from);
  if (!from.spilled.empty()) return TakeSpilled(&from);
  return nullptr;
}

arrow::Result<std::vector<std::shared_ptr<arrow::RecordBatch>>> SegmentedRows::Take(size_t place) {
  std::vector<std::shared_ptr<arrow::RecordBatch>> pieces;
  Place& from = places_[place];
  ARROW_RETURN_NOT_OK(Seal(&from));
  while (!from.spilled.empty()) {
    ARROW_ASSIGN_OR_RAISE(auto rows, TakeSpilled(&from));
    pieces.push_back(std::move(rows));
  }
  while (!from.sealed.empty()) pieces.push_back(TakeSealed(&from));
  return pieces;
}

}  // namespace sheaf
