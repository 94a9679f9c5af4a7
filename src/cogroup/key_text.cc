#include "cogroup/key_text.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <utility>

#include "sheaf/error.h"

namespace sheaf {

arrow::Result<std::shared_ptr<arrow::RecordBatch>> ReadKey(
    const std::vector<std::string>& texts, const std::shared_ptr<arrow::Schema>& schema) {
  if (std::ssize(texts) != schema->num_fields()) {
    return MakeError(ErrorKind::kJob,
                     fmt::format("from has {} value{} and the key {} column{}", texts.size(),
                                 texts.size() == 1 ? "" : "s", schema->num_fields(),
                                 schema->num_fields() == 1 ? "" : "s"));
  }
  arrow::ArrayVector columns;
  for (size_t c = 0; c < texts.size(); ++c) {
    const auto& type = schema->field(static_cast<int>(c))->type();
    arrow::StringBuilder builder;
    ARROW_RETURN_NOT_OK(builder.Append(texts[c]));
    ARROW_ASSIGN_OR_RAISE(const auto text, builder.Finish());
    auto value = arrow::compute::Cast(*text, type);
    if (!value.ok()) {
      return MakeError(ErrorKind::kJob,
                       fmt::format("from: \"{}\" does not read as {}", texts[c], type->ToString()));
    }
    columns.push_back(*std::move(value));
  }
  return arrow::RecordBatch::Make(schema, 1, std::move(columns));
}

}  // namespace sheaf
