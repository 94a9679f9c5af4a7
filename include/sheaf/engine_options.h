// How to reach an engine: plain values, read from a job file or written in C++.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace sheaf {

struct EngineOptions {
  /// "datafusion" (embedded, the default), the name of a driver manifest, or a library's path.
  std::string driver = "datafusion";
  std::string uri;                             ///< Handed to the driver; may hold secrets.
  std::vector<std::string> setup;              ///< Statements, run in order when the engine opens.
  std::map<std::string, std::string> options;  ///< ADBC database options, unchanged.
};

}  // namespace sheaf
