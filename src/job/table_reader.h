// Reads the fields of one TOML table into C++ values, and finds those that nobody asked for.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <toml++/toml.hpp>
#include <utility>
#include <vector>

#include "job/job_source.h"

namespace sheaf {

/// Every getter leaves `out` as it is where the field is absent, and fails with kJob, naming the
/// place and the field, where it has a wrong type or value. A string is quoted as it stands in the
/// file, never with its variables replaced. Threads: one.
class TableReader {
 public:
  /// `section` is the table's name in messages: "batch", or "" for the whole file. `source` and
  /// `table` must outlive the reader.
  TableReader(JobSource* source, const toml::table& table, std::string section)
      : source_(source), table_(table), section_(std::move(section)) {}

  arrow::Status Text(const std::string& field, std::string* out);
  arrow::Status Texts(const std::string& field, std::vector<std::string>* out);
  /// The bytes of the file that the field names, relative to `directory`.
  arrow::Status File(const std::string& field, const std::filesystem::path& directory,
                     std::string* out);
  /// A table of strings; whole numbers and booleans are taken as they are written.
  arrow::Status TextMap(const std::string& field, std::map<std::string, std::string>* out);
  arrow::Status Flag(const std::string& field, bool* out);
  /// A whole number of 1 .. 2^31-1.
  arrow::Status Count(const std::string& field, int32_t* out);
  /// Bytes: a whole number, or text for ParseSize.
  arrow::Status Size(const std::string& field, int64_t* out);
  /// One of `words` (see words.h).
  template <typename Words, typename Enum>
  arrow::Status Choice(const std::string& field, const Words& words, Enum* out);

  /// The field's table, or null where it is absent.
  arrow::Result<const toml::table*> Section(const std::string& field);
  /// The field's tables: [[field]] in the file.
  arrow::Result<std::vector<const toml::table*>> Sections(const std::string& field);

  [[nodiscard]] bool Has(std::string_view field) const { return table_.contains(field); }

  /// The error for a field that must be there and is not, or is blank.
  [[nodiscard]] arrow::Status Missing(std::string_view field) const;

  /// Fails at the first field that no getter asked for, with the nearest that one did.
  [[nodiscard]] arrow::Status Finish() const;

 private:
  const toml::node* Find(const std::string& field);
  [[nodiscard]] std::string PathOf(std::string_view field) const;
  [[nodiscard]] arrow::Status WrongType(const std::string& path, std::string_view expected,
                                        const toml::node& node) const;
  arrow::Result<std::string> ExpandText(const std::string& path, const toml::node& node);
  [[nodiscard]] arrow::Status UnknownWord(const std::string& field, const std::string& word,
                                          const std::vector<std::string>& known) const;

  JobSource* source_;
  const toml::table& table_;
  std::string section_;
  std::vector<std::string> known_;
};

template <typename Words, typename Enum>
arrow::Status TableReader::Choice(const std::string& field, const Words& words, Enum* out) {
  const toml::node* node = Find(field);
  if (node == nullptr) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const std::string text, ExpandText(PathOf(field), *node));
  std::vector<std::string> known;
  for (const auto& word : words) {
    if (word.text == text) {
      *out = word.value;
      return arrow::Status::OK();
    }
    known.emplace_back(word.text);
  }
  return UnknownWord(field, **node->as_string(), known);
}

}  // namespace sheaf
