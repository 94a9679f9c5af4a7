// Which key types compare with each other, and in which form they do.
//
//   integers and decimals          by value, whatever width, sign or scale
//   floats                         by value, -0 equals 0, NaN equals NaN and is last
//   booleans, dates, times, durations  by value, whatever the unit
//   timestamps                     by instant, whatever the unit; with a zone only among themselves
//   utf8, large_utf8               by bytes
//   binary, large_binary, fixed-size binary   by bytes
//   UUID, JSON (extension types)   as what they are stored in
//
// Views, dictionaries and run-end-encoded columns have become plain before (plain_types.h).
#pragma once

#include <arrow/result.h>
#include <arrow/type_fwd.h>

#include <memory>

namespace sheaf {

/// The form in which the values of a column compare.
struct ColumnForm {
  enum class Kind {
    kSigned,    ///< A signed number of `width` bytes: the value times 10^exponent.
    kUnsigned,  ///< An unsigned number of `width` bytes.
    kFloat,     ///< IEEE 754 of `width` bytes: 4 or 8.
    kBytes,     ///< A byte string.
    kNested,    ///< A list, map or struct, element by element, or nulls only. Never a key.
  };
  Kind kind = Kind::kBytes;
  int width = 0;     ///< 0 for kBytes and kNested.
  int exponent = 0;  ///< A decimal's scale, or 0, 3, 6, 9 for seconds to nanoseconds.

  bool operator==(const ColumnForm&) const = default;
};

/// The form of one type. Errors: TypeError for a type that has no order, or, unless `nested`, is nested.
arrow::Result<ColumnForm> FormOf(const arrow::DataType& type, bool nested = false);

/// The form in which values of both types compare. Errors: TypeError where they don't.
arrow::Result<ColumnForm> CommonForm(const arrow::DataType& a, const arrow::DataType& b);

/// The form that holds all values of forms `a` and `b`, which CommonForm found to compare.
ColumnForm WiderForm(const ColumnForm& a, const ColumnForm& b);

/// The Arrow type that holds keys of both types, for the keys of several selecting tables.
/// Errors: TypeError where they don't compare, or where no type holds both.
arrow::Result<std::shared_ptr<arrow::DataType>> CommonType(
    const std::shared_ptr<arrow::DataType>& a, const std::shared_ptr<arrow::DataType>& b);

}  // namespace sheaf
