#include "cogroup/column_path.h"

#include <optional>
#include <utility>

#include "job/nearest.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

std::vector<int> IndicesOf(const arrow::FieldVector& fields, const std::string& name) {
  std::vector<int> indices;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (fields[i]->name() == name) indices.push_back(static_cast<int>(i));
  }
  return indices;
}

// Where `name` leads to among `fields`. The longest name wins: `a.b` is a column of that name before it is
// a field of `a`.
arrow::Result<std::optional<std::vector<int>>> Find(const arrow::FieldVector& fields,
                                                    const std::string& name) {
  for (size_t end = name.size(); end != std::string::npos && end > 0;
       end = name.rfind('.', end - 1)) {
    const std::string head = name.substr(0, end);
    std::vector<int> matches = IndicesOf(fields, head);
    if (matches.size() > 1) {
      return MakeError(ErrorKind::kEngine, "has " + std::to_string(matches.size()) +
                                               " columns called \"" + head +
                                               "\"; give them different names");
    }
    if (matches.empty()) continue;
    if (end == name.size()) return matches;
    const auto& type = fields[static_cast<size_t>(matches[0])]->type();
    if (type->id() != arrow::Type::STRUCT) continue;
    ARROW_ASSIGN_OR_RAISE(auto below, Find(type->fields(), name.substr(end + 1)));
    if (!below) continue;
    below->insert(below->begin(), matches[0]);
    return below;
  }
  return std::nullopt;
}

// All that a name may stand for, for "did you mean".
void AppendNames(const arrow::FieldVector& fields, const std::string& prefix,
                 std::vector<std::string>* names) {
  for (const auto& field : fields) {
    names->push_back(prefix + field->name());
    if (field->type()->id() != arrow::Type::STRUCT) continue;
    AppendNames(field->type()->fields(), names->back() + ".", names);
  }
}

}  // namespace

arrow::Result<ColumnPath> FindColumn(const arrow::Schema& schema, const std::string& name,
                                     const std::string& what) {
  ARROW_ASSIGN_OR_RAISE(auto indices, Find(schema.fields(), name));
  if (!indices) {
    // Fields of structs are only of interest to who wrote a dot.
    std::vector<std::string> known = schema.field_names();
    if (name.find('.') != std::string::npos) {
      known.clear();
      AppendNames(schema.fields(), "", &known);
    }
    return MakeError(ErrorKind::kEngine,
                     "has no " + what + " \"" + name + "\"" + DidYouMean(name, known));
  }
  ColumnPath path{arrow::FieldPath(*std::move(indices)), {}, arrow::struct_(schema.fields())};
  for (const int index : path.indices.indices()) {
    const auto field = path.type->field(index);
    path.names.push_back(field->name());
    path.type = field->type();
  }
  return path;
}

bool IsNullable(const arrow::Schema& schema, const ColumnPath& path) {
  const arrow::FieldVector* fields = &schema.fields();
  for (const int index : path.indices.indices()) {
    const arrow::Field& field = *(*fields)[static_cast<size_t>(index)];
    if (field.nullable()) return true;
    fields = &field.type()->fields();
  }
  return false;
}

arrow::Result<arrow::ArrayVector> ColumnsAt(const std::vector<ColumnPath>& paths,
                                            const arrow::RecordBatch& rows) {
  arrow::ArrayVector columns;
  columns.reserve(paths.size());
  for (const ColumnPath& path : paths) {
    ARROW_ASSIGN_OR_RAISE(auto column, path.indices.GetFlattened(rows));
    columns.push_back(std::move(column));
  }
  return columns;
}

}  // namespace sheaf
