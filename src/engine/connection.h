// A Connection over ADBC.
#pragma once

#include <memory>

#include "engine/adbc.h"
#include "engine/dialect.h"
#include "engine/engine_impl.h"

namespace sheaf {

/// Options of a query that sheaf's driver takes and the user leaves to sheaf.
struct TakenOptions {
  bool partitions = false;
  bool batch_rows = false;
  bool ahead = false;
  bool views = false;
  bool spill_path = false;
};

/// `is_own_driver`: the driver is sheaf's, which takes a memory limit and tells of its plans.
/// `takes`: what it also takes, and what the user has not set.
std::unique_ptr<Connection> MakeConnection(std::shared_ptr<adbc::Connection> connection,
                                           std::shared_ptr<const Dialect> dialect,
                                           bool is_own_driver, TakenOptions takes);

}  // namespace sheaf
