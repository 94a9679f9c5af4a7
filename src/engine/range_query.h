// SQL for ranges of keys. The ends of a range are parameters, a column each: $1, $2, ... of the lower
// end, then those of the upper end. Composite keys are compared column by column.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/dialect.h"

namespace sheaf {

/// A table's key columns as SQL compares them.
struct RangeKey {
  std::vector<SqlColumn> columns;
  /// The ends hold this many columns. Fewer than all make a range larger, as do those below.
  size_t compared = 0;
  /// False: the engine may round the last of them, so that ends are taken in and none is left out.
  bool exact = true;
};

enum class LowerEnd { kNone, kAbove, kFrom };

/// `SELECT * FROM (query)` with only the rows of a range that have no null in the key.
std::string RangeQuery(const Dialect& dialect, const std::string& query, const RangeKey& key,
                       LowerEnd lower, bool has_upper);

/// The keys of a range that is open above, ascending, each once; at most the least `limit` of them.
std::string KeysQuery(const Dialect& dialect, const std::string& query, const RangeKey& key,
                      LowerEnd lower, std::optional<int64_t> limit);

/// The keys of all rows of a range that is open above, in any order.
std::string AllKeysQuery(const Dialect& dialect, const std::string& query, const RangeKey& key,
                         LowerEnd lower);

/// The rows that have a null in the key.
std::string NullKeysQuery(const Dialect& dialect, const std::string& query,
                          const std::vector<SqlColumn>& columns);

}  // namespace sheaf
