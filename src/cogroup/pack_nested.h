// Nested values as bytes (nested_format.h).
#pragma once

#include <arrow/array.h>
#include <arrow/result.h>

#include <memory>

namespace sheaf {

/// Each value as a run of bytes; null where it is. Views, dictionaries and run-end encodings stand nowhere in the type.
/// Errors: NotImplemented where the type is another, and those of memory.
arrow::Result<std::shared_ptr<arrow::LargeBinaryArray>> PackNested(const arrow::Array& values);

}  // namespace sheaf
