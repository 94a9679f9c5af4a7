// DuckDB's most common library is the module of its Python package: an ADBC driver like any other,
// but for symbols of Python that its loading asks for.
#pragma once

#include <arrow/status.h>

#include <string_view>

namespace sheaf {

/// True where loading a driver failed with `error` for want of Python's library.
bool NeedsPythonLibrary(std::string_view error);

/// Loads the Python library that the module named in `error` was built for. The interpreter is not
/// started. Errors: kEngine: no such library.
arrow::Status LoadPythonLibrary(std::string_view error);

}  // namespace sheaf
