#include "cogroup/segmented_rows.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

namespace sheaf {
namespace {

// A table whose rows take less than this part of the budget leaves it to others to move to disk.
constexpr int64_t kMinSpillShare = 16;
// What is moved to disk at once: no more than may wait to be written, so that to scatter and to write overlap.
constexpr int64_t kSpillBytes = int64_t{4} << 20;
// Bytes of segments that are read at once.
constexpr int64_t kExtentBytes = int64_t{2} << 20;

}  // namespace

SegmentedRows::SegmentedRows(std::shared_ptr<arrow::Schema> schema, size_t places,
                             int64_t segment_bytes, MemoryBudget* budget, size_t writers)
    : schema_(std::move(schema)),
      segment_bytes_(segment_bytes),
      budget_(budget),
      least_spill_(budget->limit() / kMinSpillShare / static_cast<int64_t>(writers)),
      places_(places) {}

SegmentedRows::~SegmentedRows() { budget_->Release(bytes_); }

arrow::Status SegmentedRows::Append(size_t place, const SegmentSource& source,
                                    std::span<const uint32_t> rows) {
  if (layout_ == nullptr) LayOutFor(source, rows);
  Place& to = places_[place];
  while (!rows.empty()) {
    if (to.open == nullptr) ARROW_RETURN_NOT_OK(Open(&to, layout_));
    int64_t appended = to.open->Append(source, rows);
    const std::optional<size_t> too_narrow = to.open->too_narrow();
    if (too_narrow) MakeWider(*to.open->layout(), *too_narrow, source);
    if (appended == 0 && to.open->num_rows() == 0) {
      const int64_t held = to.open->bytes();
      to.open.reset();
      budget_->Release(held);
      bytes_ -= held;
      if (too_narrow) continue;
      // A row that is too long for any segment gets one of its own.
      if (LayOutFor(source, rows)) continue;
      row_layout_ = SegmentLayout::ForRow(schema_, *source.rows(), rows[0], row_layout_);
      ARROW_RETURN_NOT_OK(Open(&to, row_layout_));
      appended = to.open->Append(source, rows.first(1));
    }
    rows = rows.subspan(static_cast<size_t>(appended));
    if (rows.empty()) break;
    if (!too_narrow && to.open->IsHalfEmpty()) LayOutFor(source, rows);
    Seal(&to);
  }
  return arrow::Status::OK();
}

arrow::Result<int64_t> SegmentedRows::AppendAll(const SegmentSource& source,
                                                const RowsByPlace& rows,
                                                std::vector<int64_t>* bytes) {
  const size_t count = std::min(places_.size(), rows.num_places());
  int64_t sum = 0;
  for (size_t p = 0; p < count; ++p) {
    AskAhead(rows, p);
    const auto own = rows.Of(p);
    if (own.empty()) continue;
    ARROW_RETURN_NOT_OK(Append(p, source, own));
    const int64_t added = row_bytes() * std::ssize(own);
    (*bytes)[p] += added;
    sum += added;
  }
  return sum;
}

// A segment stands in no cache any more once rows went to all the others, and a few rows are too few to wait for it
// several times: so what will be needed is asked for some places before, in steps that find what the last one asked for.
void SegmentedRows::AskAhead(const RowsByPlace& rows, size_t place) const {
  constexpr size_t kStep = 2;
  const auto open_at = [&](size_t p) -> const Segment* {
    const bool has_rows = p < places_.size() && p < rows.num_places() && !rows.Of(p).empty();
    return has_rows ? places_[p].open.get() : nullptr;
  };
  if (const Segment* const far = open_at(place + 3 * kStep)) {
    __builtin_prefetch(far);
    __builtin_prefetch(reinterpret_cast<const uint8_t*>(far + 1) - 1);
  }
  if (const Segment* const near = open_at(place + 2 * kStep)) near->AskForHead();
  if (const Segment* const next = open_at(place + kStep)) next->AskForEnds();
}

// Rows need not be like those before: a text column may begin with nulls. False where the layout is for
// these rows already.
bool SegmentedRows::LayOutFor(const SegmentSource& source, std::span<const uint32_t> rows) {
  if (layout_ != nullptr && laid_out_for_.lock() == source.rows()) return false;
  laid_out_for_ = source.rows();
  StoredWidths widths = source.WidthsOf(rows);
  if (layout_ != nullptr) {  // what was too narrow once is so again
    std::ranges::transform(widths, layout_->widths(), widths.begin(),
                           [](int one, int other) { return std::max(one, other); });
  }
  auto layout = SegmentLayout::ForRowsLike(schema_, source, widths, segment_bytes_);
  // Rows that are as long as a segment get one of their own: what others have in common they don't tell.
  if (layout_ != nullptr && layout->rows() == 1) return false;
  layout_ = std::move(layout);
  return true;
}

// Segments to come are wider in a column that was too narrow in one of this layout.
void SegmentedRows::MakeWider(const SegmentLayout& layout, size_t column,
                              const SegmentSource& source) {
  StoredWidths widths = layout_->widths();
  const int needed = 2 * layout.widths()[column];
  if (widths[column] >= needed) return;  // another segment was too narrow before
  widths[column] = needed;
  layout_ = SegmentLayout::ForRowsLike(schema_, source, widths, segment_bytes_);
}

arrow::Status SegmentedRows::Open(Place* place, std::shared_ptr<const SegmentLayout> layout) {
  // With no more than the open segments take there are no others, and these may be all but empty.
  const int64_t open_bytes = std::ssize(places_) * segment_bytes_;
  if (budget_->Exceeded() && bytes_ > std::max(least_spill_, open_bytes)) {
    ARROW_RETURN_NOT_OK(Spill(kSpillBytes));
  }
  ARROW_ASSIGN_OR_RAISE(place->open, Segment::Open(std::move(layout)));
  budget_->Add(place->open->bytes());
  bytes_ += place->open->bytes();
  return arrow::Status::OK();
}

void SegmentedRows::Seal(Place* place) {
  if (place->open == nullptr) return;
  place->sealed_bytes += place->open->bytes();
  place->sealed.push_back(std::move(place->open));
}

// Places that have the most go first, for a disk is slow with small pieces; segments that are still open go only where
// no others are left.
arrow::Status SegmentedRows::Spill(int64_t bytes) {
  const int64_t target = std::max<int64_t>(0, bytes_ - bytes);
  while (bytes_ > target) {
    Place& most = *std::ranges::max_element(places_, {}, &Place::sealed_bytes);
    if (most.sealed.empty()) {
      for (Place& place : places_) Seal(&place);
    }
    ARROW_RETURN_NOT_OK(SpillSealed(&most));
  }
  return arrow::Status::OK();
}

arrow::Status SegmentedRows::SpillSealed(Place* place) {
  if (store_ == nullptr && !place->sealed.empty()) {
    store_ = std::make_unique<BlockStore>(SpillDirectory());
  }
  while (!place->sealed.empty()) ARROW_RETURN_NOT_OK(SpillRun(place));
  return arrow::Status::OK();
}

// Segments of one layout, as many as follow each other, become one extent: a disk is slow with small ones.
arrow::Status SegmentedRows::SpillRun(Place* place) {
  const auto layout = place->sealed.front()->layout();
  BlockStore::Blocks blocks;
  int64_t bytes = 0;
  while (!place->sealed.empty() && place->sealed.front()->layout() == layout &&
         bytes < kExtentBytes) {
    blocks.push_back(TakeSealed(place)->ToBlock());
    bytes += blocks.back()->size();
  }
  // Places that are taken one after another stand in one file, which is done with then.
  const auto number = static_cast<size_t>(place - places_.data());
  const size_t file = number * BlockStore::kFiles / places_.size();
  ARROW_ASSIGN_OR_RAISE(const auto written, store_->Write(file, blocks));
  place->spilled.push_back({layout, store_.get(), written});
  return arrow::Status::OK();
}

void SegmentedRows::InsertPlaces(size_t at, size_t count) {
  std::vector<Place> inserted(count);
  places_.insert(places_.begin() + static_cast<int64_t>(at),
                 std::make_move_iterator(inserted.begin()),
                 std::make_move_iterator(inserted.end()));
  layout_ = nullptr;  // of what fewer rows have in common more can be left out
}

void SegmentedRows::RemovePlace(size_t at) {
  places_.erase(places_.begin() + static_cast<int64_t>(at));
}

int64_t SegmentedRows::BytesOf(size_t place) const {
  const Place& of = places_[place];
  int64_t bytes = of.sealed_bytes + (of.open == nullptr ? 0 : of.open->bytes());
  for (const Extent& extent : of.spilled) bytes += extent.place.length;
  return bytes;
}

int64_t SegmentedRows::row_bytes() const {
  return layout_ == nullptr ? 0 : layout_->plain_row_bytes();
}

std::unique_ptr<Segment> SegmentedRows::TakeSealed(Place* place) {
  std::unique_ptr<Segment> segment = std::move(place->sealed.front());
  place->sealed.pop_front();
  place->sealed_bytes -= segment->bytes();
  budget_->Release(segment->bytes());
  bytes_ -= segment->bytes();
  return segment;
}

arrow::Status SegmentedRows::Visit(
    size_t place, const std::function<arrow::Status(const arrow::RecordBatch& piece)>& visit) {
  Place& of = places_[place];
  Seal(&of);
  for (const auto& segment : of.sealed) {
    ARROW_ASSIGN_OR_RAISE(const auto piece, segment->Rows());
    ARROW_RETURN_NOT_OK(visit(*piece));
  }
  for (const Extent& extent : of.spilled) {
    ARROW_ASSIGN_OR_RAISE(const auto bytes, store_->Read(extent.place));
    ARROW_ASSIGN_OR_RAISE(const Pieces pieces, Segment::FromBlocks(*extent.layout, bytes));
    for (const auto& piece : pieces) ARROW_RETURN_NOT_OK(visit(*piece));
  }
  return arrow::Status::OK();
}

arrow::Result<SegmentedRows::Pieces> SegmentedRows::TakeSome(size_t place) {
  Place& from = places_[place];
  Seal(&from);
  if (!from.sealed.empty()) {
    ARROW_ASSIGN_OR_RAISE(auto rows, TakeSealed(&from)->Rows());
    return Pieces{std::move(rows)};
  }
  if (from.spilled.empty()) return Pieces();
  const Extent extent = std::move(from.spilled.front());
  from.spilled.pop_front();
  ARROW_ASSIGN_OR_RAISE(const auto bytes, store_->Take(extent.place));
  return Segment::FromBlocks(*extent.layout, bytes);
}

SegmentedRows::Taken SegmentedRows::Take(size_t place) {
  Taken taken;
  Place& from = places_[place];
  Seal(&from);
  taken.spilled_ = std::exchange(from.spilled, {});
  while (!from.sealed.empty()) taken.segments_.push_back(TakeSealed(&from));
  return taken;
}

void SegmentedRows::Taken::ReadAhead(int64_t max_bytes) {
  max_ahead_ = max_bytes;
  ReadOn();
}

void SegmentedRows::Taken::ReadOn() {
  while (!spilled_.empty() && (coming_.empty() || coming_bytes_ < max_ahead_)) {
    Extent& next = spilled_.front();
    coming_bytes_ += next.place.length;
    auto bytes = next.store->TakeAhead(next.place);
    coming_.push_back({std::move(next), std::move(bytes)});
    spilled_.pop_front();
  }
}

void SegmentedRows::Taken::Add(Taken other) {
  std::ranges::move(other.spilled_, std::back_inserter(spilled_));
  std::ranges::move(other.segments_, std::back_inserter(segments_));
}

arrow::Result<SegmentedRows::Pieces> SegmentedRows::Taken::LoadSome() {
  ReadOn();
  if (!coming_.empty()) {
    auto [extent, coming] = std::move(coming_.front());
    coming_.pop_front();
    coming_bytes_ -= extent.place.length;
    ARROW_ASSIGN_OR_RAISE(const auto bytes, coming.get());
    return Segment::FromBlocks(*extent.layout, bytes);
  }
  if (segments_.empty()) return Pieces();
  const std::unique_ptr<Segment> segment = std::move(segments_.front());
  segments_.pop_front();
  ARROW_ASSIGN_OR_RAISE(auto rows, segment->Rows());
  return Pieces{std::move(rows)};
}

}  // namespace sheaf
