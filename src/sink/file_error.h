// The one form of all messages about files.
#pragma once

#include <arrow/status.h>

#include <filesystem>
#include <string_view>

namespace sheaf {

/// kEngine: `cannot <verb> "<path>": <reason>`.
arrow::Status FileError(std::string_view verb, const std::filesystem::path& path,
                        std::string_view reason);
/// The reason is the system's text for an errno.
arrow::Status FileError(std::string_view verb, const std::filesystem::path& path, int error_number);

}  // namespace sheaf
