#include "cogroup/batch_shaper.h"

#include <arrow/array.h>
#include <arrow/table.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "cogroup/group_rows.h"
#include "cogroup/row_text.h"
#include "cogroup/take_rows.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

// Where bytes end a batch, windows are small, so that a batch need not be read far beyond its end.
constexpr int32_t kBytesWindowKeys = 4096;

CutWindow SliceWindow(const CutWindow& window, int64_t begin, int64_t end) {
  if (begin == 0 && end == window.keys->num_rows()) return window;
  CutWindow slice;
  slice.keys = window.keys->Slice(begin, end - begin);
  for (const BatchTable& table : window.tables) {
    const int32_t first = table.offsets->Value(begin);
    std::vector<int32_t> offsets;
    for (int64_t k = begin; k <= end; ++k) offsets.push_back(table.offsets->Value(k) - first);
    slice.tables.push_back({table.name, table.rows_per_key,
                            table.rows->Slice(first, table.offsets->Value(end) - first),
                            OffsetsArray(std::move(offsets))});
  }
  return slice;
}

// Bytes of the rows of group `key` over all tables.
arrow::Result<int64_t> GroupBytes(const CutWindow& window, int64_t key) {
  int64_t bytes = 0;
  for (const BatchTable& table : window.tables) {
    const int32_t begin = table.offsets->Value(key);
    const int32_t rows = table.offsets->Value(key + 1) - begin;
    if (rows == 0) continue;
    ARROW_ASSIGN_OR_RAISE(const int64_t size,
                          arrow::util::ReferencedBufferSize(*table.rows->Slice(begin, rows)));
    bytes += size;
  }
  return bytes;
}

// The first rows of a window of one key that have at most `bytes` bytes, but one row at least, and the
// rest of it, which is empty at last. Rows are taken as equally long within a table.
arrow::Result<std::pair<CutWindow, CutWindow>> SplitKey(const CutWindow& window, int64_t bytes) {
  CutWindow head{window.keys, {}};
  CutWindow tail{window.keys, {}};
  bool empty = true;
  for (const BatchTable& table : window.tables) {
    const int64_t rows = table.rows->num_rows();
    int64_t count = 0;
    if (rows > 0) {
      ARROW_ASSIGN_OR_RAISE(const int64_t size, arrow::util::ReferencedBufferSize(*table.rows));
      const int64_t row_bytes = std::max<int64_t>(1, size / rows);
      count = std::clamp<int64_t>(bytes / row_bytes, empty ? 1 : 0, rows);
      bytes = count < rows ? 0 : bytes - size;
      empty = false;
    }
    const auto part = [&](int64_t begin, int64_t end) {
      return BatchTable{table.name, table.rows_per_key, table.rows->Slice(begin, end - begin),
                        OffsetsArray({0, static_cast<int32_t>(end - begin)})};
    };
    head.tables.push_back(part(0, count));
    tail.tables.push_back(part(count, rows));
  }
  return std::pair(std::move(head), std::move(tail));
}

bool HasRows(const CutWindow& window) {
  return std::ranges::any_of(window.tables,
                             [](const BatchTable& table) { return table.rows->num_rows() > 0; });
}

arrow::Result<BatchTable> JoinTables(const std::vector<CutWindow>& parts, size_t t) {
  std::vector<std::shared_ptr<arrow::RecordBatch>> rows;
  std::vector<int32_t> offsets = {0};
  for (const CutWindow& part : parts) {
    const BatchTable& table = part.tables[t];
    const int32_t base = offsets.back();
    for (int64_t k = 1; k < table.offsets->length(); ++k) {
      offsets.push_back(base + table.offsets->Value(k));
    }
    rows.push_back(table.rows);
  }
  ARROW_ASSIGN_OR_RAISE(auto joined, arrow::ConcatenateRecordBatches(rows));
  const BatchTable& first = parts[0].tables[t];
  return BatchTable{first.name, first.rows_per_key, std::move(joined),
                    OffsetsArray(std::move(offsets))};
}

arrow::Result<CutWindow> Join(std::vector<CutWindow> parts) {
  if (parts.size() == 1) return std::move(parts[0]);
  CutWindow joined;
  std::vector<std::shared_ptr<arrow::RecordBatch>> keys;
  keys.reserve(parts.size());
  for (const CutWindow& part : parts) keys.push_back(part.keys);
  ARROW_ASSIGN_OR_RAISE(joined.keys, arrow::ConcatenateRecordBatches(keys));
  for (size_t t = 0; t < parts[0].tables.size(); ++t) {
    ARROW_ASSIGN_OR_RAISE(BatchTable table, JoinTables(parts, t));
    joined.tables.push_back(std::move(table));
  }
  return joined;
}

bool DropsMissing(const Job& job) {
  return job.policy.missing == Policy::Missing::kDrop &&
         std::ranges::any_of(job.tables,
                             [](const Table& t) { return t.rows_per_key == Cardinality::kOne; });
}

}  // namespace

int32_t WindowKeys(const Job& job) {
  return job.max_bytes ? std::min(job.max_keys, kBytesWindowKeys) : job.max_keys;
}

BatchShaper::BatchShaper(const Job& job)
    : max_keys_(job.max_keys),
      max_bytes_(job.max_bytes),
      drops_missing_(DropsMissing(job)),
      policy_(job.policy),
      group_sizes_(job.tables.size()) {}

arrow::Status BatchShaper::Add(CutWindow window) {
  if (drops_missing_) ARROW_RETURN_NOT_OK(DropMissing(&window));
  ARROW_RETURN_NOT_OK(CountGroups(window));
  const int64_t num_keys = window.keys->num_rows();
  const int64_t limit = max_bytes_.value_or(std::numeric_limits<int64_t>::max());
  int64_t begin = 0;
  for (int64_t k = 0; k < num_keys; ++k) {
    int64_t bytes = 0;
    if (max_bytes_) {
      ARROW_ASSIGN_OR_RAISE(bytes, GroupBytes(window, k));
    }
    const bool full = keys_ == max_keys_ || (keys_ > 0 && bytes_ + bytes > limit);
    const bool oversize = bytes > limit;
    if (full || oversize) {
      if (k > begin) parts_.push_back(SliceWindow(window, begin, k));
      begin = k;
      ARROW_RETURN_NOT_OK(EndBatch());
    }
    if (oversize) {
      ARROW_RETURN_NOT_OK(AddOversize(window, k, bytes, limit));
      begin = k + 1;
      continue;
    }
    ++keys_;
    bytes_ += bytes;
  }
  if (begin < num_keys) parts_.push_back(SliceWindow(window, begin, num_keys));
  return keys_ == max_keys_ ? EndBatch() : arrow::Status::OK();
}

arrow::Status BatchShaper::Finish() { return EndBatch(); }

std::optional<Batch> BatchShaper::Take() {
  if (finished_.empty()) return std::nullopt;
  Batch batch = std::move(finished_.front());
  finished_.pop_front();
  return batch;
}

arrow::Status BatchShaper::CountGroups(const CutWindow& window) {
  for (size_t t = 0; t < window.tables.size(); ++t) {
    ARROW_RETURN_NOT_OK(group_sizes_[t].Add(*window.tables[t].offsets, *window.keys));
  }
  return arrow::Status::OK();
}

// A key whose rows alone exceed max_bytes: batches of its own.
arrow::Status BatchShaper::AddOversize(const CutWindow& window, int64_t key, int64_t bytes,
                                       int64_t max_bytes) {
  if (policy_.oversize == Policy::Oversize::kError) {
    return MakeError(ErrorKind::kPolicy,
                     "the rows of key " + RowText(*window.keys, key) + " have " +
                         std::to_string(bytes) +
                         " bytes, more than max_bytes = " + std::to_string(max_bytes) +
                         "; raise batch.max_bytes, or set policy.oversize = \"continue\"");
  }
  CutWindow rest = SliceWindow(window, key, key + 1);
  for (bool continued = false; HasRows(rest); continued = true) {
    ARROW_ASSIGN_OR_RAISE(auto split, SplitKey(rest, max_bytes));
    Emit(std::move(split.first), continued);
    rest = std::move(split.second);
  }
  return arrow::Status::OK();
}

arrow::Status BatchShaper::DropMissing(CutWindow* window) {
  std::vector<int64_t> keep;
  for (int64_t k = 0; k < window->keys->num_rows(); ++k) {
    const bool missing = std::ranges::any_of(window->tables, [k](const BatchTable& table) {
      return table.rows_per_key == Cardinality::kOne &&
             table.offsets->Value(k) == table.offsets->Value(k + 1);
    });
    if (!missing) keep.push_back(k);
  }
  const auto kept = static_cast<int64_t>(keep.size());
  if (kept == window->keys->num_rows()) return arrow::Status::OK();
  dropped_keys_ += window->keys->num_rows() - kept;
  for (BatchTable& table : window->tables) {
    ARROW_ASSIGN_OR_RAISE(table, TakeGroups(table, keep));
  }
  return TakeRows(window->keys, std::move(keep)).Value(&window->keys);
}

arrow::Status BatchShaper::EndBatch() {
  if (parts_.empty()) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(CutWindow joined, Join(std::exchange(parts_, {})));
  Emit(std::move(joined), /*continued=*/false);
  keys_ = 0;
  bytes_ = 0;
  return arrow::Status::OK();
}

void BatchShaper::Emit(CutWindow window, bool continued) {
  for (BatchTable& table : window.tables) {
    table.rows_per_key = DeliveredCardinality(policy_, table.rows_per_key);
  }
  finished_.emplace_back(next_index_++, std::move(window.keys), std::move(window.tables),
                         continued);
}

}  // namespace sheaf
