// A batch: at most max_keys distinct keys with all their rows of every table.
//
//   for (const sheaf::Group& group : batch->groups()) {
//     std::shared_ptr<arrow::RecordBatch> rows = group.rows("A");   // a slice, nothing is copied
//   }
//
// Order    Keys ascend, text by bytes; the rows of a key follow the table's order_by.
// Ownership A batch shares its Arrow buffers: cheap to copy, and it outlives its reader.
// Threads  A batch never changes: any number of threads may read it.
#pragma once

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sheaf/job.h"

namespace sheaf {

/// One table's share of a batch: rows in groups. A group holds the rows of
///   a key of the batch                       where the table has no link,
///   a value that rows of the other table name   of a reference table: ascending, each once,
///   a row of the other table                 of a grandchild: as many groups as that table has rows.
struct BatchTable {
  std::string name;
  Cardinality rows_per_key = Cardinality::kAny;  ///< Other than kAny: no key has a second row.
  std::shared_ptr<arrow::RecordBatch> rows;      ///< Never null; zero rows where no group has any.
  std::shared_ptr<arrow::Int32Array> offsets;    ///< groups + 1: where each group starts.
  std::optional<Link> link = std::nullopt;       ///< What its rows hang on, where not on keys.
  /// Of a reference table: for each row of the other table the number of the group that it names; null
  /// where it names none, or a value that has no row. Else null.
  std::shared_ptr<arrow::Int32Array> mapping = nullptr;
};

class Batch;

/// The rows of one key. A view: valid while its batch lives.
class Group {
 public:
  Group(const Batch* batch, int64_t index) : batch_(batch), index_(index) {}

  /// The key's 0-based number within the batch: its rank, not its value.
  [[nodiscard]] int64_t index() const { return index_; }
  /// The key: one row of Batch::keys(), without a copy.
  [[nodiscard]] std::shared_ptr<arrow::RecordBatch> key() const;
  /// The key's rows of a table, without a copy; zero rows where it has none. Of a grandchild those that
  /// hang on the key's rows of its parent.
  /// `table` must be a table of the job, and no reference table nor one that hangs on one (their rows belong
  /// to many keys; see Batch::mapping): anything else ends the program with a message.
  [[nodiscard]] std::shared_ptr<arrow::RecordBatch> rows(std::string_view table) const;
  [[nodiscard]] int64_t num_rows(std::string_view table) const;

 private:
  const Batch* batch_;
  int64_t index_;
};

/// The groups of a batch, in key order; an input range of Group values.
class GroupRange {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Group;
    using difference_type = std::ptrdiff_t;
    using pointer = const Group*;
    using reference = Group;

    Iterator() = default;
    Iterator(const Batch* batch, int64_t index) : batch_(batch), index_(index) {}
    Group operator*() const { return {batch_, index_}; }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    void operator++(int) { ++index_; }
    bool operator==(const Iterator& other) const { return index_ == other.index_; }

   private:
    const Batch* batch_ = nullptr;
    int64_t index_ = 0;
  };

  GroupRange(const Batch* batch, int64_t size) : batch_(batch), size_(size) {}
  [[nodiscard]] Iterator begin() const { return {batch_, 0}; }
  [[nodiscard]] Iterator end() const { return {batch_, size_}; }
  [[nodiscard]] int64_t size() const { return size_; }

 private:
  const Batch* batch_;
  int64_t size_;
};

/// Which part of a batch this is. Most are whole: the only part.
struct BatchPart {
  int64_t first_key = 0;  ///< How many keys of the batch are in the parts before.
  bool last = true;       ///< No part of the batch follows.
};

class Batch {
 public:
  /// `keys`: one row a key, ascending. `tables`: in the job's order.
  Batch(int64_t index, std::shared_ptr<arrow::RecordBatch> keys, std::vector<BatchTable> tables,
        bool continued = false, BatchPart part = {});

  /// 0, 1, 2, ... without gaps; the same for all parts of a batch.
  [[nodiscard]] int64_t index() const { return index_; }
  [[nodiscard]] int64_t num_keys() const { return keys_->num_rows(); }
  /// True where this batch holds more rows of the only key of the batch before: a key whose rows exceed
  /// max_bytes, or an eighth of the memory, comes in several batches (policy oversize).
  [[nodiscard]] bool continued() const { return continued_; }
  /// Where Job::in_parts is set, a batch that is large beside the memory comes in parts: each has some of its keys,
  /// ascending, with all their rows. The last one may have none.
  [[nodiscard]] const BatchPart& part() const { return part_; }
  /// The key columns, under the job's names, in the selecting table's types.
  [[nodiscard]] const std::shared_ptr<arrow::RecordBatch>& keys() const { return keys_; }
  /// All tables, in the job's order.
  [[nodiscard]] const std::vector<BatchTable>& tables() const { return tables_; }

  /// One table; null where the job has no such table.
  [[nodiscard]] const BatchTable* Find(std::string_view name) const;
  /// All rows of a table, group after group; null where the job has no such table.
  [[nodiscard]] std::shared_ptr<arrow::RecordBatch> table(std::string_view name) const;
  /// Where each group (see BatchTable) starts in table(name), and its end; null where the job has no such table.
  [[nodiscard]] std::shared_ptr<arrow::Int32Array> offsets(std::string_view name) const;
  /// BatchTable::mapping of table(name).
  [[nodiscard]] std::shared_ptr<arrow::Int32Array> mapping(std::string_view name) const;
  [[nodiscard]] GroupRange groups() const { return {this, num_keys()}; }
  [[nodiscard]] int64_t total_rows() const;

  /// One row a key: the key columns, then each table, built from the offsets: as list<struct>, or
  /// where it has at most one row a key as struct of nullable fields, null where there is none. A linked
  /// table is such a column of the rows that it hangs on. Copies no values but those of a reference table,
  /// which each row that names them has anew, and those of a struct table that lacks the row of some key.
  /// Errors: Invalid where a table has the name of a column of what it hangs on, or a second row against
  /// rows_per_key; CapacityError where the rows of a reference table get too many.
  [[nodiscard]] arrow::Result<std::shared_ptr<arrow::RecordBatch>> nested() const;

 private:
  int64_t index_;
  std::shared_ptr<arrow::RecordBatch> keys_;
  std::vector<BatchTable> tables_;
  bool continued_;
  BatchPart part_;
};

}  // namespace sheaf
