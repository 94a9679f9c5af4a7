#include "cogroup/narrow_values.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace sheaf {
namespace {

// Calls `visit` with a number of the type that has so many bytes.
template <typename Visit>
auto WithNumber(int width, const Visit& visit) {
  switch (width) {
    case 2:
      return visit(int16_t{});
    case 4:
      return visit(int32_t{});
    default:
      return visit(int64_t{});
  }
}

template <typename Number>
Number ValueAt(const ColumnRows& values, int64_t row) {
  Number value;
  std::memcpy(&value, values.Fixed<sizeof(Number)>(row), sizeof(Number));
  return value;
}

// By how much a value exceeds the base: sums wrap around, so that no base and no value is beyond all bounds.
uint64_t Above(int64_t base, int64_t value) {
  return static_cast<uint64_t>(value) - static_cast<uint64_t>(base);
}

uint64_t MostOf(int stored) { return (uint64_t{1} << (8 * stored)) - 1; }

// The fewest of 1, 2 or 4 bytes that will do, if that is less than `width`; else `width`.
template <typename WillDo>
int FewestBytes(int width, const WillDo& will_do) {
  for (const int stored : {1, 2, 4}) {
    if (stored < width && will_do(stored)) return stored;
  }
  return width;
}

}  // namespace

std::optional<ValueSpan> SpanOf(const ColumnRows& values, int width, int64_t rows) {
  if (rows == 0 || values.has_nulls()) return std::nullopt;
  return WithNumber(width, [&](auto number) {
    using Number = decltype(number);
    Number least = std::numeric_limits<Number>::max();
    Number greatest = std::numeric_limits<Number>::min();
    for (int64_t row = 0; row < rows; ++row) {
      const auto value = ValueAt<Number>(values, row);
      least = std::min(least, value);
      greatest = std::max(greatest, value);
    }
    return ValueSpan{least, greatest};
  });
}

std::optional<ValueSpan> SpanOf(const ColumnRows& values, int width,
                                std::span<const uint32_t> rows) {
  return WithNumber(width, [&](auto number) {
    std::optional<ValueSpan> span;
    for (const uint32_t row : rows) {
      if (!values.IsValid(row)) continue;
      const auto value = static_cast<int64_t>(ValueAt<decltype(number)>(values, row));
      if (!span) span = {value, value};
      span->least = std::min(span->least, value);
      span->greatest = std::max(span->greatest, value);
    }
    return span;
  });
}

int NarrowWidth(const ValueSpan& span, int width) {
  constexpr uint64_t kReserve = 4;  // later values may spread so many times as far
  return FewestBytes(width, [&](int stored) {
    return Above(span.least, span.greatest) < MostOf(stored) / kReserve;
  });
}

int64_t MaxLength(int stored) {
  return stored < 8 ? static_cast<int64_t>(MostOf(stored)) : std::numeric_limits<int64_t>::max();
}

int LengthWidth(int64_t longest, int width) {
  constexpr int64_t kReserve = 2;  // later texts may be so many times as long
  return FewestBytes(width, [&](int stored) { return longest <= MaxLength(stored) / kReserve; });
}

int64_t BaseOf(const ValueSpan& span, int stored) {
  const uint64_t most = MostOf(stored);
  const uint64_t spread = Above(span.least, span.greatest);
  return static_cast<int64_t>(static_cast<uint64_t>(span.least) -
                              (most - std::min(spread, most)) / 2);
}

int64_t Narrow(const ColumnRows& values, int width, std::span<const uint32_t> rows, int64_t base,
               int stored, uint8_t* out) {
  const uint64_t most = MostOf(stored);
  return WithNumber(width, [&](auto number) {
    using Number = decltype(number);
    uint64_t bits = 0;  // that any of them has
    WithStored(stored, [&](auto narrow) {
      for (const uint32_t row : rows) {
        const uint64_t above = Above(base, ValueAt<Number>(values, row));
        bits |= above;
        narrow = static_cast<decltype(narrow)>(above);
        std::memcpy(out, &narrow, sizeof(narrow));
        out += sizeof(narrow);
      }
    });
    if (bits <= most) return std::ssize(rows);
    const auto beyond = std::ranges::find_if(rows, [&](uint32_t row) {
      return Above(base, ValueAt<Number>(values, row)) > most && values.IsValid(row);
    });
    return beyond - rows.begin();
  });
}

void Widen(const uint8_t* narrow, int64_t count, int64_t base, int stored, int width,
           uint8_t* out) {
  WithNumber(width, [&](auto number) {
    WithStored(stored, [&](auto above) {
      for (int64_t i = 0; i < count; ++i) {
        std::memcpy(&above, narrow + i * static_cast<int64_t>(sizeof(above)), sizeof(above));
        number = static_cast<decltype(number)>(static_cast<uint64_t>(base) + above);
        std::memcpy(out + i * static_cast<int64_t>(sizeof(number)), &number, sizeof(number));
      }
    });
  });
}

}  // namespace sheaf
