#include "sink/json_text.h"

namespace sheaf {
namespace {

std::string Text(const Json& value, int indent) {
  return value.dump(indent, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

}  // namespace

std::string CompactText(const Json& value) { return Text(value, -1); }

std::string IndentedText(const Json& value) { return Text(value, 2) + '\n'; }

}  // namespace sheaf
