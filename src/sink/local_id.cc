#include "sink/local_id.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <limits>
#include <utility>
#include <vector>

namespace sheaf {
namespace {

constexpr const char* kName = "local_id";

template <typename ArrowType>
arrow::Result<std::shared_ptr<arrow::Array>> Ids(const arrow::Int32Array& offsets) {
  using Value = ArrowType::c_type;
  const int64_t keys = offsets.length() - 1;
  if (keys - 1 > std::numeric_limits<Value>::max()) {
    return arrow::Status::Invalid(
        fmt::format("{} keys are too many for a {} of this type", keys, kName));
  }
  arrow::NumericBuilder<ArrowType> ids;
  ARROW_RETURN_NOT_OK(ids.Reserve(offsets.Value(keys)));
  for (int64_t k = 0; k < keys; ++k) {
    for (int32_t row = offsets.Value(k); row < offsets.Value(k + 1); ++row) {
      ids.UnsafeAppend(static_cast<Value>(k));
    }
  }
  return ids.Finish();
}

}  // namespace

arrow::Result<std::shared_ptr<arrow::Schema>> WithLocalId(
    const std::shared_ptr<arrow::Schema>& schema, LocalId type) {
  if (type == LocalId::kNone) return schema;
  if (!schema->GetAllFieldIndices(kName).empty()) {
    return arrow::Status::Invalid(fmt::format(
        "it has a column \"{0}\" of its own: rename that, or leave output.{0} away", kName));
  }
  const auto id = type == LocalId::kUint16 ? arrow::uint16() : arrow::uint32();
  return schema->AddField(0, arrow::field(kName, id, /*nullable=*/false));
}

arrow::Result<Batch> WithLocalIds(const Batch& batch, LocalId type) {
  if (type == LocalId::kNone) return batch;
  std::vector<BatchTable> tables = batch.tables();
  for (BatchTable& table : tables) {
    ARROW_ASSIGN_OR_RAISE(const auto schema, WithLocalId(table.rows->schema(), type));
    ARROW_ASSIGN_OR_RAISE(auto ids, type == LocalId::kUint16
                                        ? Ids<arrow::UInt16Type>(*table.offsets)
                                        : Ids<arrow::UInt32Type>(*table.offsets));
    arrow::ArrayVector columns = table.rows->columns();
    columns.insert(columns.begin(), std::move(ids));
    table.rows = arrow::RecordBatch::Make(schema, table.rows->num_rows(), std::move(columns));
  }
  return Batch(batch.index(), batch.keys(), std::move(tables), batch.continued());
}

}  // namespace sheaf
