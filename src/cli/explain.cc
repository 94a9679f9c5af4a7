#include "cli/explain.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string_view>

#include "cli/json.h"
#include "cli/output.h"
#include "job/environment.h"
#include "job/words.h"
#include "sheaf/engine.h"

namespace sheaf {
namespace {

/// A heading with the text below it, each line moved to the right.
std::string Block(std::string_view heading, const std::string& text) {
  if (text.empty()) return "";
  std::string block = fmt::format("  {}:\n", heading);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) block += fmt::format("    {}\n", line);
  return block;
}

std::string TableText(const TablePlan& table) {
  return fmt::format("table {}\n  runs: {}\n{}{}", table.name, table.executions,
                     Block("sql", table.sql), Block("engine's plan", table.engine_plan));
}

}  // namespace

std::string PlanText(const Plan& plan) {
  std::string text =
      fmt::format("strategy {}: {}\n", WordFor(kStrategyWords, plan.strategy), plan.reason);
  for (const TablePlan& table : plan.tables) text += "\n" + TableText(table);
  text += "\nguarantees\n";
  for (const std::string& guarantee : plan.guarantees) text += fmt::format("  - {}\n", guarantee);
  return text;
}

std::string PlanJson(const Plan& plan) {
  nlohmann::ordered_json json;
  json["strategy"] = WordFor(kStrategyWords, plan.strategy);
  json["reason"] = plan.reason;
  auto& tables = json["tables"] = nlohmann::ordered_json::array();
  for (const TablePlan& table : plan.tables) {
    tables.push_back({{"name", table.name},
                      {"sql", table.sql},
                      {"executions", table.executions},
                      {"engine_plan", table.engine_plan}});
  }
  json["guarantees"] = plan.guarantees;
  return JsonText(json) + "\n";
}

arrow::Status ExplainJob(const JobOptions& options, const JobFile& file) {
  ARROW_ASSIGN_OR_RAISE(const std::shared_ptr<Engine> engine, Engine::Open(file.engine));
  ARROW_ASSIGN_OR_RAISE(Plan plan, Explain(engine, file.job));
  for (TablePlan& table : plan.tables) {
    table.sql = Redact(table.sql, file.environment);
    table.engine_plan = Redact(table.engine_plan, file.environment);
  }
  return Print(options.json ? PlanJson(plan) : PlanText(plan));
}

}  // namespace sheaf
