// Whose fault an error is. Every arrow::Status that leaves sheaf carries one of these kinds as its
// detail, so that a caller (the command line's exit code, for one) need not read the message.
#pragma once

#include <arrow/status.h>

#include <string>
#include <utility>

namespace sheaf {

enum class ErrorKind {
  kJob,      ///< No data could make this job right: syntax, unknown field, value out of range.
  kEngine,   ///< The engine, the files or the machine refuse: missing table, SQL error, I/O.
  kPolicy,   ///< The data broke a promise of the job (rows_per_key, null_key, missing, ...).
  kStopped,  ///< Cancel() was called.
};

/// An error of the given kind. `message` says what, where, and what would be right.
arrow::Status MakeError(ErrorKind kind, std::string message);

/// The kind of a failed status; kEngine where none is attached (errors of Arrow itself).
ErrorKind KindOf(const arrow::Status& status);

/// The same error with "context: " put before its message; kind and code are kept.
arrow::Status WithContext(const arrow::Status& status, const std::string& context);

}  // namespace sheaf
