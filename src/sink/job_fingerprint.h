// Tells whether two runs would deliver the same batches.
#pragma once

#include <string>
#include <string_view>

#include "sheaf/job.h"
#include "sheaf/output_options.h"

namespace sheaf {

/// XXH3-128, 32 hexadecimal digits, of the job's tables, limits, policy and format, and of the name of what runs its
/// queries, empty where nothing does. Strategy is left out: it changes how a run goes, not what it delivers. Of memory
/// only the bytes of a key count that it has room for in one batch. A hash and not the job itself, because a query may
/// hold values of the environment, which are never written down.
std::string JobFingerprint(const Job& job, const OutputOptions& output, std::string_view engine);

}  // namespace sheaf
