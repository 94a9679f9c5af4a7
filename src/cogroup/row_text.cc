#include "cogroup/row_text.h"

#include <arrow/array.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

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

}  // namespace

std::string RowText(const arrow::RecordBatch& rows, int64_t row) {
  std::string text;
  for (int c = 0; c < rows.num_columns(); ++c) {
    if (text.size() > kMaxRow) return text + ", " + kCut;
    const auto scalar = rows.column(c)->GetScalar(row);
    std::string value = scalar.ok() ? (*scalar)->ToString() : "?";
    if (value.size() > kMaxValue) value = Beginning(value, kMaxValue) + kCut;
    text += (text.empty() ? "" : ", ") + rows.schema()->field(c)->name() + "=" + value;
  }
  return text;
}

}  // namespace sheaf
