#include "job/environment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <utility>
#include <vector>

#include "sheaf/error.h"

namespace sheaf {
namespace {

constexpr size_t kShortestSecret = 4;
constexpr std::string_view kNameCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

/// The name in a text that begins with `${`; empty where it is not well formed.
std::string VariableName(std::string_view text) {
  const size_t end = text.find_first_not_of(kNameCharacters, 2);
  if (end == std::string_view::npos || text[end] != '}') return "";
  return std::string(text.substr(2, end - 2));
}

void ReplaceAll(std::string* text, const std::string& from, const std::string& to) {
  for (size_t at = text->find(from); at != std::string::npos;
       at = text->find(from, at + to.size())) {
    text->replace(at, from.size(), to);
  }
}

}  // namespace

arrow::Result<std::string> ExpandVariables(std::string_view text, Environment* used) {
  std::string expanded;
  while (!text.empty()) {
    if (text.starts_with("$${")) {
      expanded += "${";
      text.remove_prefix(3);
    } else if (text.starts_with("${")) {
      const std::string name = VariableName(text);
      if (name.empty()) {
        return MakeError(
            ErrorKind::kJob,
            "\"${\" must be followed by the name of an environment variable and \"}\"; "
            "write \"$${\" for a plain \"${\"");
      }
      const char* value = std::getenv(name.c_str());
      if (value == nullptr) {
        return MakeError(ErrorKind::kJob,
                         fmt::format("the environment variable {} is not set", name));
      }
      used->insert_or_assign(name, value);
      expanded += value;
      text.remove_prefix(name.size() + 3);
    } else {
      expanded += text.front();
      text.remove_prefix(1);
    }
  }
  return expanded;
}

std::string EscapeVariables(std::string_view text) {
  std::string escaped(text);
  ReplaceAll(&escaped, "${", "$${");
  return escaped;
}

std::string Redact(std::string text, const Environment& used) {
  std::vector<std::pair<std::string, std::string>> longest_first(used.begin(), used.end());
  // A value that holds another one must go first, or its remainder would stay.
  std::ranges::stable_sort(longest_first, std::greater(),
                           [](const auto& variable) { return variable.second.size(); });
  for (const auto& [name, value] : longest_first) {
    if (value.size() >= kShortestSecret) ReplaceAll(&text, value, fmt::format("${{{}}}", name));
  }
  return text;
}

}  // namespace sheaf
