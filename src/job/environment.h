// ${VAR} in the texts of a job file: replaced from the environment, and kept out of messages.
#pragma once

#include <arrow/result.h>

#include <map>
#include <string>
#include <string_view>

namespace sheaf {

/// What each variable stood for. The values may be secrets: show them to nobody.
using Environment = std::map<std::string, std::string>;

/// Replaces every `${VAR}`; `$${` gives a plain `${`, any other `$` stays. Adds what was used to
/// `used`. Errors: kJob, naming the variable that is not set, never a value.
arrow::Result<std::string> ExpandVariables(std::string_view text, Environment* used);

/// A text that ExpandVariables turns into `text`.
std::string EscapeVariables(std::string_view text);

/// The text with every value written as its `${VAR}` again, also in other letters, out of a text of SQL, or as part of a
/// URL. Values of less than four bytes stay:
/// they are no secrets, and would turn up inside other words.
std::string Redact(std::string text, const Environment& used);

}  // namespace sheaf
