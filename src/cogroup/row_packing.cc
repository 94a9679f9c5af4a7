#include "cogroup/row_packing.h"

#include <arrow/array.h>
#include <arrow/type.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "cogroup/column_rows.h"
#include "cogroup/nested_format.h"
#include "cogroup/pack_nested.h"
#include "cogroup/unpack_nested.h"
#include "parallel/parallel.h"

namespace sheaf {
namespace {

bool HasKind(const arrow::DataType& storage) { return KindOf(storage) != ColumnKind::kOther; }

std::shared_ptr<arrow::DataType> PackedType(const std::shared_ptr<arrow::DataType>& type) {
  const auto storage = StorageOf(type);
  return HasKind(*storage) ? storage : arrow::large_binary();
}

std::shared_ptr<arrow::Schema> PackedSchema(const std::shared_ptr<arrow::Schema>& schema) {
  arrow::FieldVector fields = schema->fields();
  bool packs = false;
  for (auto& field : fields) {
    const auto packed = PackedType(field->type());
    if (packed == field->type()) continue;
    field = field->WithType(packed);
    packs = true;
  }
  return packs ? arrow::schema(std::move(fields), schema->metadata()) : schema;
}

std::shared_ptr<arrow::Array> WithType(const arrow::Array& array,
                                       std::shared_ptr<arrow::DataType> type) {
  const auto data = array.data()->Copy();
  data->type = std::move(type);
  return arrow::MakeArray(data);
}

}  // namespace

RowPacking::RowPacking(std::shared_ptr<arrow::Schema> schema)
    : schema_(std::move(schema)), packed_(PackedSchema(schema_)) {}

bool RowPacking::IsPacked(int column) const {
  return packed_->field(column) != schema_->field(column);
}

bool RowPacking::IsNested(int column) const {
  return !HasKind(*StorageOf(schema_->field(column)->type()));
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> RowPacking::Pack(
    const std::shared_ptr<arrow::RecordBatch>& rows) const {
  if (packed_ == schema_) return rows;
  arrow::ArrayVector columns = rows->columns();
  for (int c = 0; c < packed_->num_fields(); ++c) {
    if (!IsPacked(c)) continue;
    auto& column = columns[static_cast<size_t>(c)];
    ARROW_ASSIGN_OR_RAISE(column, PackColumn(c, column));
  }
  return arrow::RecordBatch::Make(packed_, rows->num_rows(), std::move(columns));
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> RowPacking::Unpack(
    std::shared_ptr<arrow::RecordBatch> packed) const {
  if (packed_ == schema_) return packed;
  const int64_t rows = packed->num_rows();
  arrow::ArrayVector columns = std::exchange(packed, nullptr)->columns();
  ARROW_RETURN_NOT_OK(RunInParallel(columns.size(), [&](size_t c) -> arrow::Status {
    if (!IsPacked(static_cast<int>(c))) return arrow::Status::OK();
    return UnpackColumn(static_cast<int>(c), std::exchange(columns[c], nullptr)).Value(&columns[c]);
  }));
  return arrow::RecordBatch::Make(schema_, rows, std::move(columns));
}

arrow::Result<arrow::ArrayVector> RowPacking::ColumnsAt(const std::vector<ColumnPath>& paths,
                                                        const arrow::RecordBatch& packed) const {
  arrow::ArrayVector columns = packed.columns();
  columns.resize(static_cast<size_t>(schema_->num_fields()));
  std::vector<int> used;
  used.reserve(paths.size());
  for (const ColumnPath& path : paths) used.push_back(path.indices.indices()[0]);
  std::ranges::sort(used);
  const auto repeats = std::ranges::unique(used);
  used.erase(repeats.begin(), repeats.end());
  for (const int c : used) {
    if (!IsPacked(c)) continue;
    auto& column = columns[static_cast<size_t>(c)];
    ARROW_ASSIGN_OR_RAISE(column, UnpackColumn(c, column));
  }
  return sheaf::ColumnsAt(
      paths, *arrow::RecordBatch::Make(schema_, packed.num_rows(), std::move(columns)));
}

arrow::Result<std::shared_ptr<arrow::Array>> RowPacking::PackColumn(
    int column, const std::shared_ptr<arrow::Array>& values) const {
  if (!IsNested(column)) return WithType(*values, packed_->field(column)->type());
  return PackNested(*values);
}

arrow::Result<std::shared_ptr<arrow::Array>> RowPacking::UnpackColumn(
    int column, const std::shared_ptr<arrow::Array>& packed) const {
  const auto& type = schema_->field(column)->type();
  if (!IsNested(column)) return WithType(*packed, type);
  return UnpackNested(static_cast<const arrow::LargeBinaryArray&>(*packed), type);
}

}  // namespace sheaf
