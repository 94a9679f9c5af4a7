// `sheaf init`.
#pragma once

#include <arrow/status.h>

#include <string>

namespace sheaf {

/// Writes a commented job file that runs as it is; `-` is standard output.
/// Errors: kEngine: the file exists, or can't be written.
arrow::Status WriteJobFile(const std::string& path);

}  // namespace sheaf
