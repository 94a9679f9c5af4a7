#include "cogroup/row_text.h"

#include <arrow/array.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <arrow/util/checked_cast.h>
#include <arrow/util/string.h>

namespace sheaf {
namespace {

constexpr size_t kMaxValue = 40;
constexpr size_t kMaxRow = 200;
constexpr const char* kCut = "...";

// The first bytes of a text, at most `size`, with no character cut in two (UTF-8).
std::string Beginning(const std::string& text, size_t size) {
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return text.substr(0, size);
}

// Binary in hexadecimal: its bytes are no text.
std::string ValueText(const arrow::Scalar& value) {
  const arrow::Type::type type = value.type->id();
  const bool binary = (arrow::is_base_binary_like(type) && !arrow::is_string(type)) ||
                      type == arrow::Type::FIXED_SIZE_BINARY;
  if (!binary || !value.is_valid) return value.ToString();
  return arrow::HexEncode(
      arrow::internal::checked_cast<const arrow::BaseBinaryScalar&>(value).view());
}

}  // namespace

std::string RowText(const arrow::RecordBatch& rows, int64_t row) {
  std::string text;
  for (int c = 0; c < rows.num_columns(); ++c) {
    if (text.size() > kMaxRow) return text + ", " + kCut;
    const auto scalar = rows.column(c)->GetScalar(row);
    std::string value = scalar.ok() ? ValueText(**scalar) : "?";
    if (value.size() > kMaxValue) value = Beginning(value, kMaxValue) + kCut;
    text += (text.empty() ? "" : ", ") + rows.schema()->field(c)->name() + "=" + value;
  }
  return text;
}

}  // namespace sheaf
