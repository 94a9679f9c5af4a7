// JSON as a run directory holds it: members in the order they were added, always valid UTF-8.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace sheaf {

using Json = nlohmann::ordered_json;

/// On one line. Bytes that are not UTF-8 become U+FFFD.
std::string CompactText(const Json& value);

/// For people: indented, ends with a line break.
std::string IndentedText(const Json& value);

}  // namespace sheaf
