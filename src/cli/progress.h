// The progress bar: one line on standard error that is drawn anew a few times a second.
#pragma once

#include <arrow/status.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "sheaf/batch_reader.h"

namespace sheaf {

/// The bar's text: rows a second, keys done and, where the total is known, a percentage and the
/// time that is left. At most `width` columns.
std::string ProgressText(const Metrics& metrics, double seconds, size_t width);

/// Draws until it is destroyed, from a thread of its own. `reader` must outlive it.
class Progress {
 public:
  /// Draws nothing where `enabled` is false or standard error is no terminal.
  Progress(const BatchReader* reader, bool enabled);
  ~Progress();  ///< Clears the line.
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Runs `print` while the bar is off the screen: standard output may be the same terminal.
  arrow::Status Aside(const std::function<arrow::Status()>& print);

 private:
  void DrawUntilDone();

  const BatchReader* reader_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::mutex mutex_;  ///< Guards the terminal and done_.
  std::condition_variable wake_;
  bool done_ = false;
  std::thread thread_;
};

}  // namespace sheaf
