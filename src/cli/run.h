// `sheaf run`.
#pragma once

#include <arrow/status.h>

#include "cli/command_line.h"
#include "cli/interrupt.h"
#include "sheaf/job_file.h"

namespace sheaf {

/// Runs a job whose folder is the current directory; prints as it goes.
arrow::Status Run(const RunOptions& options, const JobFile& file, Interrupt* interrupt);

}  // namespace sheaf
