#include "cogroup/take_rows.h"

#include <arrow/array.h>
#include <arrow/compute/api.h>

#include <algorithm>
#include <utility>

namespace sheaf {
namespace {

template <typename Type>
arrow::Result<std::shared_ptr<arrow::RecordBatch>> Take(
    const std::shared_ptr<arrow::RecordBatch>& rows, std::vector<typename Type::c_type> numbers) {
  // Arrow would look at the numbers again for each column.
  const auto beyond = [&rows](int64_t number) { return number < 0 || number >= rows->num_rows(); };
  if (std::ranges::any_of(numbers, beyond)) {
    return arrow::Status::IndexError("rows are taken that do not exist");
  }
  const auto length = static_cast<int64_t>(numbers.size());
  const auto array = std::make_shared<arrow::NumericArray<Type>>(
      length, arrow::Buffer::FromVector(std::move(numbers)));
  ARROW_ASSIGN_OR_RAISE(
      const arrow::Datum taken,
      arrow::compute::Take(rows, array, arrow::compute::TakeOptions::NoBoundsCheck()));
  return taken.record_batch();
}

}  // namespace

arrow::Result<std::shared_ptr<arrow::RecordBatch>> TakeRows(
    const std::shared_ptr<arrow::RecordBatch>& rows, std::vector<int64_t> numbers) {
  return Take<arrow::Int64Type>(rows, std::move(numbers));
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> TakeRows(
    const std::shared_ptr<arrow::RecordBatch>& rows, std::vector<int32_t> numbers) {
  return Take<arrow::Int32Type>(rows, std::move(numbers));
}

}  // namespace sheaf
