// `path=value` overrides. Each is parsed as the TOML line `path = value`, so that what it makes
// carries its own place ("command line") into every later error; then its one value is grafted onto
// the tree.
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "job/job_source.h"
#include "job/nearest.h"

namespace sheaf {
namespace {

constexpr std::string_view kCommandLine = "command line";

std::optional<toml::table> TryParse(const std::string& text) {
  try {
    return toml::parse(text, kCommandLine);
  } catch (const toml::parse_error&) {
    return std::nullopt;
  }
}

/// Where the path ends: the first `=` outside double quotes.
size_t FindEquals(std::string_view text) {
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (text[i] == '=' && !quoted) return i;
  }
  return std::string_view::npos;
}

/// The keys of a dotted path; empty where it is none.
std::vector<std::string> ParsePath(const std::string& path) {
  const std::optional<toml::table> parsed = TryParse(path + " = 0");
  if (!parsed) return {};
  std::vector<std::string> keys;
  const toml::node* node = &*parsed;
  while (const toml::table* table = node->as_table()) {
    if (table->size() != 1) return {};
    keys.emplace_back(table->begin()->first.str());
    node = &table->begin()->second;
  }
  return keys;
}

/// True where the keys lead to a value and to nothing beside it: a text with line breaks could
/// otherwise bring in further fields.
bool HoldsOnly(const toml::table& table, const std::vector<std::string>& keys) {
  const toml::node* node = &table;
  for (const std::string& key : keys) {
    const toml::table* level = node->as_table();
    if (level == nullptr || level->size() != 1 || !level->contains(key)) return false;
    node = level->get(key);
  }
  return true;
}

std::string TomlString(std::string_view text) {
  std::string literal = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      literal += fmt::format("\\u{:04X}", byte);
    } else {
      if (c == '"' || c == '\\') literal += '\\';
      literal += c;
    }
  }
  return literal + '"';
}

/// The tree that the override stands for; the value as TOML where it is, else as text.
std::optional<toml::table> ParseOverride(const std::string& path, const std::string& value,
                                         const std::vector<std::string>& keys) {
  std::optional<toml::table> parsed = TryParse(path + " = " + value);
  if (!parsed || !HoldsOnly(*parsed, keys)) parsed = TryParse(path + " = " + TomlString(value));
  return parsed;
}

/// Moves what `from` holds into `onto`, replacing values and descending into tables.
void Graft(toml::table&& from, toml::table* onto) {
  for (auto&& [key, node] : from) {
    toml::node* present = onto->get(key);
    if (present != nullptr && present->is_table() && node.is_table()) {
      Graft(std::move(*node.as_table()), present->as_table());
    } else {
      onto->insert_or_assign(key, std::move(node));
    }
  }
}

toml::table* FindTable(toml::array* tables, const std::string& name,
                       std::vector<std::string>* names) {
  for (toml::node& node : *tables) {
    toml::table* table = node.as_table();
    const std::optional<std::string> found =
        table == nullptr ? std::nullopt : (*table)["name"].value<std::string>();
    if (!found) continue;
    if (*found == name) return table;
    names->push_back(*found);
  }
  return nullptr;
}

}  // namespace

arrow::Status JobSource::Override(const std::string& text) {
  const toml::source_region where{{}, {}, std::make_shared<const std::string>(kCommandLine)};
  const size_t equals = FindEquals(text);
  const std::string path = text.substr(0, equals);
  const std::vector<std::string> keys =
      equals == std::string::npos ? std::vector<std::string>() : ParsePath(path);
  if (keys.empty()) {
    return Error(where,
                 fmt::format("\"{}\" must be path=value, such as batch.max_keys=1000", path));
  }
  std::optional<toml::table> parsed = ParseOverride(path, text.substr(equals + 1), keys);
  if (!parsed) return Error(where, fmt::format("the value of {} is not valid UTF-8", path));

  toml::array* tables = root_["table"].as_array();
  if (keys[0] != "table" || tables == nullptr) {
    Graft(std::move(*parsed), &root_);
    return arrow::Status::OK();
  }
  if (keys.size() < 3) {
    return Error(where, fmt::format("\"{}\" needs a table and a field, as in table.A.query", path));
  }
  std::vector<std::string> names;
  toml::table* table = FindTable(tables, keys[1], &names);
  if (table == nullptr) {
    return Error(where, fmt::format("no table \"{}\"{}", keys[1], DidYouMean(keys[1], names)));
  }
  Graft(std::move(*(*parsed)["table"][keys[1]].as_table()), table);
  return arrow::Status::OK();
}

}  // namespace sheaf
