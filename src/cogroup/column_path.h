// Columns by name, and fields of struct columns by names with dots: `resource.id`.
#pragma once

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include <memory>
#include <string>
#include <vector>

namespace sheaf {

/// A column, or a field of a struct column.
struct ColumnPath {
  arrow::FieldPath indices;
  std::vector<std::string> names;  ///< From the column down to the field.
  std::shared_ptr<arrow::DataType> type;
};

/// The column called `name`; where there is none, the field that its dots lead to. `what` says in
/// messages what the column is for, such as "key column".
/// Errors: kEngine: none with this name, with the nearest there is, or several.
arrow::Result<ColumnPath> FindColumn(const arrow::Schema& schema, const std::string& name,
                                     const std::string& what);

/// False where no row can have a null there: by the fields of the column and of the structs above it.
bool IsNullable(const arrow::Schema& schema, const ColumnPath& path);

/// The values at `paths`. A field of a null struct is null.
arrow::Result<arrow::ArrayVector> ColumnsAt(const std::vector<ColumnPath>& paths,
                                            const arrow::RecordBatch& rows);

}  // namespace sheaf
