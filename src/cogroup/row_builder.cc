#include "cogroup/row_builder.h"

#include <algorithm>
#include <utility>

#include "parallel/parallel.h"

namespace sheaf {
namespace {

// Rows that one core moves at a time, column by column: many enough for a core to be worth its thread, few
// enough that what they come from stays in cache.
constexpr int64_t kChunkRows = 32 << 10;
static_assert(kChunkRows % 8 == 0);

}  // namespace

RowBuilder::RowBuilder(std::shared_ptr<arrow::Schema> schema) : schema_(std::move(schema)) {
  columns_.reserve(static_cast<size_t>(schema_->num_fields()));
  for (int c = 0; c < schema_->num_fields(); ++c) {
    columns_.emplace_back(c, schema_->field(c)->type());
  }
}

void RowBuilder::Expect(int64_t parts) {
  for (ColumnBuilder& column : columns_) column.Expect(parts);
}

// Pieces may be many and short, so one core takes them.
arrow::Status RowBuilder::Append(const std::shared_ptr<arrow::RecordBatch>& piece) {
  if (piece->num_rows() == 0) return arrow::Status::OK();
  const RowList all{{}, piece->num_rows()};
  for (ColumnBuilder& column : columns_) ARROW_RETURN_NOT_OK(column.Append({&piece, 1}, all));
  num_rows_ += all.count;
  return arrow::Status::OK();
}

// Bits of two chunks never share a byte.
std::vector<RowRange> RowBuilder::ChunksOf(int64_t rows) const {
  std::vector<RowRange> chunks;
  for (int64_t begin = 0; begin < rows;) {
    const int64_t end = begin + kChunkRows - (num_rows_ + begin) % 8;
    chunks.push_back({begin, std::min(end, rows)});
    begin = chunks.back().end;
  }
  return chunks;
}

arrow::Status RowBuilder::Append(const Pieces& pieces, std::span<const RowRef> refs) {
  if (refs.empty()) return arrow::Status::OK();
  const RowList rows{refs, std::ssize(refs)};
  const std::vector<RowRange> chunks = ChunksOf(rows.count);
  std::vector<ColumnBuilder*> others;
  std::vector<ColumnBuilder*> columns;
  for (ColumnBuilder& column : columns_) {
    if (column.is_other()) {
      others.push_back(&column);
    } else {
      column.Begin(pieces, rows, chunks.size());
      columns.push_back(&column);
    }
  }
  ARROW_RETURN_NOT_OK(RunInParallel(chunks.size(), [&](size_t chunk) {
    for (ColumnBuilder* column : columns) column->Measure(chunk, chunks[chunk]);
    return arrow::Status::OK();
  }));
  for (ColumnBuilder* column : columns) ARROW_RETURN_NOT_OK(column->Reserve());
  // The others first: each is one task, and a long one.
  ARROW_RETURN_NOT_OK(RunInParallel(others.size() + chunks.size(), [&](size_t task) {
    if (task < others.size()) return others[task]->AppendOther(pieces, rows);
    const size_t chunk = task - others.size();
    for (ColumnBuilder* column : columns) column->Fill(chunk, chunks[chunk]);
    return arrow::Status::OK();
  }));
  for (ColumnBuilder* column : columns) column->End();
  num_rows_ += rows.count;
  return arrow::Status::OK();
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> RowBuilder::Finish() {
  arrow::ArrayVector arrays;
  arrays.reserve(columns_.size());
  for (ColumnBuilder& column : columns_) {
    ARROW_ASSIGN_OR_RAISE(arrays.emplace_back(), column.Finish());
  }
  return arrow::RecordBatch::Make(schema_, std::exchange(num_rows_, 0), std::move(arrays));
}

}  // namespace sheaf
