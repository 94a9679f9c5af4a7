#include "job/check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "job/nearest.h"
#include "job/size.h"

namespace sheaf {
namespace {

using MaybeProblem = std::optional<JobProblem>;

/// Long names still leave room for what a sink appends, below the usual 255 bytes of a file name.
constexpr size_t kMaxNameBytes = 200;

/// What a run directory holds beside the folders of the tables.
constexpr std::array<std::string_view, 3> kReservedNames = {"manifest.json", "batches.jsonl",
                                                            "_success"};

std::string Lowered(std::string_view text) {
  std::string lowered;
  for (const char c : text) {
    lowered += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return lowered;
}

JobProblem InJob(std::string field, std::string message) {
  return {std::nullopt, std::move(field), std::move(message)};
}

JobProblem InTable(const Job& job, size_t index, std::string field, const std::string& message) {
  const std::string& name = job.tables[index].name;
  return {index, std::move(field),
          name.empty() ? fmt::format("table number {}: {}", index + 1, message)
                       : fmt::format("table \"{}\": {}", name, message)};
}

MaybeProblem CheckName(const Job& job, size_t index) {
  const std::string& name = job.tables[index].name;
  const auto problem = [&](const std::string& message) {
    return InTable(job, index, "name", message);
  };
  if (name.empty()) return problem("name is missing");
  // Sinks keep such names for files that are not whole yet.
  if (name.front() == '.') return problem("name must not begin with a dot");
  if (name.size() > kMaxNameBytes) {
    return problem(fmt::format("name must have at most {} bytes", kMaxNameBytes));
  }
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '/' || c == '\\' || byte < 0x20 || byte == 0x7f) {
      return problem("name must be usable as a folder: no slash, backslash or control character");
    }
  }
  const std::string lowered = Lowered(name);
  for (const std::string_view reserved : kReservedNames) {
    if (lowered == reserved) return problem("a run directory has a file of this name");
  }
  for (size_t other = 0; other < index; ++other) {
    if (job.tables[other].name == name) return problem("a second table has this name");
    if (Lowered(job.tables[other].name) == lowered) {
      return problem(fmt::format("\"{}\" differs only in letter case, so that their folders clash",
                                 job.tables[other].name));
    }
  }
  return std::nullopt;
}

constexpr std::string_view kSpaces = " \t\r\n";

/// Whether the query's last line that says anything does so; lines of comments alone may follow.
bool EndsWithSemicolon(std::string_view query) {
  while (true) {
    query = query.substr(0, query.find_last_not_of(kSpaces) + 1);
    if (query.ends_with(';')) return true;
    const size_t line = query.find_last_of('\n') + 1;
    const size_t comment = query.find("--", line);
    if (comment == std::string_view::npos) return false;
    // Inside a text it is none, and then the text's end follows.
    if (query.find_first_of("'\"`", comment) != std::string_view::npos) return false;
    query = query.substr(0, comment);
  }
}

MaybeProblem CheckOrigin(const Job& job, size_t index) {
  const Table& table = job.tables[index];
  const int origins =
      static_cast<int>(!table.source.empty()) + static_cast<int>(!table.query.empty()) +
      static_cast<int>(!table.substrait.empty()) + static_cast<int>(table.stream != nullptr);
  if (origins != 1) {
    return InTable(
        job, index, table.query.empty() ? "source" : "query",
        fmt::format("needs exactly one of source, query, substrait and stream, and has {}",
                    origins == 0 ? "none" : "several"));
  }
  for (size_t other = 0; table.stream != nullptr && other < index; ++other) {
    if (job.tables[other].stream != table.stream) continue;
    return InTable(job, index, "stream",
                   fmt::format("a stream is read once, and table \"{}\" reads this one",
                               job.tables[other].name));
  }
  if (table.optional && table.source.empty()) {
    return InTable(job, index, "optional", "optional goes with source: only a table can be absent");
  }
  if (table.query.empty()) return std::nullopt;
  if (table.query.find_first_not_of(kSpaces) == std::string::npos) {
    return InTable(job, index, "query", "query is blank");
  }
  if (EndsWithSemicolon(table.query)) {
    return InTable(job, index, "query", "query must be one query without a semicolon at its end");
  }
  return std::nullopt;
}

/// What is wrong with a list of key columns; empty where nothing is.
std::string KeyFault(const std::vector<std::string>& columns) {
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].empty()) return "key holds an empty column name";
    for (size_t j = 0; j < i; ++j) {
      if (columns[i] == columns[j]) return fmt::format("key names \"{}\" twice", columns[i]);
    }
  }
  return "";
}

MaybeProblem CheckTableKey(const Job& job, size_t index) {
  const std::vector<std::string>& key = job.tables[index].key;
  if (const std::string fault = KeyFault(key); !fault.empty()) {
    return InTable(job, index, "key", fault);
  }
  if (job.tables[index].link) return std::nullopt;  // CheckLink counts its columns
  if (!key.empty() && key.size() != job.key.size()) {
    return InTable(job, index, "key",
                   fmt::format("key has {} column{} and the job's key {}", key.size(),
                               key.size() == 1 ? "" : "s", job.key.size()));
  }
  return std::nullopt;
}

const Table* FindTable(const Job& job, const std::string& name) {
  const auto found = std::ranges::find(job.tables, name, &Table::name);
  return found == job.tables.end() ? nullptr : &*found;
}

/// The tables that a linked one leads to, from itself to the one that comes back to it; empty where the
/// links end.
std::vector<std::string> CycleOf(const Job& job, const Table& table) {
  std::vector<std::string> way = {table.name};
  for (const Table* next = &table; next != nullptr && next->link;) {
    next = FindTable(job, next->link->table);
    if (next == nullptr || way.size() > job.tables.size()) break;
    way.push_back(next->name);
    if (next->name == table.name) return way;
  }
  return {};
}

MaybeProblem CheckLinkedTable(const Job& job, size_t index, const std::string& field,
                              const std::string& other) {
  if (other.empty()) return InTable(job, index, field, field + " names no table");
  if (FindTable(job, other) == nullptr) {
    std::vector<std::string> names;
    names.reserve(job.tables.size());
    for (const Table& known : job.tables) names.push_back(known.name);
    return InTable(job, index, field,
                   fmt::format("{} names table \"{}\", which the job does not have{}", field, other,
                               DidYouMean(other, names)));
  }
  if (const auto cycle = CycleOf(job, job.tables[index]); !cycle.empty()) {
    return InTable(
        job, index, field,
        fmt::format("{} leads back to the table itself: {}", field, fmt::join(cycle, " -> ")));
  }
  return std::nullopt;
}

MaybeProblem CheckLink(const Job& job, size_t index) {
  const Table& table = job.tables[index];
  if (!table.link) return std::nullopt;
  const bool reference = table.link->kind == Link::Kind::kReference;
  const std::string field = reference ? "references" : "parent";
  const std::string columns_field = reference ? "references" : "parent_columns";
  if (MaybeProblem problem = CheckLinkedTable(job, index, field, table.link->table)) {
    return problem;
  }
  const std::string columns_name = reference ? "references.columns" : "parent_columns";
  const size_t columns = table.link->columns.size();
  if (columns == 0) return InTable(job, index, columns_field, columns_name + " is missing");
  const size_t key = KeyColumnsOf(job, table).size();
  if (columns != key) {
    return InTable(job, index, columns_field,
                   fmt::format("{} has {} column{} and the table's key {}", columns_name, columns,
                               columns == 1 ? "" : "s", key));
  }
  if (table.selects_keys) {
    return InTable(
        job, index, "selects_keys",
        fmt::format("selects_keys does not go with {}: the table's key is not the job's", field));
  }
  if (table.rows_per_key == Cardinality::kOne && job.policy.missing == Policy::Missing::kDrop) {
    return InTable(job, index, "rows_per_key",
                   fmt::format("rows_per_key = \"one\" with {} does not go with policy.missing = "
                               "\"drop\", which drops keys of the job",
                               field));
  }
  return std::nullopt;
}

MaybeProblem CheckOrder(const Job& job, size_t index) {
  for (const std::string& text : job.tables[index].order_by) {
    const arrow::Status status = OrderTerm::Parse(text).status();
    if (!status.ok()) return InTable(job, index, "order_by", status.message());
  }
  return std::nullopt;
}

MaybeProblem CheckLimits(const Job& job) {
  if (job.max_keys < 1) return InJob("max_keys", "max_keys must be at least 1");
  if (job.max_bytes && *job.max_bytes < 1) {
    return InJob("max_bytes", "max_bytes must be at least 1");
  }
  if (job.memory < kMinMemory) {
    return InJob("memory", fmt::format("memory must be at least {}", FormatSize(kMinMemory)));
  }
  return std::nullopt;
}

MaybeProblem CheckTables(const Job& job) {
  if (job.tables.empty()) return InJob("", "a job needs at least one table");
  bool selects = false;
  for (size_t index = 0; index < job.tables.size(); ++index) {
    for (const auto& check : {CheckName, CheckOrigin, CheckTableKey, CheckLink, CheckOrder}) {
      if (MaybeProblem problem = check(job, index)) return problem;
    }
    selects = selects || job.tables[index].selects_keys;
  }
  if (!selects) {
    return InJob("", "no table selects the keys: set selects_keys = true on at least one");
  }
  return std::nullopt;
}

}  // namespace

std::optional<JobProblem> FindProblem(const Job& job) {
  if (job.key.empty()) return InJob("key", "key is missing: name the key columns of the job");
  if (const std::string fault = KeyFault(job.key); !fault.empty()) return InJob("key", fault);
  if (MaybeProblem problem = CheckLimits(job)) return problem;
  return CheckTables(job);
}

}  // namespace sheaf
