// Arrow columns as JSON text: one writer a column, which looks at the column's type once and not at
// every value. docs/run-directory.md says how each type looks.
#pragma once

#include <arrow/array/array_base.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace sheaf {

/// Threads: any number may append at a time, each to its own text.
class JsonColumn {
 public:
  virtual ~JsonColumn() = default;
  JsonColumn(const JsonColumn&) = delete;
  JsonColumn& operator=(const JsonColumn&) = delete;

  /// Appends the value of a row, `null` where there is none.
  void Append(int64_t row, std::string* text) const {
    if (has_nulls_ && array_->IsNull(row)) {
      text->append("null");
    } else {
      AppendValue(row, text);
    }
  }

 protected:
  explicit JsonColumn(std::shared_ptr<arrow::Array> array)
      : array_(std::move(array)), has_nulls_(array_->null_count() > 0) {}

 private:
  virtual void AppendValue(int64_t row, std::string* text) const = 0;

  const std::shared_ptr<arrow::Array> array_;
  const bool has_nulls_;
};

/// Errors: without a kind, naming the column, where JSON has no form for its type; a struct that has
/// two fields of one name.
arrow::Result<std::unique_ptr<JsonColumn>> MakeJsonColumn(
    const std::shared_ptr<arrow::Array>& array);

}  // namespace sheaf
