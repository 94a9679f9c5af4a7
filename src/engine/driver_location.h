// Where the driver that a job names is to be found.
#pragma once

#include <arrow/result.h>

#include <string>
#include <string_view>
#include <vector>

namespace sheaf {

/// What to ask the driver manager for, in this order: paths of libraries, or names that it looks
/// for as manifests and libraries. "datafusion" is the driver that comes with sheaf:
/// $SHEAF_DATAFUSION_DRIVER, else the library beside the program, or beside sheaf's own library.
/// Errors: kEngine: a path that does not exist.
arrow::Result<std::vector<std::string>> DriverCandidates(const std::string& driver);

/// True for a driver that is DuckDB's library, or one of DataFusion, by its file name.
bool IsDuckDbDriver(const std::string& driver);
bool IsDataFusionDriver(const std::string& driver);

/// Why a driver that was found did not load, from the driver manager's message; empty where the
/// message only says that there is none.
std::string LoadProblem(const std::string& driver, std::string_view message);

/// One line that says where a driver's name was looked for, and the name that may be meant.
std::string DriverNotFound(const std::string& driver);

}  // namespace sheaf
