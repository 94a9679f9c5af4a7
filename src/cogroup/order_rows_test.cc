#include "cogroup/order_rows.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "cogroup/cogroup_test_support.h"

namespace sheaf {
namespace {

using Pieces = std::vector<std::shared_ptr<arrow::RecordBatch>>;

std::shared_ptr<arrow::Schema> NumbersSchema() {
  return arrow::schema({arrow::field("id", arrow::int64()), arrow::field("v", arrow::int64())});
}

/// A table that orders its groups by `v`.
ResolvedJob Resolved() {
  Job job;
  job.Key({"id"}).Add(Table::Stream("T", sheaf::testing::StreamOf(NumbersSchema(), {}))
                          .SelectsKeys()
                          .OrderBy({"v"}));
  return ResolveJob(nullptr, job).ValueOrDie();
}

std::shared_ptr<arrow::RecordBatch> RowsOf(const std::vector<int64_t>& ids,
                                           const std::vector<int64_t>& values) {
  arrow::ArrayVector columns;
  for (const auto* const numbers : {&ids, &values}) {
    arrow::Int64Builder builder;
    EXPECT_TRUE(builder.AppendValues(*numbers).ok());
    columns.push_back(builder.Finish().ValueOrDie());
  }
  return arrow::RecordBatch::Make(NumbersSchema(), std::ssize(ids), std::move(columns));
}

TEST(OrderRowsTest, RowsThatStandInOrderAreNotNamed) {
  const ResolvedJob resolved = Resolved();
  const Pieces pieces = {RowsOf({1, 1}, {3, 4}), RowsOf({1, 2}, {4, 1})};
  RowVector<RowRef> refs;
  ASSERT_TRUE(
      OrderRows(resolved.tables[0], pieces, RunsOf(pieces), std::vector<int64_t>{3, 1}, &refs)
          .ok());
  EXPECT_TRUE(refs.empty());
}

// More rows than one core puts in order at a time, by a stable sort of each group.
TEST(OrderRowsTest, EachGroupIsInOrderAndTiesStayAsTheyCame) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const ResolvedJob resolved = Resolved();
  for (const bool named : {false, true}) {
    Pieces pieces;
    RowVector<RowRef> refs;
    std::vector<int64_t> counts;
    std::vector<std::vector<std::pair<int64_t, RowRef>>> groups;
    std::vector<int64_t> ids;
    std::vector<int64_t> values;
    const auto end_piece = [&] {
      pieces.push_back(RowsOf(ids, values));
      ids.clear();
      values.clear();
    };
    for (int64_t id = 0; id < 40'000; ++id) {
      const auto rows = static_cast<int64_t>(id == 7 ? 90'000 : random() % 8);
      counts.push_back(rows);
      auto& group = groups.emplace_back();
      for (int64_t i = 0; i < rows; ++i) {
        const RowRef ref{static_cast<uint32_t>(pieces.size()), static_cast<uint32_t>(ids.size())};
        ids.push_back(id);
        values.push_back(static_cast<int64_t>(random() % 100));
        group.emplace_back(values.back(), ref);
        if (named) refs.push_back(ref);
      }
      std::ranges::stable_sort(group, {}, &std::pair<int64_t, RowRef>::first);
      if (random() % 1000 == 0) end_piece();
    }
    end_piece();
    ASSERT_TRUE(OrderRows(resolved.tables[0], pieces, RunsOf(pieces), counts, &refs).ok());
    size_t next = 0;
    for (const auto& group : groups) {
      for (const auto& [value, ref] : group) {
        ASSERT_EQ(refs[next].piece, ref.piece) << next;
        ASSERT_EQ(refs[next].row, ref.row) << next;
        ++next;
      }
    }
    EXPECT_EQ(next, refs.size());
  }
}

}  // namespace
}  // namespace sheaf
