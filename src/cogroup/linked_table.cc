#include "cogroup/linked_table.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "cogroup/group_rows.h"
#include "cogroup/row_text.h"
#include "cogroup/window_rows.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

// About so many rows make a partition: enough to be read back at once, few enough to be held.
constexpr int64_t kPartitionRows = 65536;

int32_t KeysPerPartition(int64_t rows, int64_t keys) {
  const int64_t rows_per_key = std::max<int64_t>(rows / std::max<int64_t>(keys, 1), 1);
  return static_cast<int32_t>(std::max<int64_t>(kPartitionRows / rows_per_key, 1));
}

// Numbers the distinct ranks, ascending, and gives each row its rank's number.
struct DistinctRanks {
  static arrow::Result<DistinctRanks> Of(const std::vector<int64_t>& ranks) {
    DistinctRanks groups;
    KeyVector::Words words;
    for (const int64_t rank : ranks) {
      if (rank >= 0) words.push_back(static_cast<uint64_t>(rank));
    }
    const KeyVector present(words);
    KeySetBuilder builder;
    builder.Add(present);
    const auto set = builder.Finish();
    ARROW_RETURN_NOT_OK(set->Ranks(present, &groups.numbers));
    groups.distinct.resize(static_cast<size_t>(set->size()));
    for (size_t i = 0; i < words.size(); ++i) {
      groups.distinct[static_cast<size_t>(groups.numbers[i])] = static_cast<int64_t>(words[i]);
    }
    return groups;
  }

  std::vector<int64_t> distinct;
  std::vector<int64_t> numbers;  // of the ranks that are not -1
};

std::string TextOf(const arrow::ArrayVector& columns, const std::vector<std::string>& names,
                   int64_t row) {
  arrow::FieldVector fields;
  for (size_t c = 0; c < columns.size(); ++c) {
    fields.push_back(arrow::field(names[c], columns[c]->type()));
  }
  const auto rows =
      arrow::RecordBatch::Make(arrow::schema(std::move(fields)), columns[0]->length(), columns);
  return RowText(*rows, row);
}

}  // namespace

LinkedTable::LinkedTable(TableInput input, const Policy& policy, LinkedMemory* memory,
                         OnError on_error)
    : input_(std::move(input)),
      policy_(policy),
      memory_(memory),
      on_error_(std::move(on_error)),
      reader_(input_, policy_, KeyOrder::kAny, &counters_) {}

LinkedTable::~LinkedTable() {
  Cancel();
  Join();
  if (keys_ != nullptr) memory_->resident.Release(keys_->bytes());
}

void LinkedTable::Start() {
  thread_ = std::thread([this] {
    if (const arrow::Status status = Load(); !status.ok()) {
      on_error_(WithContext(status, TableContext(input_.table)));
      return;
    }
    const std::lock_guard lock(mutex_);
    loaded_ = true;
    changed_.notify_all();
  });
}

void LinkedTable::Cancel() {
  reader_.Cancel();
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

void LinkedTable::Join() {
  if (thread_.joinable()) thread_.join();
}

bool LinkedTable::HasStopped() {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

bool LinkedTable::WaitUntilLoaded() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return loaded_ || stopped_; });
  return !stopped_;
}

arrow::Result<std::unique_ptr<KeySet>> LinkedTable::ReadRows(RangeScatter* rows,
                                                             int64_t* num_rows) {
  // Null once there are too many for memory: then they come from the rows.
  auto keys = std::make_unique<KeySetBuilder>();
  MemoryBudget* const budget = &memory_->loading;
  const int64_t max_bytes = budget->limit() / kMaxKeysPart;
  int64_t counted = 0;
  const auto count = [&](int64_t bytes) {
    budget->Release(std::exchange(counted, bytes));
    budget->Add(counted);
  };
  reader_.Start([this] { return OpenRows(input_, input_.query, memory_->split.query); });
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const std::optional<Chunk> chunk, reader_.Next());
    if (!chunk) break;
    if (keys != nullptr) {
      keys->Add(chunk->keys);
      if (keys->bytes() > max_bytes) keys.reset();
      count(keys == nullptr ? 0 : keys->bytes());
    }
    *num_rows += chunk->rows->num_rows();
    ARROW_RETURN_NOT_OK(rows->Add(*chunk));
  }
  count(0);
  if (keys != nullptr) return keys->Finish();
  return rows->MakeKeySet(max_bytes, [this] { return HasStopped(); });
}

// As strategy `partition` does with a selecting table: the keys first, then the rows by their rank.
arrow::Status LinkedTable::Load() {
  RangeScatter scatter(input_, memory_->tables, memory_->split.partition, &memory_->loading);
  int64_t num_rows = 0;
  if (!memory_->scans.Begin()) return MakeError(ErrorKind::kStopped, "cancelled");
  auto keys = ReadRows(&scatter, &num_rows);
  memory_->scans.End();
  ARROW_ASSIGN_OR_RAISE(keys_, std::move(keys));
  memory_->resident.Add(keys_->bytes());
  found_.resize(static_cast<size_t>(keys_->size()));
  orphans_ = num_rows;

  const int32_t keys_per_partition = KeysPerPartition(num_rows, keys_->size());
  ARROW_ASSIGN_OR_RAISE(ScatteredRows scattered, scatter.Finish(*keys_));
  WindowRows windows(input_, *keys_, std::move(scattered), memory_->split.partition,
                     &memory_->loading, &counters_);
  rows_ = std::make_unique<KeyedRows>(input_, keys_per_partition, &memory_->resident);
  for (int64_t rank = 0; rank < keys_->size(); rank += keys_per_partition) {
    const int64_t count = std::min<int64_t>(keys_per_partition, keys_->size() - rank);
    ARROW_ASSIGN_OR_RAISE(BatchTable partition, windows.Take({rank, rank + count}));
    ARROW_RETURN_NOT_OK(rows_->Add(std::move(partition)));
  }
  return arrow::Status::OK();
}

arrow::Result<BatchTable> LinkedTable::Follow(const BatchTable& other) {
  Named named;
  if (other.rows->num_rows() > 0) {
    ARROW_ASSIGN_OR_RAISE(const auto columns, ColumnsAt(input_.link->columns, *other.rows));
    ARROW_ASSIGN_OR_RAISE(named, Look(columns));
    if (!named.missing.empty()) ARROW_RETURN_NOT_OK(CheckMissing(columns, named));
  }
  const bool reference = input_.link->kind == Link::Kind::kReference;
  ARROW_ASSIGN_OR_RAISE(BatchTable table, reference ? TakeReferenced(named.ranks)
                                                    : TakeChildren(std::move(named.ranks)));
  counters_.rows_delivered += table.rows->num_rows();
  return table;
}

arrow::Result<LinkedTable::Named> LinkedTable::Look(const arrow::ArrayVector& columns) {
  Named named;
  const int64_t num_rows = columns[0]->length();
  named.ranks.assign(static_cast<size_t>(num_rows), -1);
  KeyVector keys;
  if (keys_->size() > 0) {
    ARROW_ASSIGN_OR_RAISE(keys, input_.key_encoder->Encode(columns));
    ARROW_RETURN_NOT_OK(keys_->Ranks(keys, &named.ranks));
  }
  for (int64_t i = 0; i < num_rows; ++i) {
    int64_t& rank = named.ranks[static_cast<size_t>(i)];
    const bool null =
        std::ranges::any_of(columns, [i](const auto& column) { return column->IsNull(i); });
    if (null) {
      rank = -1;
    } else if (rank < 0) {
      named.missing.push_back(i);
    }
  }
  return named;
}

// Counts the distinct keys that have no row, or ends the run for the sake of them.
arrow::Status LinkedTable::CheckMissing(const arrow::ArrayVector& columns, const Named& named) {
  const bool promised = input_.table.rows_per_key == Cardinality::kOne;
  if (promised && policy_.missing == Policy::Missing::kError) {
    return MakeError(ErrorKind::kPolicy,
                     TableContext(input_.table) + " has no row for key " +
                         TextOf(columns, input_.key_names, named.missing.front()) +
                         ", which table \"" + input_.link->name +
                         "\" names, against rows_per_key = \"one\"; set policy.missing = \"keep\" "
                         "to go on");
  }
  ARROW_ASSIGN_OR_RAISE(const KeyVector keys, input_.key_encoder->Encode(columns));
  KeySetBuilder builder;
  builder.Add(keys.Take(named.missing));
  group_sizes_.AddEmpty(builder.Finish()->size());
  return arrow::Status::OK();
}

// Each key's rows once, by ascending key, and for each row of the other table where they are.
arrow::Result<BatchTable> LinkedTable::TakeReferenced(const std::vector<int64_t>& ranks) {
  ARROW_ASSIGN_OR_RAISE(const DistinctRanks groups, DistinctRanks::Of(ranks));
  ARROW_ASSIGN_OR_RAISE(BatchTable table, TakeRows(groups.distinct));
  arrow::Int32Builder mapping;
  ARROW_RETURN_NOT_OK(mapping.Reserve(static_cast<int64_t>(ranks.size())));
  size_t next = 0;
  for (const int64_t rank : ranks) {
    if (rank < 0) {
      mapping.UnsafeAppendNull();
    } else {
      mapping.UnsafeAppend(static_cast<int32_t>(groups.numbers[next++]));
    }
  }
  ARROW_ASSIGN_OR_RAISE(const auto array, mapping.Finish());
  table.mapping = std::static_pointer_cast<arrow::Int32Array>(array);
  return table;
}

// The rows of each parent row's key; where several parent rows have one key, with the first of them.
arrow::Result<BatchTable> LinkedTable::TakeChildren(std::vector<int64_t> ranks) {
  ARROW_ASSIGN_OR_RAISE(const DistinctRanks groups, DistinctRanks::Of(ranks));
  std::vector<bool> taken(groups.distinct.size());
  size_t next = 0;
  for (int64_t& rank : ranks) {
    if (rank < 0) continue;
    const auto group = static_cast<size_t>(groups.numbers[next++]);
    if (taken[group]) rank = -1;
    taken[group] = true;
  }
  return TakeRows(ranks);
}

// The rows of each key, -1 for none, as the job promises them.
arrow::Result<BatchTable> LinkedTable::TakeRows(const std::vector<int64_t>& ranks) {
  ARROW_ASSIGN_OR_RAISE(BatchTable table, rows_->Take(ranks));
  ARROW_RETURN_NOT_OK(CheckCardinality(&table));
  ARROW_RETURN_NOT_OK(CountGroups(ranks, table));
  table.rows_per_key = DeliveredCardinality(policy_, table.rows_per_key);
  table.link = input_.table.link;
  return table;
}

arrow::Status LinkedTable::CheckCardinality(BatchTable* table) {
  if (input_.table.rows_per_key == Cardinality::kAny) return arrow::Status::OK();
  // The key of each group stands in its first row; a group without rows is never reported here.
  arrow::Int32Builder firsts;
  for (int64_t g = 0; g + 1 < table->offsets->length(); ++g) {
    const int32_t begin = table->offsets->Value(g);
    ARROW_RETURN_NOT_OK(begin < table->offsets->Value(g + 1) ? firsts.Append(begin)
                                                             : firsts.AppendNull());
  }
  ARROW_ASSIGN_OR_RAISE(const auto rows, firsts.Finish());
  ARROW_ASSIGN_OR_RAISE(const auto keys, KeysOf(*table, *rows));
  Policy policy = policy_;
  policy.missing = Policy::Missing::kKeep;
  TableShare share{std::move(*table), {}};
  const arrow::Status status = ApplyCardinality(input_, policy, *keys, &counters_, &share);
  *table = std::move(share);
  return status;
}

// Each key counts once, in the first batch that has it.
arrow::Status LinkedTable::CountGroups(const std::vector<int64_t>& ranks, const BatchTable& table) {
  std::vector<int32_t> offsets = {0};
  arrow::Int32Builder firsts;
  for (size_t g = 0; g < ranks.size(); ++g) {
    const int64_t rank = ranks[g];
    if (rank < 0 || found_[static_cast<size_t>(rank)]) continue;
    found_[static_cast<size_t>(rank)] = true;
    orphans_ -= rows_->num_rows(rank);
    const int32_t begin = table.offsets->Value(static_cast<int64_t>(g));
    const int32_t end = table.offsets->Value(static_cast<int64_t>(g) + 1);
    offsets.push_back(offsets.back() + end - begin);
    ARROW_RETURN_NOT_OK(firsts.Append(begin));
  }
  ARROW_ASSIGN_OR_RAISE(const auto rows, firsts.Finish());
  ARROW_ASSIGN_OR_RAISE(const auto keys, KeysOf(table, *rows));
  return group_sizes_.Add(*OffsetsArray(std::move(offsets)), *keys);
}

// The keys that stand in these rows.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> LinkedTable::KeysOf(
    const BatchTable& table, const arrow::Array& rows) const {
  ARROW_ASSIGN_OR_RAISE(const auto columns, ColumnsAt(input_.key_columns, *table.rows));
  arrow::FieldVector fields;
  arrow::ArrayVector keys;
  for (size_t c = 0; c < columns.size(); ++c) {
    ARROW_ASSIGN_OR_RAISE(auto taken, arrow::compute::Take(*columns[c], rows));
    fields.push_back(arrow::field(input_.key_names[c], taken->type()));
    keys.push_back(std::move(taken));
  }
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows.length(), std::move(keys));
}

void LinkedTable::CountOrphans() { counters_.orphans = orphans_; }

TableMetrics LinkedTable::metrics() const {
  TableMetrics metrics;
  metrics.name = input_.table.name;
  metrics.rows_read = counters_.rows_read;
  metrics.rows_delivered = counters_.rows_delivered;
  metrics.orphans = counters_.orphans;
  metrics.null_keys = counters_.null_keys;
  metrics.duplicates = counters_.duplicates;
  metrics.keys_without_rows = group_sizes_.empty();
  metrics.rows_per_key = group_sizes_.Summary();
  return metrics;
}

}  // namespace sheaf
