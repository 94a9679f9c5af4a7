// A reader for tests of sinks, which ask one for its schemas and its plan only.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "sheaf/batch_reader.h"

namespace sheaf::testing {

class FakeReader : public BatchReader {
 public:
  FakeReader(std::shared_ptr<arrow::Schema> key, std::vector<std::shared_ptr<arrow::Schema>> tables)
      : key_(std::move(key)), tables_(std::move(tables)) {
    plan_.reason = "the data is in key order";
    TablePlan& table = plan_.tables.emplace_back();
    table.name = "A";
    table.executions = "once";
    plan_.guarantees = {"Keys ascend."};
  }
  arrow::Result<std::optional<Batch>> Next() override { return std::nullopt; }
  void Cancel() override {}
  [[nodiscard]] Metrics metrics() const override { return {}; }
  [[nodiscard]] std::shared_ptr<arrow::Schema> key_schema() const override { return key_; }
  [[nodiscard]] const std::vector<std::shared_ptr<arrow::Schema>>& table_schemas() const override {
    return tables_;
  }
  [[nodiscard]] const Plan& plan() const override { return plan_; }

 private:
  std::shared_ptr<arrow::Schema> key_;
  std::vector<std::shared_ptr<arrow::Schema>> tables_;
  Plan plan_;
};

}  // namespace sheaf::testing
