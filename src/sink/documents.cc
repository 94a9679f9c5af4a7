#include "sink/documents.h"

#include <arrow/array.h>
#include <arrow/type.h>

#include <utility>

namespace sheaf {
namespace {

arrow::Result<std::shared_ptr<arrow::Array>> KeyColumn(const arrow::RecordBatch& keys) {
  if (keys.num_columns() == 1) return keys.column(0);
  return keys.ToStructArray();
}

}  // namespace

arrow::Result<std::shared_ptr<arrow::RecordBatch>> Documents(const Batch& batch, Format format) {
  ARROW_ASSIGN_OR_RAISE(auto nested, batch.nested());
  if (format != Format::kJsonl) return nested;
  ARROW_ASSIGN_OR_RAISE(auto key, KeyColumn(*batch.keys()));
  arrow::FieldVector fields = {arrow::field("key", key->type())};
  arrow::ArrayVector columns = {std::move(key)};
  for (int c = batch.keys()->num_columns(); c < nested->num_columns(); ++c) {
    fields.push_back(nested->schema()->field(c));
    columns.push_back(nested->column(c));
  }
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), nested->num_rows(),
                                  std::move(columns));
}

}  // namespace sheaf
