#include "cogroup/column_rows.h"

#include <arrow/type_traits.h>

namespace sheaf {
namespace {

// Where texts are that have no bytes: a pointer that can be added to.
constexpr uint8_t kNoText = 0;

template <typename Offset>
int64_t TextBytes(const ColumnRows& rows, int64_t begin, int64_t end) {
  if (rows.is_contiguous()) return int64_t{rows.Begin<Offset>(end)} - rows.Begin<Offset>(begin);
  int64_t bytes = 0;
  for (int64_t row = begin; row < end; ++row) bytes += rows.Length<Offset>(row);
  return bytes;
}

}  // namespace

ColumnKind KindOf(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL:
      return ColumnKind::kBool;
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return ColumnKind::kBinary;
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return ColumnKind::kLargeBinary;
    case arrow::Type::DICTIONARY:
    case arrow::Type::EXTENSION:
      return ColumnKind::kOther;
    default:
      return arrow::is_fixed_width(type.id()) && type.byte_width() > 0 ? ColumnKind::kFixed
                                                                       : ColumnKind::kOther;
  }
}

ColumnKind PlainKindOf(const arrow::DataType& type) {
  return arrow::is_binary_view_like(type.id()) ? ColumnKind::kBinary : KindOf(type);
}

int PlainWidth(ColumnKind kind, const arrow::DataType& type) {
  switch (kind) {
    case ColumnKind::kFixed:
      return type.byte_width();
    case ColumnKind::kBinary:
      return sizeof(int32_t);
    case ColumnKind::kLargeBinary:
      return sizeof(int64_t);
    default:
      return 0;
  }
}

ColumnRows::ColumnRows(const arrow::ArrayData& data, ColumnKind kind) : offset_(data.offset) {
  if (kind == ColumnKind::kOther) return;
  if (data.GetNullCount() > 0) validity_ = data.buffers[0]->data();
  if (arrow::is_binary_view_like(data.type->id())) {
    views_ = reinterpret_cast<const arrow::BinaryViewType::c_type*>(data.buffers[1]->data());
    view_buffers_ = data.buffers.data() + 2;
    values_end_ = data.buffers[1]->data() + data.buffers[1]->size();
  } else if (kind == ColumnKind::kBinary || kind == ColumnKind::kLargeBinary) {
    offsets_ = data.buffers[1]->data();
    values_ = values_end_ = &kNoText;
    if (data.buffers[2] != nullptr && data.buffers[2]->size() > 0) {
      values_ = data.buffers[2]->data();
      values_end_ = values_ + data.buffers[2]->size();
    }
  } else if (data.buffers[1] != nullptr) {
    values_ = data.buffers[1]->data();
  }
}

int64_t TextBytes(const ColumnRows& rows, ColumnKind kind, int64_t begin, int64_t end) {
  return kind == ColumnKind::kBinary ? TextBytes<int32_t>(rows, begin, end)
                                     : TextBytes<int64_t>(rows, begin, end);
}

}  // namespace sheaf
