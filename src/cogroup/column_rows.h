// Rows of a column as plain memory, for the two loops that move them: into segments and out of them.
#pragma once

#include <arrow/array/data.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>

#include <cstdint>
#include <cstring>
#include <string_view>

namespace sheaf {

/// How the values of a column stand in memory.
enum class ColumnKind {
  kFixed,        ///< So many bytes a value: byte_width() of the type.
  kBool,         ///< A bit a value.
  kBinary,       ///< Bytes between 32-bit offsets.
  kLargeBinary,  ///< Bytes between 64-bit offsets.
  kOther,        ///< Nested and the rest: left to Arrow.
};

ColumnKind KindOf(const arrow::DataType& type);

/// A view of one array; of no use where its kind is kOther.
class ColumnRows {
 public:
  ColumnRows(const arrow::ArrayData& data, ColumnKind kind);

  [[nodiscard]] bool has_nulls() const { return validity_ != nullptr; }
  [[nodiscard]] bool IsValid(int64_t row) const {
    return validity_ == nullptr || arrow::bit_util::GetBit(validity_, offset_ + row);
  }
  template <int kWidth>
  [[nodiscard]] const uint8_t* Fixed(int64_t row) const {
    return values_ + (offset_ + row) * kWidth;
  }
  [[nodiscard]] const uint8_t* Fixed(int64_t row, int width) const {
    return values_ + (offset_ + row) * width;
  }
  [[nodiscard]] bool Bool(int64_t row) const {
    return arrow::bit_util::GetBit(values_, offset_ + row);
  }
  /// Bytes `begin` to `end` of the values; Offset is the type of the array's offsets.
  template <typename Offset>
  [[nodiscard]] Offset Begin(int64_t row) const {
    return static_cast<const Offset*>(offsets_)[offset_ + row];
  }
  template <typename Offset>
  [[nodiscard]] std::string_view Bytes(int64_t row) const {
    const auto begin = Begin<Offset>(row);
    return {reinterpret_cast<const char*>(values_) + begin,
            static_cast<size_t>(Begin<Offset>(row + 1) - begin)};
  }
  [[nodiscard]] const uint8_t* values() const { return values_; }
  /// Where the bytes of a binary column end.
  [[nodiscard]] const uint8_t* values_end() const { return values_end_; }

 private:
  const uint8_t* values_ = nullptr;
  const uint8_t* values_end_ = nullptr;
  const uint8_t* validity_ = nullptr;  // null where no value is
  const void* offsets_ = nullptr;
  int64_t offset_ = 0;
};

/// Copies `length` bytes, and where there is room on both sides up to 64: a short text then costs neither a
/// call nor a branch that its length decides. What it writes beyond `length` must not matter yet.
inline void CopyText(uint8_t* to, const uint8_t* to_end, const uint8_t* from,
                     const uint8_t* from_end, size_t length) {
  const auto copy = [&](auto size) {
    if (length > size() || to_end - to < ptrdiff_t{size()} || from_end - from < ptrdiff_t{size()}) {
      return false;
    }
    std::memcpy(to, from, size());
    return true;
  };
  const bool copied =
      copy(std::integral_constant<size_t, 16>()) || copy(std::integral_constant<size_t, 64>());
  if (!copied && length > 0) std::memcpy(to, from, length);
}

/// Calls `visit` with the width as a constant, where values of that width are common, else with 0.
template <typename Visit>
void WithWidth(int width, const Visit& visit) {
  switch (width) {
    case 1:
      return visit(std::integral_constant<int, 1>());
    case 2:
      return visit(std::integral_constant<int, 2>());
    case 4:
      return visit(std::integral_constant<int, 4>());
    case 8:
      return visit(std::integral_constant<int, 8>());
    case 16:
      return visit(std::integral_constant<int, 16>());
    default:
      return visit(std::integral_constant<int, 0>());
  }
}

}  // namespace sheaf
