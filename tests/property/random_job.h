// Random jobs over streams, and what they must deliver by the plainest means: a map of keys.
#pragma once

#include <arrow/util/logging.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "cogroup/cogroup_test_support.h"
#include "key_pool.h"
#include "sheaf/batch_reader.h"

namespace sheaf::testing {

/// One row: its key as places in the pools, a column to order by, one to break ties, and a number.
struct TestRow {
  std::vector<int> key;
  std::optional<int> order;
  std::optional<int> tie;
  int64_t number = 0;

  [[nodiscard]] bool null_key() const { return *std::min_element(key.begin(), key.end()) < 0; }
  /// Nulls of `order` last unless descending, when they come first; those of `tie` last.
  [[nodiscard]] std::pair<bool, int> OrderRank(bool descending) const {
    if (!order) return {!descending, 0};
    return {descending, descending ? -*order : *order};
  }
  [[nodiscard]] std::tuple<bool, int, int64_t> TieRank() const {
    return {!tie.has_value(), tie.value_or(0), number};
  }
};

struct TestTable {
  std::string name;
  arrow::DataTypeVector key_types;
  std::vector<TestRow> rows;  // in the order of the stream
  std::vector<size_t> cuts;   // where its batches end
  bool selects = false;
  bool ordered = false;
  bool descending = false;
  Cardinality rows_per_key = Cardinality::kAny;
};

/// The rows of one key, a list a table.
using TestGroup = std::vector<std::vector<TestRow>>;

struct TestJob {
  std::vector<KeyPool> pools;  // of each key column
  std::vector<TestTable> tables;
  Job job;             // but for its tables
  size_t padding = 0;  // bytes of text in each row
};

inline std::vector<TestRow> RandomRows(Random* random, const std::vector<std::vector<int>>& places,
                                       bool sorted) {
  // Few rows at the ends of the scale: none at all, or so many that batches and chunks abound.
  const int count = OneIn(random, 6) ? 0 : Below(random, OneIn(random, 4) ? 400 : 40);
  const bool nulls = OneIn(random, 3);
  std::vector<TestRow> rows;
  std::vector<TestRow> null_rows;
  for (int i = 0; i < count; ++i) {
    TestRow row;
    for (const std::vector<int>& column : places) {
      row.key.push_back(nulls && OneIn(random, 10) ? -1 : AnyOf(random, column));
    }
    if (!OneIn(random, 5)) row.order = Below(random, 4);
    if (!OneIn(random, 5)) row.tie = Below(random, 3);
    (row.null_key() ? null_rows : rows).push_back(std::move(row));
  }
  if (sorted) {
    std::stable_sort(rows.begin(), rows.end(),
                     [](const TestRow& a, const TestRow& b) { return a.key < b.key; });
  }
  for (TestRow& row : null_rows) {  // they have no place in the order, so any will do
    rows.insert(rows.begin() + Below(random, static_cast<int>(rows.size()) + 1), std::move(row));
  }
  for (size_t i = 0; i < rows.size(); ++i) rows[i].number = static_cast<int64_t>(i);
  return rows;
}

inline TestTable RandomTable(Random* random, const std::vector<KeyPool>& pools, bool sorted) {
  TestTable table;
  std::vector<std::vector<int>> places;
  for (const KeyPool& pool : pools) {
    std::shared_ptr<arrow::DataType> type;
    std::vector<int> held;
    while (held.empty()) {  // the widest types hold all values
      type = AnyOf(random, pool.types);
      held = PlacesIn(pool, type);
    }
    table.key_types.push_back(std::move(type));
    places.push_back(std::move(held));
  }
  table.rows = RandomRows(random, places, sorted);
  const int cuts = Below(random, OneIn(random, 3) ? 60 : 6);
  for (int i = 0; i < cuts; ++i) {
    table.cuts.push_back(
        static_cast<size_t>(Below(random, static_cast<int>(table.rows.size()) + 1)));
  }
  table.cuts.push_back(table.rows.size());
  std::sort(table.cuts.begin(), table.cuts.end());
  table.selects = OneIn(random, 3);
  table.ordered = OneIn(random, 2);
  table.descending = OneIn(random, 2);
  table.rows_per_key = AnyOf(random, std::vector{Cardinality::kAny, Cardinality::kAny,
                                                 Cardinality::kAtMostOne, Cardinality::kOne});
  return table;
}

/// `lenient`: no policy makes it fail.
inline TestJob RandomJob(Random* random, const std::vector<KeyPool>& pools, bool lenient) {
  TestJob made;
  const int columns = 1 + Below(random, 3);
  std::vector<std::string> names;
  for (int c = 0; c < columns; ++c) {
    const KeyPool& pool = AnyOf(random, pools);
    made.pools.push_back(columns == 1 ? pool : Narrow(random, pool));
    names.push_back("k" + std::to_string(c));
  }
  const Strategy strategy =
      AnyOf(random, std::vector{Strategy::kMerge, Strategy::kPartition, Strategy::kAuto});
  const bool sorted = strategy == Strategy::kMerge || OneIn(random, 3);
  const int tables = 1 + Below(random, 8);
  for (int t = 0; t < tables; ++t) {
    made.tables.push_back(RandomTable(random, made.pools, sorted));
    made.tables.back().name = "T" + std::to_string(t);
  }
  made.tables[static_cast<size_t>(Below(random, tables))].selects = true;
  using Policies = Policy;
  made.job.Key(names)
      .MaxKeys(AnyOf(random, std::vector{1, 2, 1 + Below(random, 40), 65536}))
      .WithStrategy(strategy)
      .WithTies(OneIn(random, 2) ? Ties::kFixed : Ties::kAny)
      .Memory(OneIn(random, 2) ? int64_t{64} << 20 : Job::kDefaultMemory);
  if (OneIn(random, 5)) made.job.MaxBytes(1 + Below(random, 2000));
  Policy& policy = made.job.policy;
  if (!lenient && OneIn(random, 8)) policy.null_key = Policies::NullKey::kError;
  policy.missing = AnyOf(random, std::vector{Policies::Missing::kKeep, Policies::Missing::kDrop});
  if (!lenient && OneIn(random, 8)) policy.missing = Policies::Missing::kError;
  policy.duplicate =
      AnyOf(random, std::vector{Policies::Duplicate::kKeep, Policies::Duplicate::kFirst});
  if (!lenient && OneIn(random, 8)) policy.duplicate = Policies::Duplicate::kError;
  return made;
}

/// Gives one key of some table more rows than a job of the least memory holds.
inline void MakeKeyHot(Random* random, TestJob* made) {
  constexpr int kMaxChunk = 4000;
  TestTable& table =
      made->tables[static_cast<size_t>(Below(random, static_cast<int>(made->tables.size())))];
  auto hot = std::ranges::find_if(table.rows, [](const TestRow& row) { return !row.null_key(); });
  if (hot == table.rows.end()) return;
  made->padding = 500;
  std::vector<TestRow> rows(static_cast<size_t>(2000 + Below(random, 10'000)), *hot);
  for (TestRow& row : rows) {
    row.order = OneIn(random, 5) ? std::nullopt : std::optional(Below(random, 4));
    row.tie = OneIn(random, 5) ? std::nullopt : std::optional(Below(random, 3));
  }
  table.rows.insert(hot, rows.begin(), rows.end());
  for (size_t i = 0; i < table.rows.size(); ++i) table.rows[i].number = static_cast<int64_t>(i);
  table.cuts = {table.rows.size()};
  while (table.cuts.front() > kMaxChunk) {
    const auto chunk = static_cast<size_t>(1 + Below(random, kMaxChunk));
    table.cuts.insert(table.cuts.begin(), table.cuts.front() - chunk);
  }
  made->job.Memory(int64_t{16} << 20).max_bytes.reset();
  if (OneIn(random, 2)) made->job.MaxBytes(20'000 + Below(random, 3'000'000));
}

/// Columns: order, tie, number, then the key under names of the table's own, and some text.
inline std::shared_ptr<arrow::RecordBatch> RowsOf(const TestJob& job, const TestTable& table,
                                                  size_t begin, size_t end) {
  arrow::Int32Builder order;
  arrow::Int32Builder tie;
  arrow::Int64Builder number;
  std::vector<std::vector<int>> places(job.pools.size());
  for (size_t i = begin; i < end; ++i) {
    const TestRow& row = table.rows[i];
    ARROW_CHECK_OK((row.order ? order.Append(*row.order) : order.AppendNull()));
    ARROW_CHECK_OK((row.tie ? tie.Append(*row.tie) : tie.AppendNull()));
    ARROW_CHECK_OK(number.Append(row.number));
    for (size_t c = 0; c < places.size(); ++c) places[c].push_back(row.key[c]);
  }
  arrow::FieldVector fields = {arrow::field("order", arrow::int32()),
                               arrow::field("tie", arrow::int32()),
                               arrow::field("number", arrow::int64())};
  arrow::ArrayVector columns = {order.Finish().ValueOrDie(), tie.Finish().ValueOrDie(),
                                number.Finish().ValueOrDie()};
  for (size_t c = 0; c < places.size(); ++c) {
    columns.push_back(WriteAs(job.pools[c], table.key_types[c], places[c]).ValueOrDie());
    fields.push_back(arrow::field(table.name + "_k" + std::to_string(c), table.key_types[c]));
  }
  arrow::StringBuilder padding;
  for (size_t i = begin; i < end; ++i) {
    const auto letter = static_cast<char>('a' + table.rows[i].number % 26);
    ARROW_CHECK_OK(padding.Append(std::string(job.padding, letter)));
  }
  columns.push_back(padding.Finish().ValueOrDie());
  fields.push_back(arrow::field("padding", arrow::utf8()));
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)),
                                  static_cast<int64_t>(end - begin), std::move(columns));
}

/// The job with a fresh stream for each table. Table `failing` fails after `good_batches` of its
/// own.
inline Job StreamsOf(const TestJob& made, std::optional<size_t> failing = std::nullopt,
                     size_t good_batches = 0) {
  Job job = made.job;
  for (size_t t = 0; t < made.tables.size(); ++t) {
    const TestTable& table = made.tables[t];
    std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
    size_t begin = 0;
    for (const size_t end : table.cuts) {
      batches.push_back(RowsOf(made, table, begin, end));
      begin = end;
    }
    const auto schema = batches[0]->schema();
    arrow::Status last;
    if (failing == t) {
      batches.resize(std::min(good_batches, batches.size()));
      last = arrow::Status::IOError("broken on purpose");
    }
    Table stream = Table::Stream(
        table.name, std::make_shared<TestStream>(schema, std::move(batches), std::move(last)));
    std::vector<std::string> key;
    for (size_t c = 0; c < made.pools.size(); ++c) {
      key.push_back(table.name + "_k" + std::to_string(c));
    }
    stream.Key(std::move(key)).SelectsKeys(table.selects).RowsPerKey(table.rows_per_key);
    if (table.ordered) stream.OrderBy({table.descending ? "order DESC" : "order"});
    job.Add(std::move(stream));
  }
  return job;
}

/// Every selected key and its rows, policies not yet applied.
inline std::map<std::vector<int>, TestGroup> GroupsOf(const TestJob& made) {
  std::map<std::vector<int>, TestGroup> groups;
  std::set<std::vector<int>> selected;
  for (size_t t = 0; t < made.tables.size(); ++t) {
    for (const TestRow& row : made.tables[t].rows) {
      if (row.null_key()) continue;
      TestGroup& group = groups[row.key];
      group.resize(made.tables.size());
      group[t].push_back(row);
      if (made.tables[t].selects) selected.insert(row.key);
    }
  }
  std::erase_if(groups, [&](const auto& entry) { return !selected.contains(entry.first); });
  for (auto& [key, group] : groups) {
    for (size_t t = 0; t < made.tables.size(); ++t) {
      const TestTable& table = made.tables[t];
      std::stable_sort(group[t].begin(), group[t].end(), [&](const TestRow& a, const TestRow& b) {
        if (made.job.ties == Ties::kFixed && !table.ordered) {
          // "order" is then the first of the remaining columns, nulls last.
          return std::pair(a.OrderRank(false), a.TieRank()) <
                 std::pair(b.OrderRank(false), b.TieRank());
        }
        const bool fixed = made.job.ties == Ties::kFixed;
        const auto x = table.ordered ? a.OrderRank(table.descending) : std::pair(false, 0);
        const auto y = table.ordered ? b.OrderRank(table.descending) : std::pair(false, 0);
        return x != y ? x < y : fixed && a.TieRank() < b.TieRank();
      });
    }
  }
  return groups;
}

}  // namespace sheaf::testing
