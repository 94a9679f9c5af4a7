// Words of the job file format that this version knows and does not do: delete a line when it does.
#pragma once

#include <array>
#include <string_view>

namespace sheaf {

struct UnsupportedWord {
  std::string_view section;
  std::string_view field;
  std::string_view word;  ///< Empty: the whole field.
};

inline constexpr std::array<UnsupportedWord, 9> kUnsupported = {{
    {"batch", "strategy", "probe"},
    {"table", "references", ""},
    {"table", "parent", ""},
    {"table", "parent_columns", ""},
    {"table", "substrait", ""},
    {"policy", "oversize", ""},
    {"output", "format", "jsonl"},
    {"output", "format", "nested"},
    {"output", "local_id", ""},
}};

constexpr bool IsUnsupported(std::string_view section, std::string_view field,
                             std::string_view word = "") {
  for (const UnsupportedWord& unsupported : kUnsupported) {
    if (unsupported.section == section && unsupported.field == field && unsupported.word == word) {
      return true;
    }
  }
  return false;
}

}  // namespace sheaf
