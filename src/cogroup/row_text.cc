#include "cogroup/row_text.h"

#include <arrow/array.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

namespace sheaf {
namespace {

constexpr size_t kMaxValue = 40;
constexpr size_t kMaxRow = 200;
constexpr const char* kCut = "...";

}  // namespace

std::string RowText(const arrow::RecordBatch& rows, int64_t row) {
  std::string text;
  for (int c = 0; c < rows.num_columns(); ++c) {
    if (text.size() > kMaxRow) return text + ", " + kCut;
    const auto scalar = rows.column(c)->GetScalar(row);
    std::string value = scalar.ok() ? (*scalar)->ToString() : "?";
    if (value.size() > kMaxValue) value = value.substr(0, kMaxValue) + kCut;
    text += (text.empty() ? "" : ", ") + rows.schema()->field(c)->name() + "=" + value;
  }
  return text;
}

}  // namespace sheaf
