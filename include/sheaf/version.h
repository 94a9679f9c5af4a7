// The version of sheaf, as `sheaf --version` and a run's manifest tell it.
#pragma once

namespace sheaf {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace sheaf
