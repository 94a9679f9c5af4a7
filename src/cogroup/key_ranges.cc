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
#include <utility>

#include "key/plain_types.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

// An end of a range as a parameter of a table's own type: engines don't compare all types that sheaf
// does. A part that is too fine for it is cut off, which a range of whole ends does not mind. Floats: one
// zero and one NaN, as Dialect::Comparable has them. Errors: Invalid where the value does not fit.
arrow::Result<std::shared_ptr<arrow::Array>> Parameter(
    const std::shared_ptr<arrow::Array>& end, const std::shared_ptr<arrow::DataType>& type) {
  const bool floating = arrow::is_floating(type->id());
  auto options = arrow::compute::CastOptions::Safe(floating ? arrow::float64() : type);
  options.allow_time_truncate = true;
  options.allow_decimal_truncate = true;
  ARROW_ASSIGN_OR_RAISE(auto value, arrow::compute::Cast(*end, options.to_type, options));
  if (!floating) return value;
  const double number = static_cast<const arrow::DoubleArray&>(*value).Value(0);
  const double one = std::isnan(number) ? std::numeric_limits<double>::quiet_NaN() : number + 0.0;
  return std::make_shared<arrow::DoubleArray>(1, arrow::Buffer::FromVector(std::vector{one}));
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

arrow::Status KeyRangeFinder::LookAhead() {
  std::vector<Key> cuts;
  std::optional<Key> horizon;  // beyond it some table was not looked at
  std::optional<Key> last;
  const auto less = [](const Key& a, const Key& b) {
    return CompareKeys(a.value, 0, b.value, 0) < 0;
  };
  for (const TableInput* input : selecting_) {
    auto looked = Look(*input);
    if (!looked.ok()) {
      return WithContext(looked.status(), "table \"" + input->table.name + "\"");
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

arrow::Result<KeyRangeFinder::Sight> KeyRangeFinder::Look(const TableInput& input) const {
  Sight sight;
  if (input.absent) return sight;
  const RangeKey key = RangeKeyOf(input, *key_schema_);
  std::optional<int64_t> limit;
  if (ranges_) limit = step_ * *ranges_;
  ARROW_ASSIGN_OR_RAISE(const BoundRange bound, BindRange(key, next_));
  const std::string sql = KeysQuery(engine_.impl().dialect(), input.query, key, bound.lower, limit);
  ARROW_ASSIGN_OR_RAISE(const auto reader,
                        input.connection->Query(sql, memory_limit_, bound.parameters));
  int64_t seen = 0;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(auto rows, reader->Next());
    if (rows == nullptr) break;
    if (rows->num_rows() == 0) continue;
    ARROW_ASSIGN_OR_RAISE(rows, ToPlain(rows, PlainSchema(rows->schema())));
    rows = arrow::RecordBatch::Make(key_schema_, rows->num_rows(), rows->columns());
    ARROW_RETURN_NOT_OK(rows->Validate());  // the engine's types may differ from those it told
    ARROW_ASSIGN_OR_RAISE(const KeyVector keys, input.key_encoder->Encode(rows->columns()));
    if (keys.FirstOutOfOrder() < keys.size() ||
        (sight.last && CompareKeys(keys, 0, sight.last->value, 0) < 0)) {
      return MakeError(ErrorKind::kEngine,
                       "the engine orders its keys otherwise than sheaf; set batch.strategy = "
                       "\"partition\", which needs no order");
    }
    const auto at = [&](int64_t row) { return Key{rows->Slice(row, 1), keys.Take({row})}; };
    for (int64_t row = step_ - 1 - seen % step_; row < rows->num_rows(); row += step_) {
      sight.cuts.push_back(at(row));
    }
    seen += rows->num_rows();
    sight.last = at(rows->num_rows() - 1);
  }
  sight.more = limit && seen == *limit;
  return sight;
}

}  // namespace sheaf
