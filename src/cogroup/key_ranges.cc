#include "cogroup/key_ranges.h"

#include <arrow/array.h>
#include <arrow/compute/api.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "cogroup/take_rows.h"
#include "key/key_set.h"
#include "key/plain_types.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

// A decimal without the digits that another one lacks: Arrow's cast cuts them off, or sees whether the others fit.
arrow::Result<std::shared_ptr<arrow::Array>> WithScaleOf(const arrow::DataType& type,
                                                         std::shared_ptr<arrow::Array> value) {
  if (!arrow::is_decimal(type.id()) || !arrow::is_decimal(value->type_id())) return value;
  const int32_t scale = static_cast<const arrow::DecimalType&>(type).scale();
  if (static_cast<const arrow::DecimalType&>(*value->type()).scale() <= scale) return value;
  const auto wide = arrow::decimal256(arrow::Decimal256Type::kMaxPrecision, scale);
  auto options = arrow::compute::CastOptions::Safe(wide);
  options.allow_decimal_truncate = true;
  return arrow::compute::Cast(*value, options.to_type, options);
}

// An end of a range as a parameter of a table's own type: engines don't compare all types that sheaf
// does. A part that is too fine for it is cut off, which a range of whole ends does not mind. Floats: one
// zero and one NaN, as Dialect::Comparable has them. Errors: Invalid where the value does not fit.
arrow::Result<std::shared_ptr<arrow::Array>> Parameter(
    const std::shared_ptr<arrow::Array>& end, const std::shared_ptr<arrow::DataType>& type) {
  const bool floating = arrow::is_floating(type->id());
  auto options = arrow::compute::CastOptions::Safe(floating ? arrow::float64() : type);
  options.allow_time_truncate = true;
  ARROW_ASSIGN_OR_RAISE(auto value, WithScaleOf(*type, end));
  options.allow_decimal_truncate = !arrow::is_decimal(type->id());
  ARROW_ASSIGN_OR_RAISE(value, arrow::compute::Cast(*value, options.to_type, options));
  if (!floating) return value;
  const double number = static_cast<const arrow::DoubleArray&>(*value).Value(0);
  const double one = std::isnan(number) ? std::numeric_limits<double>::quiet_NaN() : number + 0.0;
  return std::make_shared<arrow::DoubleArray>(1, arrow::Buffer::FromVector(std::vector{one}));
}

// Those that are not above `end`, the only key of its vector.
KeyVector KeysUpTo(const KeyVector& keys, const KeyVector& end) {
  std::vector<int64_t> below;
  std::visit(
      [&](const auto& values) {
        const auto& last = std::get<std::decay_t<decltype(values)>>(end.values())[0];
        for (size_t i = 0; i < values.size(); ++i) {
          if (!(last < values[i])) below.push_back(static_cast<int64_t>(i));
        }
      },
      keys.values());
  return keys.Take(below);
}

}  // namespace

RangeKey RangeKeyOf(const TableInput& input, const arrow::Schema& key_schema) {
  RangeKey key{SqlColumns(input), 0, true};
  for (size_t c = 0; c < key.columns.size() && key.exact; ++c) {
    key.exact = key.columns[c].type->Equals(*key_schema.field(static_cast<int>(c))->type());
    ++key.compared;
  }
  return key;
}

arrow::Result<BoundRange> BindRange(const RangeKey& key, const KeyRange& range) {
  arrow::ArrayVector columns;
  const auto bind = [&](const std::shared_ptr<arrow::RecordBatch>& end) -> arrow::Result<bool> {
    if (end == nullptr) return false;
    arrow::ArrayVector own;
    for (size_t c = 0; c < key.compared; ++c) {
      auto column = Parameter(end->column(static_cast<int>(c)), key.columns[c].type);
      if (column.status().IsInvalid()) return false;
      ARROW_RETURN_NOT_OK(column.status());
      own.push_back(*std::move(column));
    }
    std::ranges::move(own, std::back_inserter(columns));
    return true;
  };
  BoundRange bound;
  ARROW_ASSIGN_OR_RAISE(const bool has_lower, bind(range.lower));
  if (has_lower) bound.lower = range.lower_end;
  ARROW_ASSIGN_OR_RAISE(bound.has_upper, bind(range.upper));
  if (columns.empty()) return bound;
  arrow::FieldVector fields;
  for (const auto& column : columns) {
    fields.push_back(arrow::field(std::to_string(fields.size() + 1), column->type()));
  }
  bound.parameters = arrow::RecordBatch::Make(arrow::schema(std::move(fields)), 1, columns);
  return bound;
}

KeyRangeFinder::KeyRangeFinder(const Engine& engine, std::vector<const TableInput*> selecting,
                               const ResolvedJob& resolved, int32_t max_keys, int64_t memory_limit)
    : engine_(engine),
      selecting_(std::move(selecting)),
      key_schema_(resolved.key_schema),
      step_(std::max<int64_t>(max_keys / std::max<int64_t>(std::ssize(selecting_), 1), 1)),
      memory_limit_(memory_limit) {
  for (const TableInput* input : selecting_) {
    const std::string sql = KeysQuery(engine_.impl().dialect(), input->query,
                                      RangeKeyOf(*input, *key_schema_), LowerEnd::kNone, step_);
    sorts_.push_back(!input->absent && HasSort(input->connection->ExplainPlan(sql)));
  }
  if (resolved.from == nullptr) return;
  next_.lower_end = LowerEnd::kFrom;
  next_.lower = resolved.from;
}

arrow::Result<std::optional<KeyRange>> KeyRangeFinder::Next() {
  if (cuts_.empty() && !all_found_) ARROW_RETURN_NOT_OK(LookAhead());
  if (cuts_.empty()) return std::nullopt;
  KeyRange range = next_;
  range.upper = cuts_.front();
  cuts_.pop_front();
  next_ = {LowerEnd::kAbove, range.upper, nullptr};
  return range;
}

// A copy: many are kept, of as many batches.
arrow::Result<KeyRangeFinder::Key> KeyRangeFinder::KeyAt(const TableInput& input,
                                                         const KeyRows& found, int64_t row) {
  Key key;
  ARROW_ASSIGN_OR_RAISE(key.row, TakeRows(found.rows, std::vector<int64_t>{row}));
  ARROW_ASSIGN_OR_RAISE(key.value, input.key_encoder->Encode(key.row->columns()));
  return key;
}

arrow::Status KeyRangeFinder::LookAhead() {
  std::vector<Key> cuts;
  std::optional<Key> horizon;  // beyond it some table was not looked at
  std::optional<Key> last;
  const auto less = [](const Key& a, const Key& b) {
    return CompareKeys(a.value, 0, b.value, 0) < 0;
  };
  for (size_t t = 0; t < selecting_.size(); ++t) {
    auto looked = Look(t);
    if (!looked.ok()) {
      return WithContext(looked.status(), TableContext(selecting_[t]->table));
    }
    Sight sight = *std::move(looked);
    if (!sight.last) continue;
    if (sight.more && (!horizon || less(*sight.last, *horizon))) horizon = sight.last;
    if (!last || less(*last, *sight.last)) last = sight.last;
    std::ranges::move(sight.cuts, std::back_inserter(cuts));
  }
  ranges_ = ranges_ == 1 ? std::optional<int64_t>(2) : std::nullopt;
  all_found_ = !horizon;
  std::ranges::sort(cuts, less);
  std::optional<Key> before;
  for (Key& cut : cuts) {
    if (horizon && less(*horizon, cut)) break;
    if (before && !less(*before, cut)) continue;         // of another table too
    if (all_found_ && last && !less(cut, *last)) break;  // the last range has no end
    cuts_.push_back(cut.row);
    before = std::move(cut);
  }
  if (all_found_ && last) cuts_.push_back(nullptr);
  return arrow::Status::OK();
}

arrow::Result<KeyRangeFinder::Sight> KeyRangeFinder::Look(size_t table) {
  const TableInput& input = *selecting_[table];
  if (input.absent) return Sight();
  return sorts_[table] ? LookAtAll(input) : LookInOrder(input);
}

arrow::Result<KeyRangeFinder::Sight> KeyRangeFinder::LookInOrder(const TableInput& input) const {
  const RangeKey key = RangeKeyOf(input, *key_schema_);
  std::optional<int64_t> limit;
  if (ranges_) limit = step_ * *ranges_;
  ARROW_ASSIGN_OR_RAISE(const BoundRange bound, BindRange(key, next_));
  const std::string sql = KeysQuery(engine_.impl().dialect(), input.query, key, bound.lower, limit);
  Sight sight;
  int64_t seen = 0;
  ARROW_RETURN_NOT_OK(ForEachKeys(input, sql, bound, [&](const KeyRows& found) -> arrow::Status {
    if (found.keys.FirstOutOfOrder() < found.keys.size() ||
        (sight.last && CompareKeys(found.keys, 0, sight.last->value, 0) < 0)) {
      return MakeError(ErrorKind::kEngine,
                       "the engine orders its keys otherwise than sheaf; set batch.strategy = "
                       "\"partition\", which needs no order");
    }
    for (int64_t row = step_ - 1 - seen % step_; row < found.keys.size(); row += step_) {
      ARROW_ASSIGN_OR_RAISE(sight.cuts.emplace_back(), KeyAt(input, found, row));
    }
    seen += found.keys.size();
    return KeyAt(input, found, found.keys.size() - 1).Value(&sight.last.emplace());
  }));
  sight.more = limit && seen == *limit;
  return sight;
}

arrow::Result<KeyRangeFinder::Sight> KeyRangeFinder::LookAtAll(const TableInput& input) const {
  const RangeKey key = RangeKeyOf(input, *key_schema_);
  ARROW_ASSIGN_OR_RAISE(const BoundRange bound, BindRange(key, next_));
  const std::string sql = AllKeysQuery(engine_.impl().dialect(), input.query, key, bound.lower);
  Sight sight;
  KeySetBuilder smallest;
  std::optional<KeyVector> greatest;  // of them, once others were forgotten
  ARROW_RETURN_NOT_OK(ForEachKeys(input, sql, bound, [&](const KeyRows& found) -> arrow::Status {
    if (!sight.last) {
      ARROW_ASSIGN_OR_RAISE(sight.last.emplace(), KeyAt(input, found, 0));
    }
    smallest.Add(greatest ? KeysUpTo(found.keys, *greatest) : found.keys);
    if (smallest.bytes() > memory_limit_ && smallest.size() > 1) {
      greatest = smallest.KeepSmallerHalf();
    }
    return arrow::Status::OK();
  }));
  if (!sight.last) return sight;
  const bool ends_at_cut = smallest.size() % step_ == 0;
  const KeyVector cuts = smallest.FinishEvery(step_);
  ARROW_ASSIGN_OR_RAISE(sight.cuts, FindRows(input, sql, bound, cuts));
  // A query that answers otherwise now may lack some of them.
  if (!sight.cuts.empty()) sight.last = sight.cuts.back();
  sight.more = greatest && !sight.cuts.empty();
  // The next look goes on from a whole range.
  if (sight.more && !ends_at_cut && sight.cuts.size() > 1) sight.cuts.pop_back();
  return sight;
}

// The first row of each of the keys, which ascend.
arrow::Result<std::vector<KeyRangeFinder::Key>> KeyRangeFinder::FindRows(
    const TableInput& input, const std::string& sql, const BoundRange& bound,
    const KeyVector& keys) const {
  KeySetBuilder builder;
  builder.Add(keys);
  const std::unique_ptr<KeySet> wanted = builder.Finish();
  std::vector<std::optional<Key>> rows(static_cast<size_t>(keys.size()));
  std::vector<int64_t> ranks;
  ARROW_RETURN_NOT_OK(ForEachKeys(input, sql, bound, [&](const KeyRows& found) -> arrow::Status {
    ARROW_RETURN_NOT_OK(wanted->Ranks(found.keys, &ranks));
    for (int64_t i = 0; i < found.keys.size(); ++i) {
      const int64_t rank = ranks[static_cast<size_t>(i)];
      if (rank < 0 || rows[static_cast<size_t>(rank)]) continue;
      ARROW_ASSIGN_OR_RAISE(rows[static_cast<size_t>(rank)].emplace(), KeyAt(input, found, i));
    }
    return arrow::Status::OK();
  }));
  std::vector<Key> all;
  for (std::optional<Key>& row : rows) {
    if (row) all.push_back(*std::move(row));
  }
  return all;
}

// Calls `visit` with the keys that a query delivers, never with none.
arrow::Status KeyRangeFinder::ForEachKeys(
    const TableInput& input, const std::string& sql, const BoundRange& bound,
    const std::function<arrow::Status(const KeyRows&)>& visit) const {
  ARROW_ASSIGN_OR_RAISE(const auto reader,
                        input.connection->Query(sql, memory_limit_, bound.parameters));
  while (true) {
    ARROW_ASSIGN_OR_RAISE(auto rows, reader->Next());
    if (rows == nullptr) return arrow::Status::OK();
    if (rows->num_rows() == 0) continue;
    ARROW_ASSIGN_OR_RAISE(rows, ToPlain(rows, PlainSchema(rows->schema())));
    rows = arrow::RecordBatch::Make(key_schema_, rows->num_rows(), rows->columns());
    ARROW_RETURN_NOT_OK(rows->Validate());  // the engine's types may differ from those it told
    ARROW_ASSIGN_OR_RAISE(KeyVector keys, input.key_encoder->Encode(rows->columns()));
    ARROW_RETURN_NOT_OK(visit({rows, std::move(keys)}));
  }
}

}  // namespace sheaf
