#include "engine/driver_message.h"

#include <arrow/util/uri.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "sheaf/engine_options.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

bool IsSpace(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

// `LINE 3: SELECT ...` and the caret below it: parts of a SQL text that may hold secrets.
bool EchoesPartOfSql(std::string_view line) {
  if (line.starts_with("LINE ")) {
    const size_t end = line.find_first_not_of("0123456789", 5);
    return end != std::string_view::npos && end > 5 && line[end] == ':';
  }
  return line.find_first_not_of("^~") == std::string_view::npos;
}

// The line from which on a message repeats the whole SQL text.
bool StartsSql(std::string_view line) {
  return line.starts_with("Query was:") || line.starts_with("query:");
}

// Appends `line` as words with one space between them.
void AppendWords(std::string_view line, std::string& text) {
  for (const char c : line) {
    if (!IsSpace(c)) {
      text += c;
    } else if (!text.empty() && text.back() != ' ') {
      text += ' ';
    }
  }
}

std::string OneLine(std::string_view raw) {
  std::string text;
  while (!raw.empty()) {
    const size_t end = std::min(raw.find('\n'), raw.size());
    const std::string_view line = Trim(raw.substr(0, end));
    raw.remove_prefix(std::min(end + 1, raw.size()));
    if (StartsSql(line)) break;
    if (EchoesPartOfSql(line)) continue;
    if (!text.empty()) text += ' ';
    AppendWords(line, text);
  }
  return text;
}

// What layers between the database and us put before its message.
std::string_view WithoutPrefixes(std::string_view text) {
  static constexpr std::array<std::string_view, 10> kPrefixes = {
      "[Driver Manager] ", "[libpq] ",          "[SQLite] ",         "External error: ",
      "Arrow error: ",     "SQL error: ",       "Execution error: ", "Error during planning: ",
      "Schema error: ",    "DataFusion error: "};
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view prefix : kPrefixes) {
      if (!text.starts_with(prefix)) continue;
      text.remove_prefix(prefix.size());
      again = true;
    }
  }
  return text;
}

// DataFusion quotes its parser: `ParserError("Expected: ...")`.
std::string_view WithoutWrapper(std::string_view text) {
  for (const std::string_view wrapper : {"ParserError(\"", "TokenizerError(\""}) {
    if (!text.starts_with(wrapper) || !text.ends_with("\")")) continue;
    text.remove_prefix(wrapper.size());
    text.remove_suffix(2);
  }
  return text;
}

}  // namespace

DriverMessage::DriverMessage(const EngineOptions& options) {
  for (const auto& [key, value] : options.options) {
    if (value != "true" && value != "false") hidden_.emplace(key, value);
  }
  hidden_.emplace("uri", options.uri);
  arrow::util::Uri uri;
  if (!uri.Parse(options.uri).ok()) return;
  hidden_.emplace("password", uri.password());
  hidden_.emplace("password as written", arrow::util::UriEscape(uri.password()));
}

std::string DriverMessage::Clean(std::string_view raw) const {
  return OneLine(Redact(std::string(WithoutWrapper(WithoutPrefixes(Trim(raw)))), hidden_));
}

arrow::Status DriverMessage::ToStatus(const arrow::Status& status) const {
  if (status.ok() || status.detail()) return status;
  const std::string text = Clean(status.message());
  return {status.code(), text, MakeError(ErrorKind::kEngine, text).detail()};
}

}  // namespace sheaf
