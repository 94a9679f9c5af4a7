// Nested values again, from the bytes that PackNested() made of them.
#pragma once

#include <arrow/array.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include <memory>

namespace sheaf {

/// An array of `type` in memory from RowMemory(). `packed`: from PackNested() of such values, or rows of several such
/// arrays. Errors: CapacityError where offsets of the type don't hold what all values have together.
arrow::Result<std::shared_ptr<arrow::Array>> UnpackNested(
    const arrow::LargeBinaryArray& packed, const std::shared_ptr<arrow::DataType>& type);

}  // namespace sheaf
