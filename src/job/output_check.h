// What is wrong with a job's output, in a form that a job file can point at.
#pragma once

#include <optional>

#include "job/check.h"
#include "sheaf/output_options.h"

namespace sheaf {

/// True where a batch is one file of documents and not a file a table.
bool HoldsDocuments(Format format);

/// Whether `dir` stands for standard output.
bool IsStandardOutput(const OutputOptions& output);

/// Whether batches become documents, in files or on standard output.
bool MakesDocuments(const OutputOptions& output);

/// The first problem that no data could make right; nullopt where there is none. `job` is checked.
std::optional<JobProblem> FindOutputProblem(const Job& job, const OutputOptions& output);

}  // namespace sheaf
