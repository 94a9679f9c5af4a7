#include "cogroup/row_sizes.h"

#include <arrow/array.h>
#include <arrow/extension_type.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>

#include <utility>

#include "cogroup/column_rows.h"

namespace sheaf {
namespace {

constexpr int64_t kOfUnknownType = 8;  // unions and list views

bool IsValid(const arrow::ArrayData& data, int64_t row) {
  const auto& bits = data.buffers[0];
  return bits == nullptr || arrow::bit_util::GetBit(bits->data(), data.offset + row);
}

// Bytes of one value, `row` counting from the array's offset on.
int64_t ValueBytes(const arrow::ArrayData& data, const arrow::DataType& type, int64_t row);

int64_t ElementBytes(const arrow::ArrayData& elements, int64_t begin, int64_t end) {
  int64_t bytes = 0;
  for (int64_t i = begin; i < end; ++i) bytes += ValueBytes(elements, *elements.type, i);
  return bytes;
}

template <typename Offset>
int64_t ListBytes(const arrow::ArrayData& data, int64_t row) {
  if (!IsValid(data, row)) return sizeof(Offset);
  const auto* offsets = data.GetValues<Offset>(1);
  return int64_t{sizeof(Offset)} +
         ElementBytes(*data.child_data[0], offsets[row], offsets[row + 1]);
}

template <typename Offset>
int64_t TextBytes(const arrow::ArrayData& data, int64_t row) {
  if (!IsValid(data, row)) return sizeof(Offset);
  const auto* offsets = data.GetValues<Offset>(1);
  return int64_t{sizeof(Offset)} + offsets[row + 1] - offsets[row];
}

int64_t StructBytes(const arrow::ArrayData& data, int64_t row) {
  if (!IsValid(data, row)) return 0;
  int64_t bytes = 0;
  for (const auto& field : data.child_data) {
    bytes += ValueBytes(*field, *field->type, data.offset + row);
  }
  return bytes;
}

int64_t NestedBytes(const arrow::ArrayData& data, const arrow::DataType& type, int64_t row) {
  switch (type.id()) {
    case arrow::Type::NA:
      return 0;
    case arrow::Type::LIST:
    case arrow::Type::MAP:
      return ListBytes<int32_t>(data, row);
    case arrow::Type::LARGE_LIST:
      return ListBytes<int64_t>(data, row);
    case arrow::Type::FIXED_SIZE_LIST: {
      if (!IsValid(data, row)) return 0;
      const int64_t size = static_cast<const arrow::FixedSizeListType&>(type).list_size();
      const int64_t begin = (data.offset + row) * size;
      return ElementBytes(*data.child_data[0], begin, begin + size);
    }
    case arrow::Type::STRUCT:
      return StructBytes(data, row);
    case arrow::Type::EXTENSION:
      return ValueBytes(data, *static_cast<const arrow::ExtensionType&>(type).storage_type(), row);
    case arrow::Type::FIXED_SIZE_BINARY:  // of width 0
      return 0;
    default:
      return kOfUnknownType;
  }
}

int64_t ValueBytes(const arrow::ArrayData& data, const arrow::DataType& type, int64_t row) {
  switch (KindOf(type)) {
    case ColumnKind::kFixed:
      return type.byte_width();
    case ColumnKind::kBool:
      return 1;
    case ColumnKind::kBinary:
      return TextBytes<int32_t>(data, row);
    case ColumnKind::kLargeBinary:
      return TextBytes<int64_t>(data, row);
    case ColumnKind::kOther:
      break;
  }
  return NestedBytes(data, type, row);
}

// Whether a null has bytes of its own, which count for nothing.
template <typename Offset>
bool HidesBytes(const arrow::ArrayData& data) {
  if (data.GetNullCount() == 0) return false;
  const auto* offsets = data.GetValues<Offset>(1);
  for (int64_t row = 0; row < data.length; ++row) {
    if (!IsValid(data, row) && offsets[row] != offsets[row + 1]) return true;
  }
  return false;
}

}  // namespace

RowSizes::RowSizes(std::shared_ptr<arrow::RecordBatch> rows) : rows_(std::move(rows)) {
  if (rows_->num_rows() == 0) return;  // offsets may be absent
  for (int c = 0; c < rows_->num_columns(); ++c) {
    const arrow::ArrayData& column = *rows_->column_data(c);
    switch (KindOf(*column.type)) {
      case ColumnKind::kFixed:
        fixed_ += column.type->byte_width();
        break;
      case ColumnKind::kBool:
        fixed_ += 1;
        break;
      case ColumnKind::kBinary:
        AddTexts(column, &texts_);
        break;
      case ColumnKind::kLargeBinary:
        AddTexts(column, &large_texts_);
        break;
      case ColumnKind::kOther:
        if (column.type->id() != arrow::Type::NA) AddSummed(column);
        break;
    }
  }
}

template <typename Offset>
void RowSizes::AddTexts(const arrow::ArrayData& column, std::vector<Texts<Offset>>* texts) {
  if (HidesBytes<Offset>(column)) {
    AddSummed(column);
    return;
  }
  fixed_ += sizeof(Offset);
  texts->push_back({column.GetValues<Offset>(1)});
}

void RowSizes::AddSummed(const arrow::ArrayData& column) {
  std::vector<int64_t>& sums = sums_.emplace_back();
  sums.reserve(static_cast<size_t>(column.length) + 1);
  sums.push_back(0);
  for (int64_t row = 0; row < column.length; ++row) {
    sums.push_back(sums.back() + ValueBytes(column, *column.type, row));
  }
}

int64_t RowSizes::Of(int64_t begin, int64_t end) const {
  int64_t bytes = fixed_ * (end - begin);
  if (begin == end) return bytes;
  for (const auto& text : texts_) bytes += text.offsets[end] - text.offsets[begin];
  for (const auto& text : large_texts_) bytes += text.offsets[end] - text.offsets[begin];
  for (const auto& sums : sums_) {
    bytes += sums[static_cast<size_t>(end)] - sums[static_cast<size_t>(begin)];
  }
  return bytes;
}

int64_t RowSizes::Fitting(int64_t begin, int64_t bytes) const {
  int64_t fits = begin;
  int64_t beyond = rows_->num_rows() + 1;
  while (beyond - fits > 1) {
    const int64_t end = fits + (beyond - fits) / 2;
    (Of(begin, end) <= bytes ? fits : beyond) = end;
  }
  return fits - begin;
}

}  // namespace sheaf
