// Engine::Impl over ADBC.
#pragma once

#include <arrow/result.h>

#include <memory>

#include "engine/engine_impl.h"
#include "sheaf/engine_options.h"

namespace sheaf {

/// Does what Engine::Open promises.
arrow::Result<std::unique_ptr<Engine::Impl>> OpenAdbcEngine(const EngineOptions& options);

}  // namespace sheaf
