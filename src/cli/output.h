// Standard output, checked: a full disk or a closed pipe is an error, never silence.
#pragma once

#include <arrow/status.h>

#include <string_view>

namespace sheaf {

/// Writes text to standard output and flushes it. Errors: kEngine.
arrow::Status Print(std::string_view text);

}  // namespace sheaf
