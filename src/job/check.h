// What is wrong with a job, in a form that a job file can point at.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "sheaf/job.h"

namespace sheaf {

/// The smallest memory budget: below it not even one record batch a table fits.
inline constexpr int64_t kMinMemory = int64_t{16} << 20;

struct JobProblem {
  std::optional<size_t> table;  ///< Index into Job::tables; absent where the job itself is wrong.
  std::string field;            ///< As in a job file, such as "order_by"; may be empty.
  std::string message;          ///< Names the table and the field.
};

/// The first problem of a job, nullopt where it has none. Job::Check as a Status.
std::optional<JobProblem> FindProblem(const Job& job);

}  // namespace sheaf
