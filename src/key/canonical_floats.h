// Floating-point numbers that compare as equal have several bits: -0 and 0, and all that are NaN.
#pragma once

#include <arrow/array.h>
#include <arrow/result.h>

#include <memory>

namespace sheaf {

/// The column with one zero and one NaN, where it holds floating-point numbers: of rows with equal keys, which comes
/// first is a matter of arrival, and the key that is delivered must not be. A column without nulls.
arrow::Result<std::shared_ptr<arrow::Array>> CanonicalFloats(std::shared_ptr<arrow::Array> column);

}  // namespace sheaf
