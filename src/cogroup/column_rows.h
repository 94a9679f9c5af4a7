// Rows of a column as plain memory, for the two loops that move them: into segments and out of them.
#pragma once

#include <arrow/array/data.h>
#include <arrow/buffer.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>

#include <cstdint>
#include <cstring>
#include <memory>

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

/// The kind of the plain type that stands for `type`: string views count as text.
ColumnKind PlainKindOf(const arrow::DataType& type);

inline bool IsBinary(ColumnKind kind) {
  return kind == ColumnKind::kBinary || kind == ColumnKind::kLargeBinary;
}

/// Bytes a value of a plain type, or an offset; 0 of kinds that have neither.
int PlainWidth(ColumnKind kind, const arrow::DataType& type);

/// A text in memory that ends at `end`.
struct Text {
  const uint8_t* begin;
  size_t size;
  const uint8_t* end;
};

/// A view of one array; of no use where its kind is kOther. An array of string views is of a binary kind too.
class ColumnRows {
 public:
  /// `kind`: that of the column's plain type.
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
  /// Texts stand one after another, between offsets; else they are views.
  [[nodiscard]] bool is_contiguous() const { return views_ == nullptr; }
  /// Where the bytes of a row begin, of contiguous texts; Offset is the type of the array's offsets.
  template <typename Offset>
  [[nodiscard]] Offset Begin(int64_t row) const {
    return static_cast<const Offset*>(offsets_)[offset_ + row];
  }
  /// Of contiguous texts: where the bytes of row 0 count from.
  [[nodiscard]] const uint8_t* values() const { return values_; }
  /// What tells where a text is.
  template <typename Offset>
  [[nodiscard]] const void* PlaceOf(int64_t row) const {
    if (views_ != nullptr) return views_ + offset_ + row;
    return static_cast<const Offset*>(offsets_) + offset_ + row;
  }
  template <typename Offset>
  [[nodiscard]] int64_t Length(int64_t row) const {
    if (views_ != nullptr) return views_[offset_ + row].size();
    return int64_t{Begin<Offset>(row + 1)} - Begin<Offset>(row);
  }
  /// `kind`: the column's, a binary one.
  [[nodiscard]] int64_t Length(ColumnKind kind, int64_t row) const {
    return kind == ColumnKind::kBinary ? Length<int32_t>(row) : Length<int64_t>(row);
  }
  template <typename Offset>
  [[nodiscard]] Text TextAt(int64_t row) const {
    if (views_ != nullptr) return View(views_[offset_ + row]);
    const auto begin = Begin<Offset>(row);
    return {values_ + begin, static_cast<size_t>(Begin<Offset>(row + 1) - begin), values_end_};
  }

 private:
  [[nodiscard]] Text View(const arrow::BinaryViewType::c_type& view) const {
    const auto size = static_cast<size_t>(view.size());
    if (view.is_inline()) {
      return {view.inline_data(), size, values_end_};
    }
    const arrow::Buffer& buffer = *view_buffers_[view.ref.buffer_index];
    return {buffer.data() + view.ref.offset, size, buffer.data() + buffer.size()};
  }

  const uint8_t* values_ = nullptr;
  const uint8_t* values_end_ = nullptr;  // of contiguous texts, or of the views
  const uint8_t* validity_ = nullptr;    // null where no value is
  const arrow::BinaryViewType::c_type* views_ = nullptr;
  const std::shared_ptr<arrow::Buffer>* view_buffers_ = nullptr;
  const void* offsets_ = nullptr;
  int64_t offset_ = 0;
};

/// Bytes of the texts of rows [begin, end) of a binary column.
int64_t TextBytes(const ColumnRows& rows, ColumnKind kind, int64_t begin, int64_t end);

/// Copies a text, and where there is room on both sides up to 64: a short text then costs neither a
/// call nor a branch that its length decides. What it writes beyond its length must not matter yet.
inline void CopyText(uint8_t* to, const uint8_t* to_end, const Text& text) {
  const auto copy = [&](auto size) {
    if (text.size > size() || to_end - to < ptrdiff_t{size()} ||
        text.end - text.begin < ptrdiff_t{size()}) {
      return false;
    }
    std::memcpy(to, text.begin, size());
    return true;
  };
  const bool copied =
      copy(std::integral_constant<size_t, 16>()) || copy(std::integral_constant<size_t, 64>());
  if (!copied && text.size > 0) std::memcpy(to, text.begin, text.size);
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
