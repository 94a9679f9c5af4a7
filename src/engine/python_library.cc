#include "engine/python_library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <string>

#include "sheaf/error.h"

namespace sheaf {
namespace {

constexpr std::string_view kModuleTag = ".cpython-3";

}  // namespace

bool NeedsPythonLibrary(std::string_view error) {
  return error.find("undefined symbol: Py") != std::string_view::npos &&
         error.find(kModuleTag) != std::string_view::npos;
}

arrow::Status LoadPythonLibrary(std::string_view error) {
  // The module `x.cpython-311-x86_64-linux-gnu.so` is one of Python 3.11.
  error.remove_prefix(error.find(kModuleTag) + kModuleTag.size());
  const std::string_view minor = error.substr(0, error.find('-'));
  const std::string library = fmt::format("libpython3.{}.so.1.0", minor);
  // Global, because the module expects the symbols in its process. Never unloaded, as the driver.
  if (dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL) != nullptr) return arrow::Status::OK();
  return MakeError(ErrorKind::kEngine,
                   fmt::format("the driver is a Python module and needs {}, which is not on the "
                               "library path",
                               library));
}

}  // namespace sheaf
