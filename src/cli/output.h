// Standard output and standard error, checked: a full disk or a closed pipe is an error, never silence.
#pragma once

#include <arrow/io/type_fwd.h>
#include <arrow/status.h>

#include <cstdio>
#include <memory>
#include <string_view>

namespace sheaf {

/// Writes text and flushes it. Errors: kEngine.
arrow::Status Print(std::string_view text, std::FILE* file = stdout);

/// Standard output for data. Errors of the stream: kStopped where its reader went away, as `head`
/// does; else kEngine.
std::shared_ptr<arrow::io::OutputStream> OpenStandardOutput();

}  // namespace sheaf
