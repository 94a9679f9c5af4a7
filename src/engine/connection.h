// A Connection over ADBC.
#pragma once

#include <memory>

#include "engine/adbc.h"
#include "engine/dialect.h"
#include "engine/engine_impl.h"

namespace sheaf {

/// `is_own_driver`: the driver is sheaf's, which takes a memory limit and tells of its plans.
/// `takes_partitions`: it also takes the number of partitions, which the user has not set.
std::unique_ptr<Connection> MakeConnection(std::shared_ptr<adbc::Connection> connection,
                                           std::shared_ptr<const Dialect> dialect,
                                           bool is_own_driver, bool takes_partitions);

}  // namespace sheaf
