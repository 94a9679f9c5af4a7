#include "job/table_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "job/file_text.h"
#include "job/nearest.h"
#include "job/size.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

std::string_view TypeName(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

/// An option's value as it is written in the file; empty for types that have several ways to write.
std::optional<std::string> AsWritten(const toml::node& node) {
  if (const auto* number = node.as_integer()) return fmt::format("{}", **number);
  if (const auto* flag = node.as_boolean()) return **flag ? "true" : "false";
  return std::nullopt;
}

}  // namespace

const toml::node* TableReader::Find(const std::string& field) {
  known_.push_back(field);
  return table_.get(field);
}

std::string TableReader::PathOf(std::string_view field) const {
  return section_.empty() ? std::string(field) : fmt::format("{}.{}", section_, field);
}

arrow::Status TableReader::WrongType(const std::string& path, std::string_view expected,
                                     const toml::node& node) const {
  return source_->Error(node.source(),
                        fmt::format("{} must be {}, not {}", path, expected, TypeName(node)));
}

arrow::Result<std::string> TableReader::ExpandText(const std::string& path,
                                                   const toml::node& node) {
  const auto* text = node.as_string();
  if (text == nullptr) return WrongType(path, "a string", node);
  return source_->Expand(*text);
}

arrow::Status TableReader::Text(const std::string& field, std::string* out) {
  const toml::node* node = Find(field);
  if (node == nullptr) return arrow::Status::OK();
  return ExpandText(PathOf(field), *node).Value(out);
}

arrow::Status TableReader::Texts(const std::string& field, std::vector<std::string>* out) {
  const toml::node* node = Find(field);
  if (node == nullptr) return arrow::Status::OK();
  const toml::array* list = node->as_array();
  if (list == nullptr) return WrongType(PathOf(field), "a list of strings", *node);
  out->clear();
  for (const toml::node& element : *list) {
    ARROW_ASSIGN_OR_RAISE(std::string text,
                          ExpandText(fmt::format("an element of {}", PathOf(field)), element));
    out->push_back(std::move(text));
  }
  return arrow::Status::OK();
}

arrow::Status TableReader::File(const std::string& field, const std::filesystem::path& directory,
                                std::string* out) {
  std::string name;
  ARROW_RETURN_NOT_OK(Text(field, &name));
  const toml::node* node = table_.get(field);
  if (node == nullptr) return arrow::Status::OK();
  const auto refuse = [&](ErrorKind kind, const std::string& why) {
    const std::string text = fmt::format("{}: the file \"{}\" {}", PathOf(field), name, why);
    return MakeError(kind, source_->Error(node->source(), text).message());
  };
  const auto bytes = ReadFileText(directory / name);
  if (!bytes.ok()) return refuse(ErrorKind::kEngine, "can't be read: " + bytes.status().message());
  if (bytes->empty()) return refuse(ErrorKind::kJob, "is empty");
  *out = *bytes;
  return arrow::Status::OK();
}

arrow::Status TableReader::TextMap(const std::string& field,
                                   std::map<std::string, std::string>* out) {
  ARROW_ASSIGN_OR_RAISE(const toml::table* table, Section(field));
  if (table == nullptr) return arrow::Status::OK();
  for (const auto& [key, node] : *table) {
    const std::string path = fmt::format("{}.\"{}\"", PathOf(field), key.str());
    if (node.is_table()) {
      return source_->Error(key.source(),
                            fmt::format("{} must be a string, not a table; a name with dots stands "
                                        "in double quotes",
                                        path));
    }
    if (std::optional<std::string> written = AsWritten(node)) {
      out->insert_or_assign(std::string(key.str()), *written);
      continue;
    }
    ARROW_ASSIGN_OR_RAISE(std::string text, ExpandText(path, node));
    out->insert_or_assign(std::string(key.str()), std::move(text));
  }
  return arrow::Status::OK();
}

arrow::Status TableReader::Flag(const std::string& field, bool* out) {
  const toml::node* node = Find(field);
  if (node == nullptr) return arrow::Status::OK();
  const auto* flag = node->as_boolean();
  if (flag == nullptr) return WrongType(PathOf(field), "true or false", *node);
  *out = **flag;
  return arrow::Status::OK();
}

arrow::Status TableReader::Count(const std::string& field, int32_t* out) {
  const toml::node* node = Find(field);
  if (node == nullptr) return arrow::Status::OK();
  const auto* number = node->as_integer();
  if (number == nullptr) return WrongType(PathOf(field), "a whole number", *node);
  constexpr int32_t kMax = std::numeric_limits<int32_t>::max();
  if (**number < 1 || **number > kMax) {
    return source_->Error(node->source(), fmt::format("{} must be between 1 and {}, not {}",
                                                      PathOf(field), kMax, **number));
  }
  *out = static_cast<int32_t>(**number);
  return arrow::Status::OK();
}

arrow::Status TableReader::Size(const std::string& field, int64_t* out) {
  const toml::node* node = Find(field);
  if (node == nullptr) return arrow::Status::OK();
  if (const auto* number = node->as_integer()) {
    *out = **number;
    return arrow::Status::OK();
  }
  if (!node->is_string()) return WrongType(PathOf(field), "a size such as \"256MiB\"", *node);
  ARROW_ASSIGN_OR_RAISE(const std::string text, ExpandText(PathOf(field), *node));
  const arrow::Result<int64_t> size = ParseSize(text);
  if (!size.ok()) {
    return source_->Error(node->source(),
                          fmt::format("{} {}, not \"{}\"", PathOf(field), size.status().message(),
                                      **node->as_string()));
  }
  *out = *size;
  return arrow::Status::OK();
}

arrow::Status TableReader::UnknownWord(const std::string& field, const std::string& word,
                                       const std::vector<std::string>& known) const {
  return source_->Error(
      table_.get(field)->source(),
      fmt::format("{} can't be \"{}\"{}", PathOf(field), word, DidYouMean(word, known)));
}

arrow::Result<const toml::table*> TableReader::Section(const std::string& field) {
  const toml::node* node = Find(field);
  if (node == nullptr) return nullptr;
  if (!node->is_table()) return WrongType(PathOf(field), "a table", *node);
  return node->as_table();
}

arrow::Result<std::vector<const toml::table*>> TableReader::Sections(const std::string& field) {
  std::vector<const toml::table*> tables;
  const toml::node* node = Find(field);
  if (node == nullptr) return tables;
  const std::string expected = fmt::format("a list of tables, each under [[{}]]", PathOf(field));
  if (!node->is_array()) return WrongType(PathOf(field), expected, *node);
  for (const toml::node& element : *node->as_array()) {
    if (!element.is_table()) return WrongType(PathOf(field), expected, element);
    tables.push_back(element.as_table());
  }
  return tables;
}

arrow::Status TableReader::Missing(std::string_view field) const {
  const toml::node* blank = table_.get(field);
  return source_->Error(blank == nullptr ? table_.source() : blank->source(),
                        fmt::format("{} is missing", PathOf(field)));
}

arrow::Status TableReader::Finish() const {
  for (const auto& [key, node] : table_) {
    const std::string name(key.str());
    if (std::ranges::find(known_, name) != known_.end()) continue;
    return source_->Error(key.source(),
                          fmt::format("unknown field \"{}\"{}{}", name,
                                      section_.empty() ? "" : fmt::format(" in [{}]", section_),
                                      DidYouMean(name, known_)));
  }
  return arrow::Status::OK();
}

}  // namespace sheaf
