#include "sink/json_string.h"

#include <arrow/util/utf8.h>
#include <fmt/format.h>

#include <iterator>

#include "sink/json_text.h"

namespace sheaf {
namespace {

struct Content {
  bool escapes = false;  ///< Control characters, quotes or backslashes.
  bool non_ascii = false;
};

/// Looks at every byte, without an early end: compilers turn this loop into vector instructions.
Content ContentOf(std::string_view value) {
  unsigned char escapes = 0;
  unsigned char bits = 0;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    escapes |= static_cast<unsigned char>(byte < 0x20) | static_cast<unsigned char>(byte == '"') |
               static_cast<unsigned char>(byte == '\\');
    bits |= byte;
  }
  return {.escapes = escapes != 0, .non_ascii = bits >= 0x80};
}

void AppendEscaped(std::string_view value, std::string* text) {
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == '"' || byte == '\\') {
      text->push_back('\\');
      text->push_back(c);
    } else if (byte >= 0x20) {
      text->push_back(c);
    } else if (byte == '\n') {
      text->append("\\n");
    } else if (byte == '\t') {
      text->append("\\t");
    } else if (byte == '\r') {
      text->append("\\r");
    } else {
      fmt::format_to(std::back_inserter(*text), "\\u{:04x}", byte);
    }
  }
}

bool IsUtf8(std::string_view value) {
  static const bool kReady = [] {
    arrow::util::InitializeUTF8();  // without its tables, Arrow takes all bytes for text
    return true;
  }();
  return kReady && arrow::util::ValidateUTF8(value);
}

}  // namespace

void AppendJsonString(std::string_view value, std::string* text) {
  const Content content = ContentOf(value);
  if (content.non_ascii && !IsUtf8(value)) {
    text->append(CompactText(Json(value)));  // rare: it replaces what is not UTF-8
    return;
  }
  text->push_back('"');
  if (content.escapes) {
    AppendEscaped(value, text);
  } else {
    text->append(value);
  }
  text->push_back('"');
}

}  // namespace sheaf
