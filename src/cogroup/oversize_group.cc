#include "cogroup/oversize_group.h"

#include <arrow/array.h>

#include <algorithm>
#include <utility>

#include "cogroup/group_rows.h"

namespace sheaf {

OversizeGroup::OversizeGroup(CutWindow window, int64_t max_bytes)
    : window_(std::move(window)), max_bytes_(max_bytes), taken_(window_.tables.size()) {
  for (const TableShare& table : window_.tables) sizes_.emplace_back(table.rows);
}

int64_t OversizeGroup::Left(size_t t) const {
  return RowsOfGroup(window_.tables[t], 0) - taken_[t];
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> OversizeGroup::NextRows(size_t t, int64_t bytes,
                                                                           int64_t min_rows) {
  const TableShare& table = window_.tables[t];
  if (!table.large.empty()) return table.large.front().rows->Next(bytes, min_rows);
  const int64_t count = std::clamp(sizes_[t].Fitting(taken_[t], bytes), min_rows, Left(t));
  return table.rows->Slice(taken_[t], count);
}

arrow::Result<std::optional<CutWindow>> OversizeGroup::Next() {
  CutWindow piece{window_.keys, {}};
  int64_t room = max_bytes_;
  bool empty = true;
  bool full = false;
  for (size_t t = 0; t < window_.tables.size(); ++t) {
    const TableShare& table = window_.tables[t];
    std::shared_ptr<arrow::RecordBatch> rows = table.rows->Slice(0, 0);
    if (!full && Left(t) > 0) {
      ARROW_ASSIGN_OR_RAISE(rows, NextRows(t, room, empty ? 1 : 0));
      taken_[t] += rows->num_rows();
      room -= RowSizes(rows).OfAll();
      empty = empty && rows->num_rows() == 0;
      full = Left(t) > 0;
    }
    const auto count = static_cast<int32_t>(rows->num_rows());
    piece.tables.push_back(
        {{table.name, table.rows_per_key, std::move(rows), OffsetsArray({0, count})}, {}});
  }
  if (empty) return std::nullopt;
  return piece;
}

}  // namespace sheaf
