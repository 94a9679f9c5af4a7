#include "job/environment.h"

#include <arrow/util/uri.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
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

bool SameLetter(char a, char b) {
  return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
}

// Engines write names in small letters.
void ReplaceInAnyCase(std::string* text, const std::string& from, const std::string& to) {
  for (auto at = text->begin(); at != text->end();) {
    at = std::search(at, text->end(), from.begin(), from.end(), SameLetter);
    if (at == text->end()) break;
    const auto position = at - text->begin();
    text->replace(static_cast<size_t>(position), from.size(), to);
    at = text->begin() + position + std::ssize(to);
  }
}

// A value as messages may write it: as it is, out of a text of SQL, in a URL, in one line.
std::vector<std::string> FormsOf(const std::string& value) {
  std::string unquoted = value;
  ReplaceAll(&unquoted, "''", "'");
  std::string escaped = arrow::util::UriEscape(value);
  ReplaceAll(&escaped, "%2F", "/");
  std::string line = value;
  std::ranges::replace_if(line, [](unsigned char c) { return std::isspace(c) != 0; }, ' ');
  std::vector<std::string> forms = {value, unquoted, escaped, line};
  std::ranges::sort(forms);
  const auto repeats = std::ranges::unique(forms);
  forms.erase(repeats.begin(), repeats.end());
  return forms;
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
    if (value.size() < kShortestSecret) continue;
    for (const std::string& form : FormsOf(value)) {
      ReplaceInAnyCase(&text, form, fmt::format("${{{}}}", name));
    }
  }
  return text;
}

}  // namespace sheaf
