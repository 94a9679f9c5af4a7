#include "cogroup/gather.h"

#include "cogroup/row_builder.h"

namespace sheaf {

arrow::Result<std::shared_ptr<arrow::Array>> GatherColumn(
    int column, const std::shared_ptr<arrow::Schema>& schema,
    const std::vector<std::shared_ptr<arrow::RecordBatch>>& pieces, std::span<const RowRef> refs) {
  ColumnBuilder builder(column, schema->field(column)->type());
  if (refs.empty()) return builder.Finish();
  const RowList rows{refs, std::ssize(refs)};
  if (builder.is_other()) {
    ARROW_RETURN_NOT_OK(builder.AppendOther(pieces, rows));
    return builder.Finish();
  }
  builder.Begin(pieces, rows, /*chunks=*/1);
  const RowRange all{0, rows.count};
  builder.Measure(0, all);
  ARROW_RETURN_NOT_OK(builder.Reserve());
  builder.Fill(0, all);
  builder.End();
  return builder.Finish();
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> Gather(
    const std::shared_ptr<arrow::Schema>& schema,
    const std::vector<std::shared_ptr<arrow::RecordBatch>>& pieces, std::span<const RowRef> refs) {
  RowBuilder rows(schema);
  ARROW_RETURN_NOT_OK(rows.Append(pieces, refs));
  return rows.Finish();
}

}  // namespace sheaf
