#include "cogroup/linked_reader.h"

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "cogroup/linked_table.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

class LinkedReader final : public BatchReader {
 public:
  LinkedReader(LinkedJob job, Plan plan, std::unique_ptr<BatchReader> keyed)
      : job_(std::move(job.job)),
        plan_(std::move(plan)),
        memory_(job.memory, job.linked.size()),
        keyed_(std::move(keyed)),
        linked_(job_.tables.size()) {
    size_t next_keyed = 0;
    size_t next_linked = 0;
    for (size_t t = 0; t < job_.tables.size(); ++t) {
      if (!job_.tables[t].link) {
        schemas_.push_back(keyed_->table_schemas()[next_keyed++]);
        continue;
      }
      TableInput& input = job.linked[next_linked++];
      schemas_.push_back(input.schema);
      linked_[t] =
          std::make_unique<LinkedTable>(std::move(input), job_.policy, &memory_,
                                        [this](const arrow::Status& status) { Fail(status); });
    }
    for (const auto& table : linked_) {
      if (table != nullptr) table->Start();
    }
  }

  ~LinkedReader() override {
    Cancel();
    for (const auto& table : linked_) {
      if (table != nullptr) table->Join();  // it may be about to call Fail()
    }
  }

  arrow::Result<std::optional<Batch>> Next() override;
  void Cancel() override { Fail(MakeError(ErrorKind::kStopped, "cancelled")); }
  [[nodiscard]] Metrics metrics() const override;
  [[nodiscard]] std::shared_ptr<arrow::Schema> key_schema() const override {
    return keyed_->key_schema();
  }
  [[nodiscard]] const std::vector<std::shared_ptr<arrow::Schema>>& table_schemas() const override {
    return schemas_;
  }
  [[nodiscard]] const Plan& plan() const override { return plan_; }

 private:
  arrow::Result<std::optional<Batch>> NextBatch();
  arrow::Result<Batch> AddLinked(const Batch& batch);
  arrow::Status Fill(size_t t, std::vector<BatchTable>* tables);
  void Fail(const arrow::Status& status);
  arrow::Status failure() const;

  const Job job_;
  const Plan plan_;
  LinkedMemory memory_;
  const std::unique_ptr<BatchReader> keyed_;
  std::vector<std::unique_ptr<LinkedTable>> linked_;  // by the job's tables; null for a keyed one
  std::vector<std::shared_ptr<arrow::Schema>> schemas_;
  bool ended_ = false;

  mutable std::mutex mutex_;
  arrow::Status failure_;  // the first one; guarded by mutex_
};

arrow::Result<std::optional<Batch>> LinkedReader::Next() {
  if (ended_) return std::nullopt;
  ARROW_RETURN_NOT_OK(failure());
  auto batch = NextBatch();
  if (batch.ok()) return batch;
  Fail(batch.status());
  return failure();  // what came first, and made the rest fail
}

arrow::Result<std::optional<Batch>> LinkedReader::NextBatch() {
  ARROW_ASSIGN_OR_RAISE(const std::optional<Batch> batch, keyed_->Next());
  for (const auto& table : linked_) {
    if (table != nullptr && !table->WaitUntilLoaded()) {
      return MakeError(ErrorKind::kStopped, "cancelled");
    }
  }
  if (batch) return AddLinked(*batch);
  ended_ = true;
  for (const auto& table : linked_) {
    if (table != nullptr) table->CountOrphans();
  }
  return std::nullopt;
}

arrow::Result<Batch> LinkedReader::AddLinked(const Batch& batch) {
  std::vector<BatchTable> tables(linked_.size());
  size_t next_keyed = 0;
  for (size_t t = 0; t < tables.size(); ++t) {
    if (linked_[t] == nullptr) tables[t] = batch.tables()[next_keyed++];
  }
  for (size_t t = 0; t < tables.size(); ++t) ARROW_RETURN_NOT_OK(Fill(t, &tables));
  return Batch(batch.index(), batch.keys(), std::move(tables), batch.continued());
}

// Looks up table `t`, once, and before it the one that it hangs on.
arrow::Status LinkedReader::Fill(size_t t, std::vector<BatchTable>* tables) {
  if ((*tables)[t].rows != nullptr) return arrow::Status::OK();
  const size_t other = linked_[t]->input().link->table;
  ARROW_RETURN_NOT_OK(Fill(other, tables));
  return linked_[t]->Follow((*tables)[other]).Value(&(*tables)[t]);
}

Metrics LinkedReader::metrics() const {
  Metrics metrics = keyed_->metrics();
  for (size_t t = 0; t < linked_.size(); ++t) {
    if (linked_[t] == nullptr) continue;
    TableMetrics table = linked_[t]->metrics();
    metrics.rows += table.rows_delivered;
    metrics.tables.insert(metrics.tables.begin() + static_cast<int64_t>(t), std::move(table));
  }
  return metrics;
}

void LinkedReader::Fail(const arrow::Status& status) {
  {
    const std::lock_guard lock(mutex_);
    if (failure_.ok()) failure_ = status;
  }
  keyed_->Cancel();
  memory_.scans.Close();
  for (const auto& table : linked_) {
    if (table != nullptr) table->Cancel();
  }
}

arrow::Status LinkedReader::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

// How many rows the engine expects of the tables; nullopt where it does not tell of each.
std::optional<double> ExpectedRows(const std::vector<TableInput>& tables) {
  double rows = 0;
  for (const TableInput& input : tables) {
    if (input.absent) continue;
    if (input.query.empty()) return std::nullopt;  // a stream or a plan
    const std::optional<int64_t> expected = input.connection->EstimateRows(input.query);
    if (!expected) return std::nullopt;
    rows += static_cast<double>(*expected);
  }
  return rows;
}

// Most reference tables are small, and grandchildren can be the largest tables of all.
int64_t MemoryOfLinked(int64_t memory, const std::vector<TableInput>& keyed,
                       const std::vector<TableInput>& linked) {
  const std::optional<double> keyed_rows = ExpectedRows(keyed);
  const std::optional<double> linked_rows = ExpectedRows(linked);
  const bool known = keyed_rows && linked_rows && *keyed_rows + *linked_rows > 0;
  const auto tables = static_cast<double>(keyed.size() + linked.size());
  const double share = known ? *linked_rows / (*keyed_rows + *linked_rows)
                             : static_cast<double>(linked.size()) / tables;
  return static_cast<int64_t>(static_cast<double>(memory) * std::clamp(share, 1.0 / 8, 1.0 / 2));
}

}  // namespace

bool HasLinks(const ResolvedJob& resolved) {
  return std::ranges::any_of(resolved.job.tables,
                             [](const Table& table) { return table.link.has_value(); });
}

LinkedJob SplitLinks(ResolvedJob resolved) {
  LinkedJob split;
  split.job = resolved.job;
  split.keyed.job = std::move(resolved.job);
  split.keyed.job.in_parts = false;  // rows of a reference table belong to all of a batch
  split.keyed.key_schema = std::move(resolved.key_schema);
  split.keyed.from = std::move(resolved.from);
  split.keyed.max_group_bytes = resolved.max_group_bytes;
  std::erase_if(split.keyed.job.tables, [](const Table& table) { return table.link.has_value(); });
  for (TableInput& input : resolved.tables) {
    (input.link ? split.linked : split.keyed.tables).push_back(std::move(input));
  }
  split.memory = MemoryOfLinked(split.job.memory, split.keyed.tables, split.linked);
  split.keyed.job.memory = split.job.memory - split.memory;
  return split;
}

std::unique_ptr<BatchReader> OpenLinked(LinkedJob job, Plan plan,
                                        std::unique_ptr<BatchReader> keyed) {
  return std::make_unique<LinkedReader>(std::move(job), std::move(plan), std::move(keyed));
}

}  // namespace sheaf
