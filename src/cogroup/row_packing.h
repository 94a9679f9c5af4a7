// A table's rows as segments hold them: a nested column is one of bytes (nested_format.h), and one of an extension type
// its storage. Rows are packed before they are scattered, and a window's are unpacked once they are in order.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type_fwd.h>

#include <memory>
#include <vector>

#include "cogroup/column_path.h"

namespace sheaf {

/// Immutable, so that threads may share it.
class RowPacking {
 public:
  /// `schema`: the table's, of plain types.
  explicit RowPacking(std::shared_ptr<arrow::Schema> schema);

  /// Of packed rows.
  [[nodiscard]] const std::shared_ptr<arrow::Schema>& schema() const { return packed_; }

  /// Rows of the table, whose text may be views. Errors, here and below: those of memory, and CapacityError where the
  /// offsets of a column don't hold what all rows have together.
  [[nodiscard]] arrow::Result<std::shared_ptr<arrow::RecordBatch>> Pack(
      const std::shared_ptr<arrow::RecordBatch>& rows) const;

  /// What Pack() was given, or rows of several such batches. Each packed column is given back as it is unpacked.
  [[nodiscard]] arrow::Result<std::shared_ptr<arrow::RecordBatch>> Unpack(
      std::shared_ptr<arrow::RecordBatch> packed) const;

  /// The values at `paths`, which lead through the table's schema, of packed rows. These may have columns behind those
  /// of the table.
  [[nodiscard]] arrow::Result<arrow::ArrayVector> ColumnsAt(const std::vector<ColumnPath>& paths,
                                                            const arrow::RecordBatch& packed) const;

 private:
  [[nodiscard]] bool IsPacked(int column) const;
  [[nodiscard]] bool IsNested(int column) const;
  [[nodiscard]] arrow::Result<std::shared_ptr<arrow::Array>> PackColumn(
      int column, const std::shared_ptr<arrow::Array>& values) const;
  [[nodiscard]] arrow::Result<std::shared_ptr<arrow::Array>> UnpackColumn(
      int column, const std::shared_ptr<arrow::Array>& packed) const;

  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::Schema> packed_;  // `schema_` itself where nothing is to be packed
};

}  // namespace sheaf
