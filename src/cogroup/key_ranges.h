// Cuts the keys of the selecting tables into ranges that hold about as many keys as a batch, each from
// where the last one ended.
//
//   SELECT key FROM (A) WHERE key > :last GROUP BY key ORDER BY key LIMIT n
//     1 3 5 | 8 9 12 | 13        ->      key <= 5     5 < key <= 12     12 < key
//
// The first look ahead is for one range, the second for two, the third for all that are left: a run of a few
// batches lets the engine stop early, and a whole run looks three times.
// Where DataFusion would have to sort all keys for that, they come in any order instead: sheaf keeps the smallest
// that its own memory holds, and reads the keys once more for the rows at the cuts.
// A look ahead asks for keys alone, and only says where to cut: the ranges leave no key out, so the keys
// of a range are those of the rows that are then read in it, and a query that answers otherwise each
// time stays right.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cogroup/table_input.h"
#include "engine/range_query.h"
#include "key/key_vector.h"
#include "sheaf/engine.h"

namespace sheaf {

/// The keys between two ends, which are rows of the key schema.
struct KeyRange {
  LowerEnd lower_end = LowerEnd::kNone;
  std::shared_ptr<arrow::RecordBatch> lower;  ///< Null for LowerEnd::kNone.
  std::shared_ptr<arrow::RecordBatch> upper;  ///< The range's last key; null: no end.
};

/// How a table's key compares with the ends of a range, which are rows of `key_schema`.
RangeKey RangeKeyOf(const TableInput& input, const arrow::Schema& key_schema);

/// A range as the parameters of a RangeQuery.
struct BoundRange {
  LowerEnd lower = LowerEnd::kNone;
  bool has_upper = false;
  std::shared_ptr<arrow::RecordBatch> parameters;  ///< Null where there is none.
};

/// Binds the ends in the types of the table's own key; an end that does not fit in them is left out.
arrow::Result<BoundRange> BindRange(const RangeKey& key, const KeyRange& range);

/// Used by one thread at a time, while nobody else uses the selecting tables' connections.
class KeyRangeFinder {
 public:
  /// `selecting`: the selecting tables, which outlive the finder; their keys have the types of the key
  /// schema. A range holds at most `max_keys` keys that were there when it was found. `memory_limit` is
  /// of each query, and of the keys that are kept.
  KeyRangeFinder(const Engine& engine, std::vector<const TableInput*> selecting,
                 const ResolvedJob& resolved, int32_t max_keys, int64_t memory_limit);

  /// The next range, ascending; nullopt where no key is left.
  arrow::Result<std::optional<KeyRange>> Next();

 private:
  // A key, and the same in comparable form.
  struct Key {
    std::shared_ptr<arrow::RecordBatch> row;
    KeyVector value;
  };

  // What a look ahead into one table saw.
  struct Sight {
    std::vector<Key> cuts;  // every step-th key
    std::optional<Key> last;
    bool more = false;  // a limit was reached: there may be keys beyond
  };

  struct KeyRows {
    std::shared_ptr<arrow::RecordBatch> rows;  // of the key schema
    KeyVector keys;
  };

  static arrow::Result<Key> KeyAt(const TableInput& input, const KeyRows& found, int64_t row);
  arrow::Status LookAhead();
  arrow::Result<Sight> Look(size_t table);
  arrow::Result<Sight> LookInOrder(const TableInput& input) const;
  arrow::Result<Sight> LookAtAll(const TableInput& input) const;
  arrow::Result<std::vector<Key>> FindRows(const TableInput& input, const std::string& sql,
                                           const BoundRange& bound, const KeyVector& keys) const;
  arrow::Status ForEachKeys(const TableInput& input, const std::string& sql,
                            const BoundRange& bound,
                            const std::function<arrow::Status(const KeyRows&)>& visit) const;

  const Engine& engine_;
  const std::vector<const TableInput*> selecting_;
  std::vector<bool> sorts_;  // for each: the engine would sort its keys
  const std::shared_ptr<arrow::Schema> key_schema_;
  const int64_t step_;  // keys of one table between two cuts
  const int64_t memory_limit_;
  bool engine_sorts_ = true;           // until it has run out of memory
  std::optional<int64_t> ranges_ = 1;  // how many the next look ahead asks for; nullopt: all
  KeyRange next_;                      // its lower end
  std::deque<std::shared_ptr<arrow::RecordBatch>> cuts_;  // upper ends; null for none
  bool all_found_ = false;
};

}  // namespace sheaf
