#include "engine/driver_location.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <system_error>

#include "job/nearest.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

namespace fs = std::filesystem;

constexpr char kDataFusion[] = "datafusion";
constexpr char kDataFusionLibrary[] = "libadbc_driver_datafusion.so";
constexpr char kDataFusionVariable[] = "SHEAF_DATAFUSION_DRIVER";

// Folders above the file may be called anything.
bool FileNameHas(const std::string& driver, std::string_view word) {
  return fs::path(driver).filename().string().find(word) != std::string::npos;
}

bool Exists(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// A path, where a name would have neither a folder nor an extension.
bool IsPath(const std::string& driver) {
  return driver.find('/') != std::string::npos || fs::path(driver).has_extension();
}

// The folders of the running program and of the library that holds this code.
std::vector<fs::path> OwnFolders() {
  std::vector<fs::path> folders;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    folders.push_back(program.parent_path());
    folders.push_back(program.parent_path().parent_path() / "lib");
  }
  Dl_info info;
  if (dladdr(reinterpret_cast<const void*>(&DriverCandidates), &info) != 0 &&
      info.dli_fname != nullptr) {
    folders.push_back(fs::absolute(info.dli_fname, error).parent_path());
  }
  return folders;
}

std::optional<std::string> OwnDataFusionDriver() {
  for (const fs::path& folder : OwnFolders()) {
    const fs::path library = folder / kDataFusionLibrary;
    if (Exists(library)) return library.string();
  }
  return std::nullopt;
}

std::string UserConfigFolder() {
  const char* config = std::getenv("XDG_CONFIG_HOME");
  if (config != nullptr) return fmt::format("{}/adbc/drivers", config);
  const char* home = std::getenv("HOME");
  return fmt::format("{}/.config/adbc/drivers", home == nullptr ? "~" : home);
}

// What the driver manager tried to load, each as `file: reason`. The reason may also be about
// another file that this one needs.
std::vector<std::string_view> Attempts(std::string_view message) {
  static constexpr std::string_view kAttempt = "dlopen() failed: ";
  std::vector<std::string_view> attempts;
  for (size_t at = message.find(kAttempt); at != std::string_view::npos;
       at = message.find(kAttempt)) {
    message.remove_prefix(at + kAttempt.size());
    std::string_view attempt = message.substr(0, message.find(kAttempt));
    while (attempt.ends_with(' ')) attempt.remove_suffix(1);
    attempts.push_back(attempt);
  }
  return attempts;
}

}  // namespace

arrow::Result<std::vector<std::string>> DriverCandidates(const std::string& driver) {
  if (driver == kDataFusion) {
    const char* path = std::getenv(kDataFusionVariable);
    if (path != nullptr && *path != '\0') {
      if (Exists(path)) return std::vector<std::string>{path};
      return MakeError(ErrorKind::kEngine, fmt::format("{} names \"{}\", which does not exist",
                                                       kDataFusionVariable, path));
    }
    if (auto library = OwnDataFusionDriver()) return std::vector<std::string>{*library};
  }
  if (!IsPath(driver)) return std::vector<std::string>{driver, "adbc_driver_" + driver};
  const bool manifest = Exists(fs::path(driver).replace_extension(".toml"));
  if (driver.find('/') != std::string::npos && !Exists(driver) && !manifest) {
    return MakeError(ErrorKind::kEngine,
                     fmt::format("driver \"{}\": there is no such file", driver));
  }
  return std::vector<std::string>{driver};
}

bool IsDuckDbDriver(const std::string& driver) { return FileNameHas(driver, "duckdb"); }

bool IsDataFusionDriver(const std::string& driver) { return FileNameHas(driver, kDataFusion); }

std::string LoadProblem(const std::string& driver, std::string_view message) {
  const size_t searched = std::min(message.find("Also searched these paths"), message.size());
  const std::string_view folders = message.substr(searched);
  if (const size_t but = folders.find(" but: "); but != std::string_view::npos) {
    const size_t found = folders.rfind("found ", but);
    const std::vector<std::string_view> attempts = Attempts(folders.substr(but));
    if (found != std::string_view::npos && !attempts.empty()) {
      return fmt::format("{}, but {}", folders.substr(found, but - found), attempts.front());
    }
  }
  for (const std::string_view attempt : Attempts(message.substr(0, searched))) {
    const bool of_driver = attempt.starts_with(driver) || attempt.starts_with("lib" + driver);
    if (of_driver && attempt.ends_with(": No such file or directory")) continue;
    // A name may also be that of a folder on the library path.
    if (attempt.ends_with(": Is a directory")) continue;
    return std::string(attempt);
  }
  return {};
}

std::string DriverNotFound(const std::string& driver) {
  static const std::vector<std::string> kKnown = {"datafusion", "duckdb", "flightsql", "postgresql",
                                                  "sqlite"};
  const bool known = std::ranges::find(kKnown, driver) != kKnown.end();
  const char* variable = std::getenv("ADBC_DRIVER_PATH");
  const std::string own = fmt::format("{} beside the program or named by {}, ", kDataFusionLibrary,
                                      kDataFusionVariable);
  return fmt::format(
      "driver \"{0}\" not found: looked for {1}{0}.toml in ADBC_DRIVER_PATH ({2}), {3} and "
      "/etc/adbc/drivers, and for libadbc_driver_{0}.so on the library path{4}",
      driver, driver == kDataFusion ? own : "", variable == nullptr ? "not set" : variable,
      UserConfigFolder(), known ? "" : DidYouMean(driver, kKnown));
}

}  // namespace sheaf
