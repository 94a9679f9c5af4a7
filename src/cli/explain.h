// `sheaf explain`.
#pragma once

#include <arrow/status.h>

#include <string>

#include "cli/command_line.h"
#include "sheaf/batch_reader.h"
#include "sheaf/job_file.h"

namespace sheaf {

std::string PlanText(const Plan& plan);
std::string PlanJson(const Plan& plan);

/// Plans a job whose folder is the current directory, and prints the plan.
arrow::Status ExplainJob(const JobOptions& options, const JobFile& file);

}  // namespace sheaf
