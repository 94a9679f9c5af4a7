// Turns columns of Arrow rows into a KeyVector: one comparable value a row.
//
//   column        encoded as (most significant byte first)
//   signed        value * 10^(common exponent - own) + 2^(8 width - 1)
//   float         sign bit flipped where positive, all bits where negative
//   bytes         as they are in the last column; else 00 becomes 00 FF, and 00 00 ends the value
//   nested        01 before each element, 00 at the end; a struct is its fields
//   nullable      a byte in front: 01 a value, 00 or 02 a null that is first or last
//   descending    all bits of the value flipped
//
// Columns follow each other, so that the comparison of whole values is column by column. (The idea of
// order-preserving row keys: Goetz Graefe, "Implementing Sorting in Database Systems", 2006.)
#pragma once

#include <arrow/array/array_base.h>
#include <arrow/result.h>

#include <memory>
#include <vector>

#include "key/key_type.h"
#include "key/key_vector.h"

namespace sheaf {

/// How one column takes part in the comparison.
struct EncodedColumn {
  ColumnForm form;
  bool descending = false;
  bool nullable = false;      ///< False: nulls do not occur, or their rows are of no interest.
  bool nulls_first = false;   ///< Where the nulls of a nullable column go, descending or not.
  bool exact_floats = false;  ///< True: every bit pattern of a float has a place of its own.
};

/// Immutable, so that threads may share it.
class RowEncoder {
 public:
  explicit RowEncoder(std::vector<EncodedColumn> columns);

  /// One array a column, all of one length, of types that FormOf accepts and that compare with the
  /// column's form. The result may point into the arrays, and keeps them alive.
  [[nodiscard]] arrow::Result<KeyVector> Encode(
      const std::vector<std::shared_ptr<arrow::Array>>& arrays) const;

 private:
  std::vector<EncodedColumn> columns_;
  int width_ = 0;  // bytes a row; 0 where it varies
};

}  // namespace sheaf
