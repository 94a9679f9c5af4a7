// Tells whether two runs would deliver the same batches.
#pragma once

#include <string>

#include "sheaf/job.h"
#include "sheaf/output_options.h"

namespace sheaf {

/// XXH3-128, 32 hexadecimal digits, of the job's tables, limits, policy and format. Memory and
/// strategy are left out: they change how a run goes, not what it delivers. A hash and not the job
/// itself, because a query may hold values of the environment, which are never written down.
std::string JobFingerprint(const Job& job, const OutputOptions& output);

}  // namespace sheaf
