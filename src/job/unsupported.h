// Words of the job file format that this version knows and does not do: delete a line when it does.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace sheaf {

struct UnsupportedWord {
  std::string_view section;
  std::string_view field;
  std::string_view word;  ///< Empty: the whole field.
};

inline constexpr std::array<UnsupportedWord, 6> kUnsupported = {{
    {"table", "references", ""},
    {"table", "parent", ""},
    {"table", "parent_columns", ""},
    {"output", "format", "jsonl"},
    {"output", "format", "nested"},
    {"output", "local_id", ""},
}};

constexpr bool IsUnsupported(std::string_view section, std::string_view field,
                             std::string_view word = "") {
  return std::ranges::any_of(kUnsupported, [&](const UnsupportedWord& known) {
    return known.section == section && known.field == field && known.word == word;
  });
}

}  // namespace sheaf
