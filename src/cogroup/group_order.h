// Orders the rows of each group by a table's order_by and, for ties = "fixed", by its other columns.
// The engine orders by the key alone: where it knows a file's order by key, it need not sort at all,
// and what is left to sort are groups, which are small and in cache.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <memory>
#include <string>
#include <vector>

#include "key/key_vector.h"
#include "sheaf/job.h"

namespace sheaf {

/// Immutable, so that threads may share it.
class GroupOrder {
 public:
  /// Errors: kEngine: a column that `schema` lacks, with the nearest it has, or whose type has no order.
  static arrow::Result<GroupOrder> Make(const arrow::Schema& schema,
                                        const std::vector<std::string>& order_by, Ties ties);

  /// The rows, which stand group after group, with each group in order. `offsets`: where each group
  /// starts, and the end. Returns `rows` itself where they are in order. Ties keep the order of arrival
  /// unless fixed.
  [[nodiscard]] arrow::Result<std::shared_ptr<arrow::RecordBatch>> Apply(
      const std::shared_ptr<arrow::RecordBatch>& rows, const std::vector<int32_t>& offsets) const;

  /// The numbers of the rows in the order that Apply() gives them; empty where they are in order.
  [[nodiscard]] arrow::Result<std::vector<int32_t>> InOrder(
      const std::shared_ptr<arrow::RecordBatch>& rows, const std::vector<int32_t>& offsets) const;

  /// The columns of order_by, for Numbers(); empty where it takes more than these columns, or none at
  /// all, to order a group, and where one of them is nested or of an extension type.
  [[nodiscard]] std::vector<int> OrderColumns() const;

  /// The numbers of the rows in order, from just the columns that OrderColumns() names; empty where
  /// they are in order.
  [[nodiscard]] arrow::Result<std::vector<int32_t>> Numbers(
      const arrow::ArrayVector& columns, const std::vector<int32_t>& offsets) const;

  /// False where rows stay as they came.
  [[nodiscard]] bool HasOrder() const { return !order_.empty() || !ties_.empty(); }

  /// A value a row whose comparison is the order, fixed ties included; those of other rows compare with it.
  [[nodiscard]] arrow::Result<KeyVector> Keys(const arrow::RecordBatch& rows) const;

  /// Rows [begin, end).
  struct Range {
    int32_t begin;
    int32_t end;
  };

 private:
  struct Column {
    int index;
    bool descending;
    bool nulls_first;
  };

  arrow::Result<bool> SortGroups(const arrow::ArrayVector& columns, std::vector<Range>* ranges,
                                 std::vector<int32_t>* order) const;
  arrow::Result<bool> SortTies(const std::shared_ptr<arrow::RecordBatch>& rows,
                               const std::vector<Range>& ranges, std::vector<int32_t>* order) const;

  std::vector<Column> order_;
  std::vector<Column> ties_;
  bool orders_nested_ = false;  // by a column that is, or is of an extension type
};

}  // namespace sheaf
