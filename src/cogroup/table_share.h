// One table's share of a window, on its way from the table's thread to a batch, and the shares of all tables.
#pragma once

#include <arrow/record_batch.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "cogroup/large_rows.h"
#include "sheaf/batch.h"

namespace sheaf {

/// A group whose rows wait on disk.
struct LargeGroup {
  int64_t group;  ///< Its number in the window.
  std::shared_ptr<LargeRows> rows;
};

/// In `rows` and `offsets` a large group has no rows.
struct TableShare : BatchTable {
  std::vector<LargeGroup> large;  ///< Ascending.
};

/// The rows of one window, of every table, in the job's order.
struct CutWindow {
  std::shared_ptr<arrow::RecordBatch> keys;
  std::vector<TableShare> tables;
};

/// Null where group `group` is not a large one.
inline const LargeRows* FindLarge(const TableShare& share, int64_t group) {
  for (const LargeGroup& large : share.large) {
    if (large.group == group) return large.rows.get();
  }
  return nullptr;
}

/// Rows of group `group`, wherever they are.
inline int64_t RowsOfGroup(const TableShare& share, int64_t group) {
  const LargeRows* large = FindLarge(share, group);
  return large != nullptr ? large->num_rows()
                          : share.offsets->Value(group + 1) - share.offsets->Value(group);
}

}  // namespace sheaf
