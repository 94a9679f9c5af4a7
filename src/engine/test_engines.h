// The engines that tests can reach on this machine.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/driver_location.h"
#include "sheaf/engine_options.h"

namespace sheaf {

/// The driver that is built with sheaf, beside the tests or named by SHEAF_DATAFUSION_DRIVER.
inline std::optional<EngineOptions> DataFusionForTest() {
  const auto candidates = DriverCandidates("datafusion");
  if (!candidates.ok() || candidates->front() == "datafusion") return std::nullopt;
  return EngineOptions{};
}

/// DuckDB's library, named by SHEAF_DUCKDB_DRIVER.
inline std::optional<EngineOptions> DuckDbForTest() {
  const char* path = std::getenv("SHEAF_DUCKDB_DRIVER");
  if (path == nullptr || !std::filesystem::exists(path)) return std::nullopt;
  EngineOptions options;
  options.driver = path;
  return options;
}

}  // namespace sheaf
