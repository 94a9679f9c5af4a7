#include "cogroup/group_order.h"

#include <arrow/array.h>
#include <arrow/type.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "cogroup/column_rows.h"
#include "cogroup/take_rows.h"
#include "job/nearest.h"
#include "key/key_type.h"
#include "key/key_vector.h"
#include "key/row_encoder.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

using Range = GroupOrder::Range;

std::vector<Range> RangesOf(const std::vector<int32_t>& offsets) {
  std::vector<Range> ranges;
  for (size_t g = 0; g + 1 < offsets.size(); ++g) {
    if (offsets[g + 1] - offsets[g] > 1) ranges.push_back({offsets[g], offsets[g + 1]});
  }
  return ranges;
}

// Most groups have few rows, for which std::stable_sort would allocate a buffer each time.
constexpr int32_t kFewRows = 32;

// Puts the numbers of few values, from `range.begin` on, in the order of the values; stable. The place of each is how
// many come before it, which is counted without a branch: which of two comes first can't be foretold.
template <typename Vector>
void SortFew(const Vector& values, Range range, std::vector<int32_t>* rows) {
  std::array<int32_t, kFewRows> places;
  const auto begin = static_cast<size_t>(range.begin);
  const auto count = static_cast<size_t>(range.end) - begin;
  for (size_t i = 0; i < count; ++i) {
    const auto& value = values[begin + i];
    int32_t before = 0;
    for (size_t j = 0; j < i; ++j) {
      const int32_t is_less = value < values[begin + j] ? 1 : 0;
      places[j] += is_less;
      before += 1 - is_less;
    }
    places[i] = before;
  }
  for (size_t i = 0; i < count; ++i) {
    (*rows)[begin + static_cast<size_t>(places[i])] = static_cast<int32_t>(begin + i);
  }
}

// Sorts each range of `rows`, which has its own numbers in it, by the values of these; stable. True if any row moved.
template <typename Vector>
bool SortRanges(const Vector& values, const std::vector<Range>& ranges,
                std::vector<int32_t>* rows) {
  bool moved = false;
  for (const Range& range : ranges) {
    if (std::is_sorted(values.begin() + range.begin, values.begin() + range.end)) continue;
    if (range.end - range.begin <= kFewRows) {
      SortFew(values, range, rows);
    } else {
      std::stable_sort(rows->begin() + range.begin, rows->begin() + range.end,
                       [&](int32_t a, int32_t b) {
                         return values[static_cast<size_t>(a)] < values[static_cast<size_t>(b)];
                       });
    }
    moved = true;
  }
  return moved;
}

// The runs of equal values, of two rows or more, inside each range of `rows`, which are in order.
template <typename Vector>
std::vector<Range> TiesIn(const Vector& values, const std::vector<Range>& ranges,
                          const std::vector<int32_t>& rows) {
  std::vector<Range> ties;
  const auto value = [&](int32_t i) -> const auto& {
    return values[static_cast<size_t>(rows[static_cast<size_t>(i)])];
  };
  for (const Range& range : ranges) {
    int32_t start = range.begin;
    for (int32_t i = range.begin + 1; i <= range.end; ++i) {
      if (i < range.end && value(i) == value(start)) continue;
      if (i - start > 1) ties.push_back({start, i});
      start = i;
    }
  }
  return ties;
}

std::vector<int32_t> Identity(size_t size) {
  std::vector<int32_t> rows(size);
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

template <typename Columns>
arrow::ArrayVector Select(const arrow::RecordBatch& batch, const Columns& columns) {
  arrow::ArrayVector arrays;
  for (const auto& column : columns) arrays.push_back(batch.column(column.index));
  return arrays;
}

// `arrays`: one a column.
template <typename Columns>
arrow::Result<KeyVector> EncodeColumns(const arrow::ArrayVector& arrays, const Columns& columns,
                                       bool exact_floats) {
  std::vector<EncodedColumn> encoded;
  for (size_t c = 0; c < arrays.size(); ++c) {
    ARROW_ASSIGN_OR_RAISE(const ColumnForm form, FormOf(*arrays[c]->type(), /*nested=*/true));
    encoded.push_back({.form = form,
                       .descending = columns[c].descending,
                       .nullable = arrays[c]->null_count() > 0,
                       .nulls_first = columns[c].nulls_first,
                       .exact_floats = exact_floats});
  }
  return RowEncoder(std::move(encoded)).Encode(arrays);
}

// The rows of all ranges, one range after the other, and the ranges within that list.
std::pair<std::vector<int32_t>, std::vector<Range>> Gather(const std::vector<Range>& ranges,
                                                           const std::vector<int32_t>& rows) {
  std::vector<int32_t> gathered;
  std::vector<Range> moved;
  for (const Range& range : ranges) {
    const auto begin = static_cast<int32_t>(gathered.size());
    gathered.insert(gathered.end(), rows.begin() + range.begin, rows.begin() + range.end);
    moved.push_back({begin, static_cast<int32_t>(gathered.size())});
  }
  return {std::move(gathered), std::move(moved)};
}

}  // namespace

arrow::Result<GroupOrder> GroupOrder::Make(const arrow::Schema& schema,
                                           const std::vector<std::string>& order_by, Ties ties) {
  GroupOrder order;
  std::vector<bool> used(static_cast<size_t>(schema.num_fields()), false);
  const auto check_type = [&](int index) -> arrow::Status {
    const auto form = FormOf(*schema.field(index)->type(), /*nested=*/true);
    if (form.ok()) return arrow::Status::OK();
    return MakeError(ErrorKind::kEngine, "column \"" + schema.field(index)->name() + "\" of type " +
                                             schema.field(index)->type()->ToString() +
                                             " has no order");
  };
  for (const std::string& text : order_by) {
    ARROW_ASSIGN_OR_RAISE(const OrderTerm term, OrderTerm::Parse(text));
    const std::vector<int> matches = schema.GetAllFieldIndices(term.column);
    if (matches.size() > 1) {
      return MakeError(ErrorKind::kEngine, "order_by names column \"" + term.column +
                                               "\", and has " + std::to_string(matches.size()) +
                                               " columns called so; give them different names");
    }
    if (matches.empty()) {
      return MakeError(ErrorKind::kEngine, "order_by names column \"" + term.column +
                                               "\", which it does not have" +
                                               DidYouMean(term.column, schema.field_names()));
    }
    const int index = matches[0];
    ARROW_RETURN_NOT_OK(check_type(index));
    order.order_.push_back({index, term.descending, term.nulls_first});
    used[static_cast<size_t>(index)] = true;
    const bool is_nested = KindOf(*schema.field(index)->type()) == ColumnKind::kOther;
    order.orders_nested_ = order.orders_nested_ || is_nested;
  }
  for (int index = 0; ties == Ties::kFixed && index < schema.num_fields(); ++index) {
    if (used[static_cast<size_t>(index)]) continue;
    ARROW_RETURN_NOT_OK(check_type(index));
    order.ties_.push_back({index, /*descending=*/false, /*nulls_first=*/false});
  }
  // -0 and 0, or two NaNs, are ties of order_by too: their bits decide.
  for (const Column& column : order.order_) {
    if (ties == Ties::kFixed) order.ties_.push_back({column.index, false, false});
  }
  return order;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> GroupOrder::Apply(
    const std::shared_ptr<arrow::RecordBatch>& rows, const std::vector<int32_t>& offsets) const {
  ARROW_ASSIGN_OR_RAISE(std::vector<int32_t> order, InOrder(rows, offsets));
  return order.empty() ? rows : TakeRows(rows, std::move(order));
}

arrow::Result<std::vector<int32_t>> GroupOrder::InOrder(
    const std::shared_ptr<arrow::RecordBatch>& rows, const std::vector<int32_t>& offsets) const {
  std::vector<Range> ranges = RangesOf(offsets);
  if (ranges.empty() || !HasOrder()) return std::vector<int32_t>();
  std::vector<int32_t> order = Identity(static_cast<size_t>(rows->num_rows()));
  ARROW_ASSIGN_OR_RAISE(const bool sorted, SortGroups(Select(*rows, order_), &ranges, &order));
  ARROW_ASSIGN_OR_RAISE(const bool untied, SortTies(rows, ranges, &order));
  if (!sorted && !untied) order.clear();
  return order;
}

std::vector<int> GroupOrder::OrderColumns() const {
  std::vector<int> columns;
  if (!ties_.empty() || orders_nested_) return columns;
  for (const Column& column : order_) columns.push_back(column.index);
  return columns;
}

arrow::Result<std::vector<int32_t>> GroupOrder::Numbers(const arrow::ArrayVector& columns,
                                                        const std::vector<int32_t>& offsets) const {
  std::vector<Range> ranges = RangesOf(offsets);
  if (ranges.empty()) return std::vector<int32_t>();
  std::vector<int32_t> order = Identity(static_cast<size_t>(columns[0]->length()));
  ARROW_ASSIGN_OR_RAISE(const bool sorted, SortGroups(columns, &ranges, &order));
  if (!sorted) order.clear();
  return order;
}

arrow::Result<KeyVector> GroupOrder::Keys(const arrow::RecordBatch& rows) const {
  std::vector<EncodedColumn> encoded;
  arrow::ArrayVector arrays;
  const auto add = [&](const Column& column, bool exact_floats) -> arrow::Status {
    const auto& array = arrays.emplace_back(rows.column(column.index));
    ARROW_ASSIGN_OR_RAISE(const ColumnForm form, FormOf(*array->type(), /*nested=*/true));
    encoded.push_back({.form = form,
                       .descending = column.descending,
                       .nullable = true,
                       .nulls_first = column.nulls_first,
                       .exact_floats = exact_floats});
    return arrow::Status::OK();
  };
  for (const Column& column : order_) ARROW_RETURN_NOT_OK(add(column, false));
  for (const Column& column : ties_) ARROW_RETURN_NOT_OK(add(column, true));
  return RowEncoder(std::move(encoded)).Encode(arrays);
}

// Sorts by order_by; leaves in `ranges` the rows that it leaves equal.
arrow::Result<bool> GroupOrder::SortGroups(const arrow::ArrayVector& columns,
                                           std::vector<Range>* ranges,
                                           std::vector<int32_t>* order) const {
  if (order_.empty()) return false;
  ARROW_ASSIGN_OR_RAISE(const KeyVector values, EncodeColumns(columns, order_, false));
  return std::visit(
      [&](const auto& v) {
        const bool moved = SortRanges(v, *ranges, order);
        if (!ties_.empty()) *ranges = TiesIn(v, *ranges, *order);
        return moved;
      },
      values.values());
}

// Sorts the rows of `ranges` by the columns that break ties; only those rows are encoded.
arrow::Result<bool> GroupOrder::SortTies(const std::shared_ptr<arrow::RecordBatch>& rows,
                                         const std::vector<Range>& ranges,
                                         std::vector<int32_t>* order) const {
  if (ties_.empty() || ranges.empty()) return false;
  const auto [tied, tied_ranges] = Gather(ranges, *order);
  ARROW_ASSIGN_OR_RAISE(const auto tied_rows, TakeRows(rows, tied));
  ARROW_ASSIGN_OR_RAISE(const KeyVector values,
                        EncodeColumns(Select(*tied_rows, ties_), ties_, true));
  std::vector<int32_t> places = Identity(tied.size());
  const bool moved =
      std::visit([&, &inner = tied_ranges](const auto& v) { return SortRanges(v, inner, &places); },
                 values.values());
  for (size_t r = 0; moved && r < ranges.size(); ++r) {
    int32_t from = tied_ranges[r].begin;
    for (int32_t to = ranges[r].begin; to < ranges[r].end; ++to, ++from) {
      const int32_t place = places[static_cast<size_t>(from)];
      (*order)[static_cast<size_t>(to)] = tied[static_cast<size_t>(place)];
    }
  }
  return moved;
}

}  // namespace sheaf
