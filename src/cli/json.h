// JSON as one line of text.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace sheaf {

/// Bytes that are not UTF-8 become U+FFFD: an engine's messages may hold some.
inline std::string JsonText(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace sheaf
