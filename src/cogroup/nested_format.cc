#include "cogroup/nested_format.h"

#include <arrow/extension_type.h>
#include <arrow/type_traits.h>

namespace sheaf {

std::shared_ptr<arrow::DataType> StorageOf(const std::shared_ptr<arrow::DataType>& type) {
  if (type->id() != arrow::Type::EXTENSION) return type;
  return StorageOf(static_cast<const arrow::ExtensionType&>(*type).storage_type());
}

bool HasOwnNulls(const arrow::DataType& storage) {
  return storage.id() != arrow::Type::NA && !arrow::is_union(storage.id());
}

}  // namespace sheaf
