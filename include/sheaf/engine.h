// An engine runs SQL and yields Arrow. It is always behind an ADBC driver.
//
// Threads: every method may be called from any thread at any time.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <memory>
#include <string>

#include "sheaf/engine_options.h"

namespace sheaf {

class Engine {
 public:
  /// Loads the driver, opens a database and runs the set-up statements.
  /// Errors: kEngine with the driver's own message; a set-up statement that fails is named by its
  /// number. Values of `uri` and `options` never appear in a message.
  static arrow::Result<std::shared_ptr<Engine>> Open(const EngineOptions& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// What the driver says of itself, such as "Apache DataFusion" and "55.2.0".
  [[nodiscard]] const std::string& vendor_name() const;
  [[nodiscard]] const std::string& vendor_version() const;
  [[nodiscard]] const std::string& driver_name() const;
  [[nodiscard]] const std::string& driver_version() const;

  class Impl;  ///< Internal: src/engine/engine_impl.h.
  [[nodiscard]] Impl& impl() const { return *impl_; }

 private:
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sheaf
