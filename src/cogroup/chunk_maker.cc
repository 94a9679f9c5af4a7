#include "cogroup/chunk_maker.h"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/type_traits.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <string>
#include <utility>

#include "cogroup/row_text.h"
#include "cogroup/take_rows.h"
#include "key/plain_types.h"
#include "sheaf/error.h"
#include "spill/row_memory.h"

namespace sheaf {
namespace {

// A column whose buffers are at most this much larger than what stands in them is kept as it came.
constexpr int64_t kMaxWaste = 4;

// So much of the pages that views point into may be of the rows before and after: they are in memory as well.
constexpr int64_t kMaxPages = int64_t{8} << 20;

// Bytes of texts that are views, and of the views. The pages that they stand in are shared with the rows before and
// after, so what those hold is not the weight of these.
int64_t ViewBytes(const arrow::ArrayData& column) {
  int64_t bytes = 0;
  const auto* const views = column.GetValues<arrow::BinaryViewType::c_type>(1);
  for (int64_t i = 0; i < column.length; ++i) {
    bytes += views[i].is_inline() ? 0 : views[i].size();
  }
  return bytes + column.length * static_cast<int64_t>(sizeof(arrow::BinaryViewType::c_type));
}

arrow::Result<int64_t> BytesOf(const arrow::Array& column) {
  if (arrow::is_binary_view_like(column.type_id())) return ViewBytes(*column.data());
  return arrow::util::ReferencedBufferSize(column);
}

arrow::Result<int64_t> BytesOf(const arrow::RecordBatch& rows) {
  int64_t bytes = 0;
  for (const auto& column : rows.columns()) {
    ARROW_ASSIGN_OR_RAISE(const int64_t column_bytes, BytesOf(*column));
    bytes += column_bytes;
  }
  return bytes;
}

// Makes rows independent of buffers that are much larger than they are, such as those of a batch that they
// are a slice of: a budget can't see those. `plain`: the schema of what is copied. Returns their bytes.
arrow::Result<int64_t> Compact(const std::shared_ptr<arrow::Schema>& plain,
                               std::shared_ptr<arrow::RecordBatch>* rows) {
  int64_t bytes = 0;
  for (int c = 0; c < (*rows)->num_columns(); ++c) {
    const auto& column = (*rows)->column(c);
    ARROW_ASSIGN_OR_RAISE(const int64_t used, BytesOf(*column));
    bytes += used;
    const int64_t held = arrow::util::TotalBufferSize(*column);
    if (arrow::is_binary_view_like(column->type_id())) {
      if (held <= kMaxWaste * used + kMaxPages) continue;
      ARROW_ASSIGN_OR_RAISE(*rows, ToPlain(*rows, plain));
      return Compact(plain, rows);
    }
    if (held - used > used / kMaxWaste) {
      ARROW_ASSIGN_OR_RAISE(const auto copy, arrow::Concatenate({column}, RowMemory()));
      ARROW_ASSIGN_OR_RAISE(*rows, (*rows)->SetColumn(c, (*rows)->schema()->field(c), copy));
    }
  }
  return bytes;
}

// Columns that hold no key: keys are compared, and want their plain form.
std::vector<int> ColumnsWithoutKeys(const TableInput& input) {
  std::vector<int> columns;
  for (int c = 0; c < input.schema->num_fields(); ++c) {
    const auto holds = [c](const ColumnPath& path) { return path.indices.indices()[0] == c; };
    if (std::ranges::none_of(input.key_columns, holds)) columns.push_back(c);
  }
  return columns;
}

}  // namespace

ChunkMaker::ChunkMaker(const TableInput& input, const Policy& policy, KeyOrder order,
                       TableCounters* counters)
    : input_(input),
      policy_(policy),
      order_(order),
      counters_(counters),
      keeps_views_(ColumnsWithoutKeys(input)) {}

arrow::Result<Chunk> ChunkMaker::Make(const std::shared_ptr<arrow::RecordBatch>& rows) {
  counters_->rows_read += rows->num_rows();
  Chunk chunk;
  ARROW_ASSIGN_OR_RAISE(chunk.rows, ToPlain(rows, input_.schema, keeps_views_));
  ARROW_ASSIGN_OR_RAISE(chunk.rows, DropNullKeys(std::move(chunk.rows)));
  if (chunk.rows->num_rows() == 0) return chunk;
  // In any order, rows are soon copied anyway.
  ARROW_ASSIGN_OR_RAISE(const int64_t bytes, order_ == KeyOrder::kAscending
                                                 ? Compact(input_.schema, &chunk.rows)
                                                 : BytesOf(*chunk.rows));
  ARROW_ASSIGN_OR_RAISE(const auto keys, ColumnsAt(input_.key_columns, *chunk.rows));
  ARROW_ASSIGN_OR_RAISE(chunk.keys, input_.key_encoder->Encode(keys));
  if (order_ == KeyOrder::kAscending) ARROW_RETURN_NOT_OK(CheckOrder(chunk));
  chunk.bytes = bytes + chunk.keys.bytes();
  return chunk;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> ChunkMaker::DropNullKeys(
    std::shared_ptr<arrow::RecordBatch> rows) {
  ARROW_ASSIGN_OR_RAISE(const arrow::ArrayVector keys, ColumnsAt(input_.key_columns, *rows));
  const bool any_null =
      std::ranges::any_of(keys, [](const auto& column) { return column->null_count() > 0; });
  if (!any_null) return rows;
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < rows->num_rows(); ++i) {
    const bool null =
        std::ranges::any_of(keys, [i](const auto& column) { return column->IsNull(i); });
    if (!null) {
      kept.push_back(i);
    } else if (policy_.null_key == Policy::NullKey::kError) {
      return MakeError(ErrorKind::kPolicy,
                       "a row has a null key: " + RowText(*rows, i) +
                           "; set policy.null_key = \"skip\" to leave such rows out");
    }
  }
  counters_->null_keys += rows->num_rows() - std::ssize(kept);
  ARROW_ASSIGN_OR_RAISE(rows, ToPlain(rows, input_.schema));
  return TakeRows(rows, std::move(kept));
}

arrow::Status ChunkMaker::CheckOrder(const Chunk& chunk) {
  int64_t row = chunk.keys.FirstOutOfOrder();
  std::string before;
  if (last_row_ != nullptr && CompareKeys(chunk.keys, 0, last_key_, 0) < 0) {
    row = 0;
    before = RowText(*last_row_, 0);
  } else if (row == chunk.keys.size()) {
    const int64_t last = chunk.rows->num_rows() - 1;
    last_key_ = chunk.keys.Take({last});
    last_row_ = chunk.rows->Slice(last, 1);
    return arrow::Status::OK();
  } else {
    before = RowText(*chunk.rows, row - 1);
  }
  std::string key;
  for (const std::string& name : input_.key_names) key += (key.empty() ? "" : ", ") + name;
  return MakeError(ErrorKind::kEngine,
                   "rows are not in order of key (" + key + "): row {" + RowText(*chunk.rows, row) +
                       "} came after row {" + before +
                       "}; correct the order that the table or its files declare, or set "
                       "batch.strategy = \"partition\"");
}

}  // namespace sheaf
