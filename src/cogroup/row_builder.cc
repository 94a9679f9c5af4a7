#include "cogroup/row_builder.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "parallel/parallel.h"

namespace sheaf {
namespace {

// Rows that one core moves at a time, column by column: many enough for a core to be worth its thread, few
// enough that what they come from stays in cache.
constexpr int64_t kChunkRows = 32 << 10;
static_assert(kChunkRows % 8 == 0);

// Of so many named rows one core takes all where their bytes are known without a look at each; other cores take those
// of the appends before and after.
constexpr int64_t kWholeRows = 256 << 10;

// Appends that may be under way aside: the next one is at hand where one ends.
size_t MaxAside() { return Cores() + 1; }

}  // namespace

RowBuilder::RowBuilder(std::shared_ptr<arrow::Schema> schema) : schema_(std::move(schema)) {
  columns_.reserve(static_cast<size_t>(schema_->num_fields()));
  for (int c = 0; c < schema_->num_fields(); ++c) {
    columns_.emplace_back(c, schema_->field(c)->type());
  }
}

RowBuilder::~RowBuilder() { Settle(); }

void RowBuilder::Expect(int64_t parts) {
  for (ColumnBuilder& column : columns_) column.Expect(parts);
}

// Bits of two chunks never share a byte. Of runs the bytes are known together, not a chunk's.
std::vector<RowRange> RowBuilder::ChunksOf(const RowList& rows) const {
  if (!rows.runs.empty()) return {{0, rows.count}};
  std::vector<RowRange> chunks;
  for (int64_t begin = 0; begin < rows.count;) {
    const int64_t end = begin + kChunkRows - (num_rows_ + begin) % 8;
    chunks.push_back({begin, std::min(end, rows.count)});
    begin = chunks.back().end;
  }
  return chunks;
}

// Makes room for rows. Their bits are filled in at once: they may share a byte with those of the next rows.
arrow::Result<RowBuilder::Placed> RowBuilder::Place(const Pieces& pieces, RowList rows) {
  if (!rows.refs.empty() && rows.count > kWholeRows) rows.runs = {};
  Placed placed{ChunksOf(rows), {}};
  std::vector<ColumnBuilder*> columns;
  for (ColumnBuilder& column : columns_) {
    if (column.is_other()) continue;
    columns.push_back(&column);
    placed.appends.push_back(column.Begin(pieces, rows, placed.chunks.size()));
  }
  const auto for_each_chunk = [&](const auto& visit) {
    return RunInParallel(placed.chunks.size(), [&](size_t chunk) {
      for (ColumnAppend& append : placed.appends) visit(&append, chunk);
      return arrow::Status::OK();
    });
  };
  ARROW_RETURN_NOT_OK(for_each_chunk(
      [&](ColumnAppend* append, size_t chunk) { append->Measure(chunk, placed.chunks[chunk]); }));
  for (size_t c = 0; c < columns.size(); ++c) {
    ARROW_RETURN_NOT_OK(columns[c]->Reserve(&placed.appends[c], [this] { Settle(); }));
  }
  ARROW_RETURN_NOT_OK(for_each_chunk(
      [&](ColumnAppend* append, size_t chunk) { append->FillBits(chunk, placed.chunks[chunk]); }));
  for (size_t c = 0; c < columns.size(); ++c) columns[c]->End(placed.appends[c]);
  num_rows_ += rows.count;
  return placed;
}

void RowBuilder::Placed::Fill(size_t chunk) const {
  for (const ColumnAppend& append : appends) append.Fill(chunk, chunks[chunk]);
}

arrow::Status RowBuilder::Append(const Pieces& pieces, const RowList& rows) {
  if (rows.count == 0) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const Placed placed, Place(pieces, rows));
  std::vector<ColumnBuilder*> others;
  for (ColumnBuilder& column : columns_) {
    if (column.is_other()) others.push_back(&column);
  }
  // The others first: each is one task, and a long one.
  return RunInParallel(others.size() + placed.chunks.size(), [&](size_t task) {
    if (task < others.size()) return others[task]->AppendOther(pieces, rows);
    placed.Fill(task - others.size());
    return arrow::Status::OK();
  });
}

arrow::Status RowBuilder::AppendOnce(const Pieces& pieces, const RowList& rows,
                                     std::shared_ptr<const void> holds) {
  std::erase_if(aside_, [](const std::future<void>& filled) {
    return filled.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  });
  if (rows.refs.empty() || aside_.size() >= MaxAside() ||
      std::ranges::any_of(columns_, &ColumnBuilder::is_other)) {
    return Append(pieces, rows);
  }
  ARROW_ASSIGN_OR_RAISE(Placed placed, Place(pieces, rows));
  if (threads_ == nullptr) threads_ = BurstThreads();
  aside_.push_back(threads_->Ask([placed = std::move(placed), holds = std::move(holds)]() mutable {
    for (size_t chunk = 0; chunk < placed.chunks.size(); ++chunk) placed.Fill(chunk);
    holds.reset();
  }));
  return arrow::Status::OK();
}

// Waits for the rows that are filled in aside.
void RowBuilder::Settle() {
  for (const std::future<void>& filled : aside_) filled.wait();
  aside_.clear();
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> RowBuilder::Finish() {
  Settle();
  arrow::ArrayVector arrays;
  arrays.reserve(columns_.size());
  for (ColumnBuilder& column : columns_) {
    ARROW_ASSIGN_OR_RAISE(arrays.emplace_back(), column.Finish());
  }
  return arrow::RecordBatch::Make(schema_, std::exchange(num_rows_, 0), std::move(arrays));
}

}  // namespace sheaf
