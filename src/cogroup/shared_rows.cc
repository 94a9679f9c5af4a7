#include "cogroup/shared_rows.h"

#include <algorithm>

namespace sheaf {
namespace {

// Tables that stay in memory leave a quarter of the budget to those that follow: with less than their open segments
// take, these would go to disk all but empty.
constexpr int64_t kRoomPart = 4;

}  // namespace

SharedRows::SharedRows(const std::shared_ptr<arrow::Schema>& schema, size_t places,
                       int64_t segment_bytes, size_t writers, MemoryBudget* budget)
    : budget_(budget), writers_(writers) {
  for (Writer& writer : writers_) {
    writer.rows =
        std::make_unique<SegmentedRows>(schema, places, segment_bytes, budget, writers_.size());
  }
}

arrow::Result<int64_t> SharedRows::AppendAll(const SegmentSource& source, const RowsByPlace& rows,
                                             std::vector<int64_t>* bytes) {
  Writer& own = OwnWriter();
  const std::lock_guard lock(own.mutex);
  return own.rows->AppendAll(source, rows, bytes);
}

// Always the same one for a thread: its segments are in the core's cache, and rows keep the order in which they came.
SharedRows::Writer& SharedRows::OwnWriter() {
  const std::lock_guard lock(mutex_);
  const auto thread = std::this_thread::get_id();
  const auto found = std::ranges::find(threads_, thread);
  const auto number = static_cast<size_t>(found - threads_.begin());
  if (found == threads_.end()) threads_.push_back(thread);
  return writers_[number % writers_.size()];
}

void SharedRows::InsertPlaces(size_t at, size_t count) {
  for (const Writer& writer : writers_) writer.rows->InsertPlaces(at, count);
}

void SharedRows::RemovePlace(size_t at) {
  for (const Writer& writer : writers_) writer.rows->RemovePlace(at);
}

const std::shared_ptr<arrow::Schema>& SharedRows::schema() const {
  return writers_[0].rows->schema();
}

// Not all may have rows.
int64_t SharedRows::row_bytes() const {
  int64_t bytes = 0;
  for (const Writer& writer : writers_) bytes = std::max(bytes, writer.rows->row_bytes());
  return bytes;
}

int64_t SharedRows::BytesOf(size_t place) const {
  int64_t bytes = 0;
  for (const Writer& writer : writers_) bytes += writer.rows->BytesOf(place);
  return bytes;
}

arrow::Status SharedRows::MakeRoom() {
  const bool all = std::ranges::any_of(
      writers_, [](const Writer& writer) { return writer.rows->has_spilled(); });
  for (const Writer& writer : writers_) {
    const int64_t excess = budget_->used() - budget_->limit() / kRoomPart * (kRoomPart - 1);
    ARROW_RETURN_NOT_OK(writer.rows->Spill(all ? writer.rows->bytes() : excess));
  }
  return arrow::Status::OK();
}

SegmentedRows::Taken SharedRows::Take(size_t place) {
  SegmentedRows::Taken taken;
  for (const Writer& writer : writers_) taken.Add(writer.rows->Take(place));
  return taken;
}

arrow::Status SharedRows::Visit(
    size_t place, const std::function<arrow::Status(const arrow::RecordBatch& piece)>& visit) {
  for (const Writer& writer : writers_) {
    ARROW_RETURN_NOT_OK(writer.rows->Visit(place, visit));
  }
  return arrow::Status::OK();
}

arrow::Result<SharedRows::Pieces> SharedRows::TakeSome(size_t place) {
  Pieces pieces;
  for (const Writer& writer : writers_) {
    ARROW_ASSIGN_OR_RAISE(pieces, writer.rows->TakeSome(place));
    if (!pieces.empty()) break;
  }
  return pieces;
}

}  // namespace sheaf
