// Text as a JSON string.
#pragma once

#include <string>
#include <string_view>

namespace sheaf {

/// Appends the value in double quotes, escaped. Bytes that are not UTF-8 become U+FFFD.
void AppendJsonString(std::string_view value, std::string* text);

}  // namespace sheaf
