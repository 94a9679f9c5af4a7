// Standard output, checked: a full disk or a closed pipe is an error, never silence. And standard error, where it is not:
// there is nobody left to tell.
#pragma once

#include <arrow/io/type_fwd.h>
#include <arrow/status.h>

#include <memory>
#include <string_view>

namespace sheaf {

/// Writes text to standard output. Errors: kEngine; also where a signal came while nobody read it.
arrow::Status Print(std::string_view text);

/// Writes text to standard error, if it can be.
void Tell(std::string_view text);

/// Standard output for data. Errors of the stream: kStopped where its reader went away, as `head`
/// does; else kEngine.
std::shared_ptr<arrow::io::OutputStream> OpenStandardOutput();

}  // namespace sheaf
