#include "engine/catalog.h"

#include <arrow-adbc/adbc.h>
#include <arrow/array.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include <cstdint>
#include <memory>
#include <string_view>

#include "sheaf/error.h"

namespace sheaf {
namespace {

arrow::Status Unreadable(const char* what) {
  return MakeError(ErrorKind::kEngine, std::string("the driver's ") + what +
                                           " do not have the layout that ADBC asks for");
}

std::string TextOf(const arrow::Scalar& scalar) {
  if (!scalar.is_valid) return {};
  if (scalar.type->id() == arrow::Type::DENSE_UNION) {
    return TextOf(*static_cast<const arrow::UnionScalar&>(scalar).child_value());
  }
  return arrow::is_base_binary_like(scalar.type->id())
             ? std::string(static_cast<const arrow::BaseBinaryScalar&>(scalar).view())
             : std::string();
}

std::string* FieldOf(DriverInfo& info, uint32_t code) {
  switch (code) {
    case ADBC_INFO_VENDOR_NAME:
      return &info.vendor_name;
    case ADBC_INFO_VENDOR_VERSION:
      return &info.vendor_version;
    case ADBC_INFO_DRIVER_NAME:
      return &info.driver_name;
    case ADBC_INFO_DRIVER_VERSION:
      return &info.driver_version;
    default:
      return nullptr;
  }
}

/// One level of GetObjects: rows of (name, list of the next level's rows).
struct Level {
  const arrow::StringArray* names = nullptr;
  const arrow::ListArray* children = nullptr;

  static arrow::Result<Level> Of(const arrow::StructArray& rows, bool has_children) {
    Level level;
    if (rows.num_fields() < 2) return Unreadable("objects");
    level.names = dynamic_cast<const arrow::StringArray*>(rows.field(0).get());
    level.children = dynamic_cast<const arrow::ListArray*>(rows.field(1).get());
    if (level.names == nullptr || (has_children && level.children == nullptr)) {
      return Unreadable("objects");
    }
    return level;
  }

  // An absent name is the empty one: engines without catalogs have a null for it.
  [[nodiscard]] std::string_view Name(int64_t row) const {
    return names->IsNull(row) ? std::string_view() : names->GetView(row);
  }
  [[nodiscard]] std::shared_ptr<arrow::Array> Children(int64_t row) const {
    return children->IsNull(row) ? children->values()->Slice(0, 0) : children->value_slice(row);
  }
};

/// Calls `visit(name, children)` for each row of a level.
template <typename Visit>
arrow::Status ForEach(const arrow::Array& array, Visit visit) {
  const auto* rows = dynamic_cast<const arrow::StructArray*>(&array);
  if (rows == nullptr) return Unreadable("objects");
  ARROW_ASSIGN_OR_RAISE(const Level level, Level::Of(*rows, /*has_children=*/true));
  for (int64_t row = 0; row < rows->length(); ++row) {
    ARROW_RETURN_NOT_OK(visit(level.Name(row), *level.Children(row)));
  }
  return arrow::Status::OK();
}

arrow::Status AppendTables(std::string_view catalog, std::string_view schema,
                           const arrow::Array& tables, std::vector<TableId>& ids) {
  const auto* rows = dynamic_cast<const arrow::StructArray*>(&tables);
  if (rows == nullptr) return Unreadable("objects");
  ARROW_ASSIGN_OR_RAISE(const Level level, Level::Of(*rows, /*has_children=*/false));
  for (int64_t row = 0; row < rows->length(); ++row) {
    ids.push_back({std::string(catalog), std::string(schema), std::string(level.Name(row))});
  }
  return arrow::Status::OK();
}

}  // namespace

arrow::Result<DriverInfo> ReadDriverInfo(arrow::RecordBatchReader& reader) {
  DriverInfo info;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const auto batch, reader.Next());
    if (!batch) return info;
    if (batch->num_columns() != 2) return Unreadable("facts about itself");
    const auto* codes = dynamic_cast<const arrow::UInt32Array*>(batch->column(0).get());
    if (codes == nullptr) return Unreadable("facts about itself");
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      std::string* field = FieldOf(info, codes->Value(row));
      if (field == nullptr) continue;
      ARROW_ASSIGN_OR_RAISE(const auto value, batch->column(1)->GetScalar(row));
      *field = TextOf(*value);
    }
  }
}

arrow::Result<std::vector<TableId>> ReadTables(arrow::RecordBatchReader& reader) {
  std::vector<TableId> ids;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const auto batch, reader.Next());
    if (!batch) return ids;
    ARROW_ASSIGN_OR_RAISE(const auto catalogs, batch->ToStructArray());
    ARROW_RETURN_NOT_OK(
        ForEach(*catalogs, [&](std::string_view catalog, const arrow::Array& schemas) {
          return ForEach(schemas, [&](std::string_view schema, const arrow::Array& tables) {
            return AppendTables(catalog, schema, tables, ids);
          });
        }));
  }
}

}  // namespace sheaf
