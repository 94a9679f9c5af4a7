#include "cogroup/large_key_filter.h"

#include <algorithm>
#include <map>
#include <utility>

#include "cogroup/row_sizes.h"

namespace sheaf {

LargeKeyFilter::LargeKeyFilter(const RowPacking* packing, int64_t first, int64_t keys,
                               LargeGroups* large)
    : packing_(packing),
      first_(first),
      large_(large),
      rows_of_(static_cast<size_t>(keys)),
      is_large_(static_cast<size_t>(keys)) {
  for (int64_t k = 0; k < keys; ++k) {
    is_large_[static_cast<size_t>(k)] = large->Has(first + k);
    any_large_ = any_large_ || is_large_[static_cast<size_t>(k)];
  }
}

arrow::Status LargeKeyFilter::Add(Placed rows) {
  kept_.push_back(std::move(rows));
  if (Count(kept_.back())) {
    for (Placed& kept : kept_) ARROW_RETURN_NOT_OK(Part(&kept));
  } else if (any_large_) {
    ARROW_RETURN_NOT_OK(Part(&kept_.back()));
  }
  std::erase_if(kept_, [](const Placed& kept) { return kept.places.empty(); });
  return arrow::Status::OK();
}

// True where a key has become large. Rows are taken as equally long.
bool LargeKeyFilter::Count(const Placed& added) {
  bytes_ += RowSizes(added.piece).OfAll();
  rows_ += added.piece->num_rows();
  const int64_t row_bytes = std::max<int64_t>(1, bytes_ / std::max<int64_t>(1, rows_));
  const int64_t max_rows = large_->held() / row_bytes;
  bool more = false;
  for (const uint32_t place : added.places) {
    if (place >= rows_of_.size() || ++rows_of_[place] <= max_rows || is_large_[place]) continue;
    is_large_[place] = true;
    any_large_ = true;
    more = true;
  }
  return more;
}

bool LargeKeyFilter::IsLarge(uint32_t place) const {
  return place < is_large_.size() && is_large_[place];
}

// Moves the rows of large keys out of a piece.
arrow::Status LargeKeyFilter::Part(Placed* kept) {
  std::map<uint32_t, std::vector<RowRef>> moved;
  std::vector<RowRef> others;
  RowVector<uint32_t> other_places;
  for (uint32_t row = 0; row < kept->places.size(); ++row) {
    const uint32_t place = kept->places[row];
    if (IsLarge(place)) {
      moved[place].push_back({0, row});
    } else {
      others.push_back({0, row});
      other_places.push_back(place);
    }
  }
  if (moved.empty()) return arrow::Status::OK();
  for (const auto& [place, rows] : moved) {
    ARROW_RETURN_NOT_OK(MoveRows(kept->piece, place, rows));
  }
  kept->places = std::move(other_places);
  if (others.empty()) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(kept->piece, Gather(kept->piece->schema(), {kept->piece}, others));
  return arrow::Status::OK();
}

arrow::Status LargeKeyFilter::MoveRows(const std::shared_ptr<arrow::RecordBatch>& piece,
                                       uint32_t place, std::span<const RowRef> rows) {
  arrow::ArrayVector columns = piece->columns();
  const auto& schema = packing_->schema();
  columns.resize(static_cast<size_t>(schema->num_fields()));
  auto own = arrow::RecordBatch::Make(schema, piece->num_rows(), std::move(columns));
  if (std::ssize(rows) < own->num_rows()) {
    ARROW_ASSIGN_OR_RAISE(own, Gather(schema, {own}, rows));
  }
  ARROW_ASSIGN_OR_RAISE(own, packing_->Unpack(std::move(own)));
  return large_->Add(first_ + place, own);
}

}  // namespace sheaf
