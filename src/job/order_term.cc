#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

#include "job/nearest.h"
#include "sheaf/error.h"
#include "sheaf/job.h"

namespace sheaf {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

arrow::Status OrderError(const std::string& text, const std::string& message) {
  return MakeError(ErrorKind::kJob, fmt::format("order_by \"{}\": {}", text, message));
}

/// Cuts the text at spaces; what stands in double quotes stays whole, quotes included.
std::vector<std::string> SplitWords(std::string_view text) {
  std::vector<std::string> words;
  bool quoted = false;
  bool in_word = false;
  for (const char c : text) {
    if (!quoted && kSpaces.find(c) != std::string_view::npos) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    words.back() += c;
    if (c == '"') quoted = !quoted;
  }
  return words;
}

std::string Upper(std::string_view word) {
  std::string upper;
  for (const char c : word) {
    upper += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return upper;
}

/// The name inside the quotes, or the plain word; empty where neither is well formed.
std::string ColumnName(const std::string& word) {
  if (word.front() != '"') {
    return word.find_first_of("\",") == std::string::npos ? word : "";
  }
  std::string name;
  for (size_t i = 1; i < word.size(); ++i) {
    if (word[i] != '"') {
      name += word[i];
    } else if (i + 1 == word.size()) {
      return name;
    } else if (word[++i] == '"') {
      name += '"';
    } else {
      return "";
    }
  }
  return "";
}

}  // namespace

arrow::Result<OrderTerm> OrderTerm::Parse(const std::string& text) {
  const std::vector<std::string> words = SplitWords(text);
  if (words.empty()) return OrderError(text, "names no column");
  OrderTerm term;
  term.column = ColumnName(words[0]);
  if (term.column.empty()) {
    return OrderError(text,
                      "must start with one column name, in double quotes where it holds "
                      "spaces, commas or quotes");
  }
  size_t next = 1;
  const auto word = [&] { return next < words.size() ? Upper(words[next]) : std::string(); };
  if (word() == "ASC" || word() == "DESC") term.descending = Upper(words[next++]) == "DESC";
  term.nulls_first = term.descending;
  if (word() == "NULLS") {
    ++next;
    if (word() != "FIRST" && word() != "LAST") {
      return OrderError(text, "NULLS must be followed by FIRST or LAST");
    }
    term.nulls_first = Upper(words[next++]) == "FIRST";
  }
  if (next < words.size()) {
    const std::vector<std::string> known = {"DESC", "ASC", "NULLS FIRST", "NULLS LAST"};
    return OrderError(text, fmt::format("\"{}\" is not understood here{}", words[next],
                                        DidYouMean(words[next], known)));
  }
  return term;
}

}  // namespace sheaf
