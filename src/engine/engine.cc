#include "sheaf/engine.h"

#include <fmt/format.h>

#include <utility>

#include "engine/adbc_engine.h"
#include "engine/engine_impl.h"
#include "job/nearest.h"
#include "sheaf/error.h"

namespace sheaf {

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Engine::~Engine() = default;

arrow::Result<std::shared_ptr<Engine>> Engine::Open(const EngineOptions& options) {
  ARROW_ASSIGN_OR_RAISE(auto impl, OpenAdbcEngine(options));
  return std::shared_ptr<Engine>(new Engine(std::move(impl)));
}

const std::string& Engine::vendor_name() const { return impl_->vendor_name; }
const std::string& Engine::vendor_version() const { return impl_->vendor_version; }
const std::string& Engine::driver_name() const { return impl_->driver_name; }
const std::string& Engine::driver_version() const { return impl_->driver_version; }

arrow::Result<FoundTable> Engine::Impl::ResolveTable(const std::string& name,
                                                     Connection* connection) {
  ARROW_ASSIGN_OR_RAISE(auto table, FindTable(name, connection));
  if (table) return *std::move(table);
  ARROW_ASSIGN_OR_RAISE(const auto names, TableNames());
  return MakeError(ErrorKind::kEngine,
                   fmt::format("the engine has no table \"{}\"{}", name, DidYouMean(name, names)));
}

bool HasSort(const std::string& engine_plan) {
  return engine_plan.find("SortExec") != std::string::npos;
}

}  // namespace sheaf
