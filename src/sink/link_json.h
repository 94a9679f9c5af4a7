// What a linked table hangs on, in the words of a job file.
#pragma once

#include "sheaf/job.h"
#include "sink/json_text.h"

namespace sheaf {

/// Sets `references`, or `parent` and `parent_columns`; nothing for a table without a link.
void AddLink(const Table& table, Json* json);

}  // namespace sheaf
