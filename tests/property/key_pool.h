// Ascending lists of key values, each written in every type that can hold it. A key is its place in
// the list, so that the tests know the order of keys without computing one.
#pragma once

#include <arrow/api.h>
#include <arrow/compute/api.h>
#include <arrow/compute/initialize.h>
#include <arrow/util/logging.h>

#include <limits>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace sheaf::testing {

using Random = std::mt19937_64;

inline int Below(Random* random, int end) {
  return std::uniform_int_distribution<int>(0, end - 1)(*random);
}

inline bool OneIn(Random* random, int n) { return Below(random, n) == 0; }

template <typename T>
const T& AnyOf(Random* random, const std::vector<T>& values) {
  return values[static_cast<size_t>(Below(random, static_cast<int>(values.size())))];
}

struct KeyPool {
  std::shared_ptr<arrow::Array> values;  // strictly ascending
  arrow::DataTypeVector types;
};

template <typename Builder, typename C>
std::shared_ptr<arrow::Array> ArrayOf(const std::shared_ptr<arrow::DataType>& type,
                                      const std::vector<C>& values) {
  Builder builder(type, arrow::default_memory_pool());
  for (const C& value : values) ARROW_CHECK_OK(builder.Append(value));
  return builder.Finish().ValueOrDie();
}

inline KeyPool NumberPool() {
  std::vector<arrow::Decimal128> hundredths;
  for (const int64_t number : {-3'000'000'000L,
                               -70'000L,
                               -129L,
                               -128L,
                               -7L,
                               -1L,
                               0L,
                               1L,
                               2L,
                               7L,
                               100L,
                               127L,
                               128L,
                               255L,
                               256L,
                               32'767L,
                               65'535L,
                               65'536L,
                               1'000'000L,
                               4'294'967'295L,
                               9'000'000'000L}) {
    hundredths.emplace_back(number * 100);
    hundredths.emplace_back(number * 100 + 25);
  }
  return {ArrayOf<arrow::Decimal128Builder>(arrow::decimal128(38, 2), hundredths),
          {arrow::int8(), arrow::int16(), arrow::int32(), arrow::int64(), arrow::uint8(),
           arrow::uint16(), arrow::uint32(), arrow::uint64(), arrow::decimal128(20, 2),
           arrow::decimal128(38, 6), arrow::decimal256(50, 4)}};
}

inline KeyPool FloatPool() {
  using Limits = std::numeric_limits<double>;
  return {ArrayOf<arrow::DoubleBuilder, double>(
              arrow::float64(), {-Limits::infinity(), -1e300, -2, -0.1, 0, 0.1, 0.5, 1, 3e9,
                                 Limits::infinity(), Limits::quiet_NaN()}),
          {arrow::float32(), arrow::float64()}};
}

inline KeyPool DatePool() {
  constexpr int64_t kDay = 86'400'000;
  std::vector<int64_t> milliseconds;
  for (const int64_t day : {-40'000, -1, 0, 1, 11'000, 19'000, 19'001}) {
    milliseconds.push_back(day * kDay);
  }
  return {ArrayOf<arrow::Date64Builder>(arrow::date64(), milliseconds),
          {arrow::date32(), arrow::date64()}};
}

/// Times of day, timestamps without and with a zone, durations.
inline std::vector<KeyPool> TimePools() {
  using arrow::TimeUnit;
  const std::vector<int64_t> nanoseconds = {0,
                                            1,
                                            1'000,
                                            1'001,
                                            1'000'000,
                                            999'000'000,
                                            1'000'000'000,
                                            1'500'000'000,
                                            7'000'000'000,
                                            60'000'000'000};
  std::vector<KeyPool> pools;
  pools.push_back({ArrayOf<arrow::Time64Builder>(arrow::time64(TimeUnit::NANO), nanoseconds),
                   {arrow::time32(TimeUnit::SECOND), arrow::time32(TimeUnit::MILLI),
                    arrow::time64(TimeUnit::MICRO), arrow::time64(TimeUnit::NANO)}});
  KeyPool durations{ArrayOf<arrow::DurationBuilder>(arrow::duration(TimeUnit::NANO), nanoseconds),
                    {}};
  for (const auto unit : TimeUnit::values()) durations.types.push_back(arrow::duration(unit));
  pools.push_back(std::move(durations));
  for (const std::string zone : {"", "UTC"}) {
    const auto type = arrow::timestamp(TimeUnit::NANO, zone);
    KeyPool pool{ArrayOf<arrow::TimestampBuilder>(type, nanoseconds), {}};
    for (const auto unit : TimeUnit::values()) pool.types.push_back(arrow::timestamp(unit, zone));
    pools.push_back(std::move(pool));
  }
  return pools;
}

inline KeyPool TextPool() {
  using namespace std::string_literals;  // zero bytes are part of the texts
  const std::vector<std::string> texts = {""s,   "\0"s,  "\0\0"s, "\0a"s,
                                          "A"s,  "a"s,   "a\0"s,  "a\0b"s,
                                          "aa"s, "ab"s,  "b"s,    "more than twelve bytes of it"s,
                                          "é"s,  "é\0"s, "日本"s};
  return {ArrayOf<arrow::StringBuilder>(arrow::utf8(), texts),
          {arrow::utf8(), arrow::large_utf8(), arrow::utf8_view(),
           arrow::dictionary(arrow::int32(), arrow::utf8())}};
}

inline KeyPool BinaryPool() {
  using namespace std::string_literals;
  const std::vector<std::string> bytes = {""s,     "\0"s, "\0\0\1"s,   "ab"s,      "abc"s,
                                          "abcd"s, "b"s,  "\xFF\0\0"s, "\xFF\xFF"s};
  return {
      ArrayOf<arrow::BinaryBuilder>(arrow::binary(), bytes),
      {arrow::binary(), arrow::large_binary(), arrow::binary_view(), arrow::fixed_size_binary(3)}};
}

inline std::vector<KeyPool> MakeKeyPools() {
  ARROW_CHECK_OK(arrow::compute::Initialize());
  std::vector<KeyPool> pools = TimePools();
  pools.push_back(NumberPool());
  pools.push_back(FloatPool());
  pools.push_back(DatePool());
  pools.push_back(TextPool());
  pools.push_back(BinaryPool());
  pools.push_back(
      {ArrayOf<arrow::BooleanBuilder, bool>(arrow::boolean(), {false, true}), {arrow::boolean()}});
  return pools;
}

/// A few values of the pool, so that tables share composite keys as well.
inline KeyPool Narrow(Random* random, const KeyPool& pool) {
  arrow::Int64Builder chosen;
  const int one_in = 1 + static_cast<int>(pool.values->length() / 4);
  for (int64_t place = 0; place < pool.values->length(); ++place) {
    if (OneIn(random, one_in)) ARROW_CHECK_OK(chosen.Append(place));
  }
  if (chosen.length() == 0) return pool;
  const auto places = chosen.Finish().ValueOrDie();
  return {arrow::compute::Take(*pool.values, *places).ValueOrDie(), pool.types};
}

/// The values at `places` (below 0: null) in `type`; an error where it can't hold one of them.
inline arrow::Result<std::shared_ptr<arrow::Array>> WriteAs(
    const KeyPool& pool, const std::shared_ptr<arrow::DataType>& type,
    const std::vector<int>& places) {
  arrow::Int64Builder builder;
  for (const int place : places) {
    ARROW_RETURN_NOT_OK(place < 0 ? builder.AppendNull() : builder.Append(place));
  }
  ARROW_ASSIGN_OR_RAISE(const auto indices, builder.Finish());
  ARROW_ASSIGN_OR_RAISE(const auto taken, arrow::compute::Take(*pool.values, *indices));
  if (type->id() == arrow::Type::DICTIONARY) {
    ARROW_ASSIGN_OR_RAISE(const arrow::Datum encoded, arrow::compute::DictionaryEncode(taken));
    return encoded.make_array();
  }
  return arrow::compute::Cast(*taken, type);
}

/// The places of the values that `type` can hold.
inline std::vector<int> PlacesIn(const KeyPool& pool,
                                 const std::shared_ptr<arrow::DataType>& type) {
  std::vector<int> places;
  const auto equal = arrow::EqualOptions::Defaults().nans_equal(true);
  for (int place = 0; place < pool.values->length(); ++place) {
    const auto written = WriteAs(pool, type, {place});
    if (!written.ok()) continue;
    const auto back = arrow::compute::Cast(**written, pool.values->type());
    if (back.ok() && (*back)->Equals(pool.values->Slice(place, 1), equal)) places.push_back(place);
  }
  return places;
}

}  // namespace sheaf::testing
