// manifest.json: what a run directory holds, written before its first batch.
#pragma once

#include <arrow/result.h>
#include <arrow/type_fwd.h>

#include <memory>
#include <vector>

#include "sheaf/batch_reader.h"
#include "sheaf/engine.h"
#include "sheaf/job.h"
#include "sheaf/output_options.h"
#include "sink/json_text.h"

namespace sheaf {

/// `schemas`: of each table, as its files have it. `engine` may be null. Holds no query, no URI and no option: they may hold secrets.
arrow::Result<Json> ManifestJson(const OutputOptions& options, const Job& job, const Engine* engine,
                                 const BatchReader& reader,
                                 const std::vector<std::shared_ptr<arrow::Schema>>& schemas);

}  // namespace sheaf
