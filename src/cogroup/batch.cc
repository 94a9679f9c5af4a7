#include "sheaf/batch.h"

#include <arrow/util/logging.h>

#include <utility>

namespace sheaf {
namespace {

struct Range {
  int64_t begin;
  int64_t end;
};

/// The rows of a key: those of a grandchild follow their parents' rows, which stand together.
Range RangeOf(const Batch& batch, std::string_view name, int64_t key) {
  const BatchTable* table = batch.Find(name);
  ARROW_CHECK(table != nullptr) << "the job has no table \"" << name << "\"";
  Range groups = {key, key + 1};
  if (table->link) {
    ARROW_CHECK(table->link->kind == Link::Kind::kParent)
        << "table \"" << name << "\" is a reference table: its rows belong to many keys";
    groups = RangeOf(batch, table->link->table, key);
  }
  return {table->offsets->Value(groups.begin), table->offsets->Value(groups.end)};
}

}  // namespace

Batch::Batch(int64_t index, std::shared_ptr<arrow::RecordBatch> keys,
             std::vector<BatchTable> tables, bool continued, BatchPart part)
    : index_(index),
      keys_(std::move(keys)),
      tables_(std::move(tables)),
      continued_(continued),
      part_(part) {}

const BatchTable* Batch::Find(std::string_view name) const {
  for (const BatchTable& table : tables_) {
    if (table.name == name) return &table;
  }
  return nullptr;
}

std::shared_ptr<arrow::RecordBatch> Batch::table(std::string_view name) const {
  const BatchTable* table = Find(name);
  return table == nullptr ? nullptr : table->rows;
}

std::shared_ptr<arrow::Int32Array> Batch::offsets(std::string_view name) const {
  const BatchTable* table = Find(name);
  return table == nullptr ? nullptr : table->offsets;
}

std::shared_ptr<arrow::Int32Array> Batch::mapping(std::string_view name) const {
  const BatchTable* table = Find(name);
  return table == nullptr ? nullptr : table->mapping;
}

int64_t Batch::total_rows() const {
  int64_t rows = 0;
  for (const BatchTable& table : tables_) rows += table.rows->num_rows();
  return rows;
}

std::shared_ptr<arrow::RecordBatch> Group::key() const { return batch_->keys()->Slice(index_, 1); }

std::shared_ptr<arrow::RecordBatch> Group::rows(std::string_view table) const {
  const Range range = RangeOf(*batch_, table, index_);
  return batch_->table(table)->Slice(range.begin, range.end - range.begin);
}

int64_t Group::num_rows(std::string_view table) const {
  const Range range = RangeOf(*batch_, table, index_);
  return range.end - range.begin;
}

}  // namespace sheaf
