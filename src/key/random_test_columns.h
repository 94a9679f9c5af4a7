// Random columns of every type that has an order, each with its values in a form whose order is
// obvious: what the tests hold the encoder against. Nothing here is taken from the encoder.
#pragma once

#include <arrow/api.h>
#include <arrow/util/decimal.h>
#include <arrow/util/float16.h>
#include <arrow/util/logging.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace sheaf::testing {

using Random = std::mt19937_64;

inline int64_t Below(Random* random, int64_t end) {
  return std::uniform_int_distribution<int64_t>(0, end - 1)(*random);
}

/// A number as decimal digits, so that its order needs no arithmetic.
struct Digits {
  bool negative = false;
  std::string digits;  // no leading zeros; empty for 0

  /// `text` times 10^zeros.
  Digits(const std::string& text, int zeros) {
    negative = text[0] == '-';
    digits = text.substr(std::min(text.find_first_not_of("-0"), text.size()));
    if (digits.empty()) {
      negative = false;
    } else {
      digits.append(static_cast<size_t>(zeros), '0');
    }
  }
};

using PlainValue = std::variant<Digits, double, std::string>;

template <typename T>
int Order(const T& a, const T& b) {
  return static_cast<int>(b < a) - static_cast<int>(a < b);
}

inline int CompareValues(const PlainValue& a, const PlainValue& b) {
  if (const auto* x = std::get_if<Digits>(&a)) {
    const auto& y = std::get<Digits>(b);
    if (x->negative != y.negative) return x->negative ? -1 : 1;
    const int size = Order(x->digits.size(), y.digits.size());
    const int order = size != 0 ? size : Order(x->digits, y.digits);
    return x->negative ? -order : order;
  }
  if (const auto* x = std::get_if<double>(&a)) {
    const double y = std::get<double>(b);
    if (std::isnan(*x) || std::isnan(y)) return Order(std::isnan(*x), std::isnan(y));
    return Order(*x, y);
  }
  const auto& x = std::get<std::string>(a);
  const auto& y = std::get<std::string>(b);
  const auto byte_less = [](char p, char q) {
    return static_cast<unsigned char>(p) < static_cast<unsigned char>(q);
  };
  if (std::lexicographical_compare(x.begin(), x.end(), y.begin(), y.end(), byte_less)) return -1;
  return x == y ? 0 : 1;
}

struct RandomColumn {
  std::shared_ptr<arrow::Array> array;
  std::vector<std::optional<PlainValue>> values;
};

constexpr int kMaxScale = 80;  // all Digits are scaled by it

/// Collects the two forms of a column side by side.
template <typename Builder>
class ColumnMaker {
 public:
  explicit ColumnMaker(const std::shared_ptr<arrow::DataType>& type)
      : builder_(type, arrow::default_memory_pool()) {}

  template <typename Native>
  void Add(const Native& native, PlainValue plain) {
    ARROW_CHECK_OK(builder_.Append(native));
    values_.emplace_back(std::move(plain));
  }
  void AddNull() {
    ARROW_CHECK_OK(builder_.AppendNull());
    values_.emplace_back(std::nullopt);
  }
  RandomColumn Finish() { return {builder_.Finish().ValueOrDie(), std::move(values_)}; }

 private:
  Builder builder_;
  std::vector<std::optional<PlainValue>> values_;
};

/// Limits and small numbers, which matter most, and any others.
template <typename C>
C RandomInteger(Random* random) {
  switch (Below(random, 5)) {
    case 0:
      return std::numeric_limits<C>::min();
    case 1:
      return std::numeric_limits<C>::max();
    case 2:
      return static_cast<C>(Below(random, 3) - (std::numeric_limits<C>::min() < 0 ? 1 : 0));
    case 3:
      return static_cast<C>(Below(random, 100));
    default:
      return static_cast<C>((*random)());
  }
}

template <typename Float>
Float RandomFloat(Random* random) {
  using Limits = std::numeric_limits<Float>;
  const Float special[] = {
      Float{0},           -Float{0},          Limits::quiet_NaN(), -Limits::quiet_NaN(),
      Limits::max(),      Limits::lowest(),   Limits::min(),       Limits::denorm_min(),
      Limits::infinity(), -Limits::infinity()};
  if (Below(random, 2) == 0) return special[Below(random, std::ssize(special))];
  return std::ldexp(static_cast<Float>(Below(random, 2001) - 1000),
                    static_cast<int>(Below(random, 20)) - 10);
}

/// Few letters, so that prefixes, zero bytes and equal texts are frequent.
inline std::string RandomBytes(Random* random, std::optional<int> size = std::nullopt) {
  const char letters[] = {'\0', '\1', 'a', 'b', '\xFF', '\xC3'};
  std::string bytes(static_cast<size_t>(size.value_or(static_cast<int>(Below(random, 5)))), ' ');
  for (char& c : bytes) c = letters[Below(random, std::ssize(letters))];
  return bytes;
}

/// Any number of up to the precision's digits.
template <typename Decimal>
Decimal RandomDecimal(Random* random, int32_t precision) {
  std::string digits = Below(random, 2) == 0 ? "-" : "";
  const int64_t size = Below(random, 3) == 0 ? precision : 1 + Below(random, precision);
  const bool nines = Below(random, 4) == 0;
  for (int64_t i = 0; i < size; ++i) {
    digits += nines ? '9' : static_cast<char>('0' + Below(random, 10));
  }
  return Decimal::FromString(digits).ValueOrDie();
}

/// Calls `make(maker)` for each row, or adds a null in one of eight where `nulls`.
template <typename Builder, typename Make>
RandomColumn MakeColumn(const std::shared_ptr<arrow::DataType>& type, Random* random, int64_t rows,
                        bool nulls, Make make) {
  ColumnMaker<Builder> maker(type);
  for (int64_t i = 0; i < rows; ++i) {
    if (nulls && Below(random, 8) == 0) {
      maker.AddNull();
    } else {
      make(&maker);
    }
  }
  return maker.Finish();
}

template <typename ArrowType>
RandomColumn IntegerColumn(const std::shared_ptr<arrow::DataType>& type, Random* random,
                           int64_t rows, bool nulls, int exponent = 0) {
  return MakeColumn<typename arrow::TypeTraits<ArrowType>::BuilderType>(
      type, random, rows, nulls, [&](auto* maker) {
        const auto value = RandomInteger<typename ArrowType::c_type>(random);
        maker->Add(value, Digits(std::to_string(value), kMaxScale - exponent));
      });
}

template <typename ArrowType, typename Decimal>
RandomColumn DecimalColumn(const std::shared_ptr<arrow::DataType>& type, Random* random,
                           int64_t rows, bool nulls) {
  const auto& decimal = static_cast<const arrow::DecimalType&>(*type);
  return MakeColumn<typename arrow::TypeTraits<ArrowType>::BuilderType>(
      type, random, rows, nulls, [&](auto* maker) {
        const auto value = RandomDecimal<Decimal>(random, decimal.precision());
        maker->Add(value, Digits(value.ToIntegerString(), kMaxScale - decimal.scale()));
      });
}

template <typename Builder>
RandomColumn BytesColumn(const std::shared_ptr<arrow::DataType>& type, Random* random, int64_t rows,
                         bool nulls, std::optional<int> size = std::nullopt) {
  return MakeColumn<Builder>(type, random, rows, nulls, [&](auto* maker) {
    const std::string bytes = RandomBytes(random, size);
    maker->Add(bytes, bytes);
  });
}

template <typename ArrowType>
RandomColumn FloatColumn(const std::shared_ptr<arrow::DataType>& type, Random* random, int64_t rows,
                         bool nulls) {
  return MakeColumn<typename arrow::TypeTraits<ArrowType>::BuilderType>(
      type, random, rows, nulls, [&](auto* maker) {
        const auto value = RandomFloat<typename ArrowType::c_type>(random);
        maker->Add(value, static_cast<double>(value));
      });
}

inline RandomColumn MakeRandomColumn(const std::shared_ptr<arrow::DataType>& type, Random* random,
                                     int64_t rows, bool nulls) {
  const auto exponent_of = [](arrow::TimeUnit::type unit) { return static_cast<int>(unit) * 3; };
  switch (type->id()) {
    case arrow::Type::INT8:
      return IntegerColumn<arrow::Int8Type>(type, random, rows, nulls);
    case arrow::Type::INT16:
      return IntegerColumn<arrow::Int16Type>(type, random, rows, nulls);
    case arrow::Type::INT32:
      return IntegerColumn<arrow::Int32Type>(type, random, rows, nulls);
    case arrow::Type::INT64:
      return IntegerColumn<arrow::Int64Type>(type, random, rows, nulls);
    case arrow::Type::UINT8:
      return IntegerColumn<arrow::UInt8Type>(type, random, rows, nulls);
    case arrow::Type::UINT16:
      return IntegerColumn<arrow::UInt16Type>(type, random, rows, nulls);
    case arrow::Type::UINT32:
      return IntegerColumn<arrow::UInt32Type>(type, random, rows, nulls);
    case arrow::Type::UINT64:
      return IntegerColumn<arrow::UInt64Type>(type, random, rows, nulls);
    case arrow::Type::DECIMAL32:
      return DecimalColumn<arrow::Decimal32Type, arrow::Decimal32>(type, random, rows, nulls);
    case arrow::Type::DECIMAL64:
      return DecimalColumn<arrow::Decimal64Type, arrow::Decimal64>(type, random, rows, nulls);
    case arrow::Type::DECIMAL128:
      return DecimalColumn<arrow::Decimal128Type, arrow::Decimal128>(type, random, rows, nulls);
    case arrow::Type::DECIMAL256:
      return DecimalColumn<arrow::Decimal256Type, arrow::Decimal256>(type, random, rows, nulls);
    case arrow::Type::TIMESTAMP:
      return IntegerColumn<arrow::TimestampType>(
          type, random, rows, nulls,
          exponent_of(static_cast<const arrow::TimestampType&>(*type).unit()));
    case arrow::Type::DURATION:
      return IntegerColumn<arrow::DurationType>(
          type, random, rows, nulls,
          exponent_of(static_cast<const arrow::DurationType&>(*type).unit()));
    case arrow::Type::TIME32:
      return IntegerColumn<arrow::Time32Type>(
          type, random, rows, nulls,
          exponent_of(static_cast<const arrow::TimeType&>(*type).unit()));
    case arrow::Type::TIME64:
      return IntegerColumn<arrow::Time64Type>(
          type, random, rows, nulls,
          exponent_of(static_cast<const arrow::TimeType&>(*type).unit()));
    case arrow::Type::DATE32:
      return MakeColumn<arrow::Date32Builder>(type, random, rows, nulls, [&](auto* maker) {
        const auto days = RandomInteger<int32_t>(random);
        maker->Add(days, Digits(std::to_string(int64_t{days} * 86'400'000), kMaxScale));
      });
    case arrow::Type::DATE64:
      return IntegerColumn<arrow::Date64Type>(type, random, rows, nulls);
    case arrow::Type::BOOL:
      return MakeColumn<arrow::BooleanBuilder>(type, random, rows, nulls, [&](auto* maker) {
        const bool value = Below(random, 2) == 0;
        maker->Add(value, Digits(value ? "1" : "0", 0));
      });
    case arrow::Type::HALF_FLOAT:
      return MakeColumn<arrow::HalfFloatBuilder>(type, random, rows, nulls, [&](auto* maker) {
        const auto half = arrow::util::Float16::FromBits(static_cast<uint16_t>((*random)()));
        maker->Add(half, half.ToDouble());
      });
    case arrow::Type::FLOAT:
      return FloatColumn<arrow::FloatType>(type, random, rows, nulls);
    case arrow::Type::DOUBLE:
      return FloatColumn<arrow::DoubleType>(type, random, rows, nulls);
    case arrow::Type::LARGE_STRING:
      return BytesColumn<arrow::LargeStringBuilder>(type, random, rows, nulls);
    case arrow::Type::BINARY:
      return BytesColumn<arrow::BinaryBuilder>(type, random, rows, nulls);
    case arrow::Type::LARGE_BINARY:
      return BytesColumn<arrow::LargeBinaryBuilder>(type, random, rows, nulls);
    case arrow::Type::FIXED_SIZE_BINARY:
      return BytesColumn<arrow::FixedSizeBinaryBuilder>(
          type, random, rows, nulls,
          static_cast<const arrow::FixedSizeBinaryType&>(*type).byte_width());
    default:
      return BytesColumn<arrow::StringBuilder>(type, random, rows, nulls);
  }
}

/// All types that may be a key, those that compare with each other together.
inline const std::vector<arrow::DataTypeVector>& KeyTypeFamilies() {
  using arrow::TimeUnit;
  static const std::vector<arrow::DataTypeVector> kFamilies = {
      {arrow::int8(), arrow::int16(), arrow::int32(), arrow::int64(), arrow::uint8(),
       arrow::uint16(), arrow::uint32(), arrow::uint64(), arrow::decimal32(9, 2),
       arrow::decimal64(18, 0), arrow::decimal64(18, 18), arrow::decimal128(18, 9),
       arrow::decimal128(38, 10), arrow::decimal128(5, -3), arrow::decimal256(30, 2),
       arrow::decimal256(60, 20), arrow::decimal256(76, 0)},
      {arrow::float16(), arrow::float32(), arrow::float64()},
      {arrow::boolean()},
      {arrow::date32(), arrow::date64()},
      {arrow::time32(TimeUnit::SECOND), arrow::time32(TimeUnit::MILLI),
       arrow::time64(TimeUnit::MICRO), arrow::time64(TimeUnit::NANO)},
      {arrow::timestamp(TimeUnit::SECOND), arrow::timestamp(TimeUnit::MILLI),
       arrow::timestamp(TimeUnit::MICRO), arrow::timestamp(TimeUnit::NANO)},
      {arrow::timestamp(TimeUnit::SECOND, "UTC"),
       arrow::timestamp(TimeUnit::NANO, "Europe/Berlin")},
      {arrow::duration(TimeUnit::SECOND), arrow::duration(TimeUnit::MILLI),
       arrow::duration(TimeUnit::MICRO), arrow::duration(TimeUnit::NANO)},
      {arrow::utf8(), arrow::large_utf8()},
      {arrow::binary(), arrow::large_binary(), arrow::fixed_size_binary(3),
       arrow::fixed_size_binary(1)},
  };
  return kFamilies;
}

}  // namespace sheaf::testing
