// Values of a fixed width in fewer bytes: what they exceed a base by, where that is little.
//
// The keys of a partition, ranks, codes and counts lie close together, and what is not copied, spilled and loaded
// costs nothing. Values are taken as the whole numbers that their bits are, so it holds for every type.
// The method is known as frame of reference (Goldstein, Ramakrishnan, Shaft: "Compressing Relations and Indexes",
// 1998).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "cogroup/column_rows.h"

namespace sheaf {

/// Calls `visit` with a number of the unsigned type that has so many bytes: 1, 2, 4 or 8.
template <typename Visit>
void WithStored(int stored, const Visit& visit) {
  switch (stored) {
    case 1:
      return visit(uint8_t{});
    case 2:
      return visit(uint16_t{});
    case 4:
      return visit(uint32_t{});
    default:
      return visit(uint64_t{});
  }
}

/// The least and the greatest of some values.
struct ValueSpan {
  int64_t least;
  int64_t greatest;
};

/// True where values of so many bytes may be narrowed.
constexpr bool CanNarrow(int width) { return width == 2 || width == 4 || width == 8; }

/// Of all values of a column; nullopt where one is null, or there is none.
std::optional<ValueSpan> SpanOf(const ColumnRows& values, int width, int64_t rows);

/// Of the numbered rows that are not null; nullopt where all are.
std::optional<ValueSpan> SpanOf(const ColumnRows& values, int width,
                                std::span<const uint32_t> rows);

/// 1, 2 or 4 bytes that values hold which spread some more than these, if that is less than `width`; else `width`.
int NarrowWidth(const ValueSpan& span, int width);

/// The longest text whose length has so many bytes.
int64_t MaxLength(int stored);

/// 1, 2 or 4 bytes that lengths hold which are some longer than this, if that is less than `width`; else `width`.
int LengthWidth(int64_t longest, int width);

/// The base from which `stored` bytes reach as far above these values as below them.
int64_t BaseOf(const ValueSpan& span, int stored);

/// Writes the numbered rows to `out`, and returns how many of them, from the first on, are null or at most what
/// `stored` bytes hold above `base`. What it writes for a null, and for the rows after these, is of no meaning.
int64_t Narrow(const ColumnRows& values, int width, std::span<const uint32_t> rows, int64_t base,
               int stored, uint8_t* out);

/// Writes `count` values of `width` bytes to `out`.
void Widen(const uint8_t* narrow, int64_t count, int64_t base, int stored, int width, uint8_t* out);

}  // namespace sheaf
