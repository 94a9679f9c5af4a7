#include "sink/json_column.h"

#include <arrow/array.h>
#include <arrow/extension_type.h>
#include <arrow/type_traits.h>
#include <arrow/util/base64.h>
#include <arrow/util/checked_cast.h>
#include <arrow/util/float16.h>
#include <arrow/util/formatting.h>
#include <arrow/util/utf8.h>
#include <arrow/visit_array_inline.h>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <set>
#include <string_view>
#include <vector>

#include "sink/json_string.h"

namespace sheaf {
namespace {

using arrow::internal::checked_cast;

/// A column whose values `print(array, row, text)` appends.
template <typename Array, typename Print>
class PrintedColumn final : public JsonColumn {
 public:
  PrintedColumn(const std::shared_ptr<arrow::Array>& array, Print print)
      : JsonColumn(array), values_(checked_cast<const Array&>(*array)), print_(std::move(print)) {}

 private:
  void AppendValue(int64_t row, std::string* text) const override { print_(values_, row, text); }

  const Array& values_;
  const Print print_;
};

/// Dates and times as Arrow writes them, in quotes; between date and time RFC 3339 wants a T.
template <typename ArrowType>
class TemporalColumn final : public JsonColumn {
 public:
  explicit TemporalColumn(const std::shared_ptr<arrow::Array>& array)
      : JsonColumn(array),
        values_(checked_cast<const arrow::NumericArray<ArrowType>&>(*array)),
        format_(array->type().get()) {}

 private:
  void AppendValue(int64_t row, std::string* text) const override {
    format_(values_.Value(row), [text](std::string_view value) {
      text->push_back('"');
      const size_t start = text->size();
      text->append(value);
      const size_t space = value.find(' ');
      const bool is_date_and_time = space != std::string_view::npos && value.front() != '<';
      if (is_date_and_time) (*text)[start + space] = 'T';
      text->push_back('"');
    });
  }

  const arrow::NumericArray<ArrowType>& values_;
  mutable arrow::internal::StringFormatter<ArrowType> format_;  // a call leaves it as it is
};

/// Lists of every kind, as arrays.
template <typename Array>
class ListColumn final : public JsonColumn {
 public:
  ListColumn(const std::shared_ptr<arrow::Array>& array, std::unique_ptr<JsonColumn> items)
      : JsonColumn(array), lists_(checked_cast<const Array&>(*array)), items_(std::move(items)) {}

 private:
  void AppendValue(int64_t row, std::string* text) const override {
    const int64_t begin = lists_.value_offset(row);
    const int64_t end = begin + lists_.value_length(row);
    text->push_back('[');
    for (int64_t i = begin; i < end; ++i) {
      if (i > begin) text->push_back(',');
      items_->Append(i, text);
    }
    text->push_back(']');
  }

  const Array& lists_;
  const std::unique_ptr<JsonColumn> items_;
};

/// Maps: objects where the keys are text, else arrays of {"key":…,"value":…}.
class MapColumn final : public JsonColumn {
 public:
  MapColumn(const std::shared_ptr<arrow::Array>& array, std::unique_ptr<JsonColumn> keys,
            std::unique_ptr<JsonColumn> values)
      : JsonColumn(array),
        maps_(checked_cast<const arrow::MapArray&>(*array)),
        is_object_(arrow::is_string(maps_.keys()->type_id())),
        keys_(std::move(keys)),
        values_(std::move(values)) {}

 private:
  void AppendValue(int64_t row, std::string* text) const override {
    const int64_t begin = maps_.value_offset(row);
    const int64_t end = begin + maps_.value_length(row);
    text->push_back(is_object_ ? '{' : '[');
    for (int64_t i = begin; i < end; ++i) {
      if (i > begin) text->push_back(',');
      if (!is_object_) text->append(R"({"key":)");
      keys_->Append(i, text);
      text->append(is_object_ ? ":" : R"(,"value":)");
      values_->Append(i, text);
      if (!is_object_) text->push_back('}');
    }
    text->push_back(is_object_ ? '}' : ']');
  }

  const arrow::MapArray& maps_;
  const bool is_object_;
  const std::unique_ptr<JsonColumn> keys_;
  const std::unique_ptr<JsonColumn> values_;
};

class StructColumn final : public JsonColumn {
 public:
  struct Member {
    std::string prefix;  ///< `{"first":` or `,"next":`.
    std::unique_ptr<JsonColumn> values;
  };

  StructColumn(const std::shared_ptr<arrow::Array>& array, std::vector<Member> members)
      : JsonColumn(array), members_(std::move(members)) {}

 private:
  void AppendValue(int64_t row, std::string* text) const override {
    if (members_.empty()) text->push_back('{');
    for (const Member& member : members_) {
      text->append(member.prefix);
      member.values->Append(row, text);
    }
    text->push_back('}');
  }

  const std::vector<Member> members_;
};

class DictionaryColumn final : public JsonColumn {
 public:
  DictionaryColumn(const std::shared_ptr<arrow::Array>& array, std::unique_ptr<JsonColumn> values)
      : JsonColumn(array),
        indices_(checked_cast<const arrow::DictionaryArray&>(*array)),
        values_(std::move(values)) {}

 private:
  void AppendValue(int64_t row, std::string* text) const override {
    values_->Append(indices_.GetValueIndex(row), text);
  }

  const arrow::DictionaryArray& indices_;
  const std::unique_ptr<JsonColumn> values_;
};

/// The fewest digits that give the value back; JSON has no word for NaN and infinities.
template <typename Float>
void AppendFloat(Float value, std::string* text) {
  if (!std::isfinite(value)) {
    text->append("null");
    return;
  }
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  text->append(digits.data(), end);
}

template <typename Integer>
void AppendInteger(Integer value, std::string* text) {
  const fmt::format_int digits(value);
  text->append(digits.data(), digits.size());
}

template <typename Array>
using TypeOf = Array::TypeClass;

template <typename Array>
concept IntegerArray =
    arrow::is_integer_type<TypeOf<Array>>::value || arrow::is_duration_type<TypeOf<Array>>::value ||
    std::is_same_v<TypeOf<Array>, arrow::MonthIntervalType>;

template <typename Array>
concept TemporalArray =
    arrow::is_date_type<TypeOf<Array>>::value || arrow::is_time_type<TypeOf<Array>>::value ||
    arrow::is_timestamp_type<TypeOf<Array>>::value;

template <typename Array>
concept TextArray = arrow::is_string_like_type<TypeOf<Array>>::value ||
                    arrow::is_string_view_type<TypeOf<Array>>::value;

template <typename Array>
concept DecimalArray = arrow::is_decimal_type<TypeOf<Array>>::value;

template <typename Array>
concept BytesArray = (arrow::is_binary_like_type<TypeOf<Array>>::value ||
                      arrow::is_binary_view_type<TypeOf<Array>>::value) &&
                     !TextArray<Array> && !DecimalArray<Array>;

template <typename Array>
concept AnyListArray = (arrow::is_list_like_type<TypeOf<Array>>::value ||
                        arrow::is_list_view_type<TypeOf<Array>>::value) &&
                       !std::is_same_v<TypeOf<Array>, arrow::MapType>;

/// Chooses the writer for an array's type.
class Maker {
 public:
  explicit Maker(std::shared_ptr<arrow::Array> array) : array_(std::move(array)) {}

  arrow::Result<std::unique_ptr<JsonColumn>> Make() {
    ARROW_RETURN_NOT_OK(arrow::VisitArrayInline(*array_, this));
    return std::move(column_);
  }

  arrow::Status Visit(const arrow::NullArray& nulls) {
    return Print(nulls, [](const auto&, int64_t, std::string* text) { text->append("null"); });
  }
  arrow::Status Visit(const arrow::BooleanArray& flags) {
    return Print(flags, [](const auto& array, int64_t row, std::string* text) {
      text->append(array.Value(row) ? "true" : "false");
    });
  }
  arrow::Status Visit(const IntegerArray auto& numbers) {
    return Print(numbers, [](const auto& array, int64_t row, std::string* text) {
      AppendInteger(array.Value(row), text);
    });
  }
  arrow::Status Visit(const arrow::HalfFloatArray& numbers) {
    return Print(numbers, [](const auto& array, int64_t row, std::string* text) {
      AppendFloat(arrow::util::Float16::FromBits(array.Value(row)).ToFloat(), text);
    });
  }
  arrow::Status Visit(const arrow::FloatArray& numbers) { return PrintFloats(numbers); }
  arrow::Status Visit(const arrow::DoubleArray& numbers) { return PrintFloats(numbers); }
  arrow::Status Visit(const DecimalArray auto& numbers) {
    return Print(numbers, [](const auto& array, int64_t row, std::string* text) {
      text->append(array.FormatValue(row));
    });
  }
  template <TemporalArray Array>
  arrow::Status Visit(const Array&) {
    return Set(std::make_unique<TemporalColumn<TypeOf<Array>>>(array_));
  }
  arrow::Status Visit(const TextArray auto& texts) {
    return Print(texts, [](const auto& array, int64_t row, std::string* text) {
      AppendJsonString(array.GetView(row), text);
    });
  }
  arrow::Status Visit(const BytesArray auto& bytes) {
    return Print(bytes, [](const auto& array, int64_t row, std::string* text) {
      text->push_back('"');
      text->append(arrow::util::base64_encode(array.GetView(row)));
      text->push_back('"');
    });
  }
  arrow::Status Visit(const arrow::DayTimeIntervalArray& intervals) {
    return Print(intervals, [](const auto& array, int64_t row, std::string* text) {
      const auto value = array.GetValue(row);
      text->append(
          fmt::format(R"({{"days":{},"milliseconds":{}}})", value.days, value.milliseconds));
    });
  }
  arrow::Status Visit(const arrow::MonthDayNanoIntervalArray& intervals) {
    return Print(intervals, [](const auto& array, int64_t row, std::string* text) {
      const auto value = array.GetValue(row);
      text->append(fmt::format(R"({{"months":{},"days":{},"nanoseconds":{}}})", value.months,
                               value.days, value.nanoseconds));
    });
  }
  template <AnyListArray Array>
  arrow::Status Visit(const Array& lists) {
    ARROW_ASSIGN_OR_RAISE(auto items, MakeJsonColumn(lists.values()));
    return Set(std::make_unique<ListColumn<Array>>(array_, std::move(items)));
  }
  arrow::Status Visit(const arrow::MapArray& maps) {
    ARROW_ASSIGN_OR_RAISE(auto keys, MakeJsonColumn(maps.keys()));
    ARROW_ASSIGN_OR_RAISE(auto values, MakeJsonColumn(maps.items()));
    return Set(std::make_unique<MapColumn>(array_, std::move(keys), std::move(values)));
  }
  arrow::Status Visit(const arrow::StructArray& rows) {
    std::vector<StructColumn::Member> members;
    std::set<std::string_view> names;
    for (int i = 0; i < rows.num_fields(); ++i) {
      const auto& field = rows.struct_type()->field(i);
      if (!names.insert(field->name()).second) {
        return arrow::Status::Invalid(
            fmt::format("column \"{}\" is there twice, which a JSON object cannot hold; rename one "
                        "in the query",
                        field->name()));
      }
      auto values = MakeJsonColumn(rows.field(i));
      if (!values.ok()) return CannotHold(*field, values.status());
      std::string prefix = i == 0 ? "{" : ",";
      AppendJsonString(field->name(), &prefix);
      members.push_back({.prefix = prefix + ":", .values = *std::move(values)});
    }
    return Set(std::make_unique<StructColumn>(array_, std::move(members)));
  }
  arrow::Status Visit(const arrow::DictionaryArray& words) {
    ARROW_ASSIGN_OR_RAISE(auto values, MakeJsonColumn(words.dictionary()));
    return Set(std::make_unique<DictionaryColumn>(array_, std::move(values)));
  }
  arrow::Status Visit(const arrow::ExtensionArray& extension) {
    return MakeJsonColumn(extension.storage()).Value(&column_);
  }
  /// Unions and run-end encoded columns.
  static arrow::Status Visit(const arrow::Array& other) {
    return arrow::Status::NotImplemented(other.type()->ToString());
  }

 private:
  static arrow::Status CannotHold(const arrow::Field& field, const arrow::Status& status) {
    if (!status.IsNotImplemented()) return status;
    return arrow::Status::NotImplemented(
        fmt::format("column \"{}\" is {}, which JSON cannot hold; use format = \"arrow\", or cast "
                    "it in the query",
                    field.name(), field.type()->ToString()));
  }
  arrow::Status Set(std::unique_ptr<JsonColumn> column) {
    column_ = std::move(column);
    return arrow::Status::OK();
  }
  template <typename Array, typename Function>
  arrow::Status Print(const Array&, Function function) {
    return Set(std::make_unique<PrintedColumn<Array, Function>>(array_, std::move(function)));
  }
  template <typename Array>
  arrow::Status PrintFloats(const Array& numbers) {
    return Print(numbers, [](const auto& array, int64_t row, std::string* text) {
      AppendFloat(array.Value(row), text);
    });
  }

  const std::shared_ptr<arrow::Array> array_;
  std::unique_ptr<JsonColumn> column_;
};

}  // namespace

arrow::Result<std::unique_ptr<JsonColumn>> MakeJsonColumn(
    const std::shared_ptr<arrow::Array>& array) {
  return Maker(array).Make();
}

}  // namespace sheaf
