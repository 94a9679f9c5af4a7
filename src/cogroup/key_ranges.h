// Cuts the keys of the selecting tables into ranges that hold about as many keys as a batch, each from
// where the last one ended.
//
//   SELECT key FROM (A) WHERE key > :last GROUP BY key ORDER BY key LIMIT n
//     1 3 5 | 8 9 12 | 13        ->      key <= 5     5 < key <= 12     12 < key
//
// The first look ahead is for one range, the second for two, the third for all that are left: a run of a few
// batches lets the engine stop early, and a whole run looks three times.
// A look ahead asks for keys alone, and only says where to cut: the ranges leave no key out, so the keys
// of a range are those of the rows that are then read in it, and a query that answers otherwise each
// time stays right.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
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
  /// of each query.
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
    bool more = false;  // the limit was reached: there may be keys beyond
  };

  arrow::Status LookAhead();
  arrow::Result<Sight> Look(const TableInput& input) const;

  const Engine& engine_;
  const std::vector<const TableInput*> selecting_;
  const std::shared_ptr<arrow::Schema> key_schema_;
  const int64_t step_;  // keys of one table between two cuts
  const int64_t memory_limit_;
  std::optional<int64_t> ranges_ = 1;  // how many the next look ahead asks for; nullopt: all
  KeyRange next_;                      // its lower end
  std::deque<std::shared_ptr<arrow::RecordBatch>> cuts_;  // upper ends; null for none
  bool all_found_ = false;
};

}  // namespace sheaf
