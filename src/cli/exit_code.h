// Exit codes, and the one line on standard error that goes with a failure.
#pragma once

#include <arrow/status.h>

#include <string>
#include <string_view>

#include "sheaf/error.h"

namespace sheaf {

inline constexpr int kExitOk = 0;
inline constexpr int kExitEngine = 1;  ///< The engine, the files or the machine refuse.
inline constexpr int kExitUsage = 2;   ///< Bad usage, or a job that no data could make right.
inline constexpr int kExitPolicy = 3;  ///< The data broke a promise of the job.
inline constexpr int kExitInterrupted = 130;

int ExitCodeOf(const arrow::Status& status);

/// `sheaf: error: message`, on one line whatever an engine put into its message.
std::string ErrorLine(std::string_view message);

}  // namespace sheaf
