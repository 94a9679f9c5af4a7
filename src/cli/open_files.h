// How many files the program may have open at once.
#pragma once

namespace sheaf {

/// Raises the limit as far as the system lets anybody: what waits on disk takes files for each table, and 40 tables
/// exceed the usual 1,024.
void RaiseLimitOfOpenFiles();

}  // namespace sheaf
