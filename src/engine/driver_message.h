// What a driver says, made fit to be shown: one line, without echoes of the SQL, without secrets.
#pragma once

#include <arrow/status.h>

#include <string>
#include <string_view>

#include "job/environment.h"

namespace sheaf {

struct EngineOptions;

class DriverMessage {
 public:
  /// Hides the uri of `options`, the password in it, and the values of its options.
  explicit DriverMessage(const EngineOptions& options);

  /// The text of `raw` in one line, secrets replaced as by Redact.
  [[nodiscard]] std::string Clean(std::string_view raw) const;

  /// A status of Arrow that carries the driver's text, as ErrorKind::kEngine with the text cleaned.
  [[nodiscard]] arrow::Status ToStatus(const arrow::Status& status) const;

 private:
  Environment hidden_;  ///< Secrets by the name that stands for them.
};

}  // namespace sheaf
