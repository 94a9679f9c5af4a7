// The bytes of a file that a job names, or that is one.
#pragma once

#include <arrow/result.h>

#include <filesystem>
#include <string>

namespace sheaf {

/// All of it. Errors: IOError, with the system's words for why it can't be read.
arrow::Result<std::string> ReadFileText(const std::filesystem::path& path);

}  // namespace sheaf
