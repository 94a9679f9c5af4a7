// Names of SQL: their letter case does not count unless they are quoted.
#pragma once

#include <string>
#include <string_view>

namespace sheaf {

/// `text` with the ASCII letters in lower case, whatever the locale.
inline std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

}  // namespace sheaf
