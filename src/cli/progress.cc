#include "cli/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string_view>

namespace sheaf {
namespace {

constexpr std::chrono::milliseconds kRefresh{200};
constexpr size_t kBarWidth = 20;

/// Back to the first column, and clear what stands there.
constexpr std::string_view kClear = "\r\x1b[K";

void WriteToTerminal(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

size_t TerminalWidth() {
  winsize size = {};
  constexpr size_t kUsual = 80;
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kUsual;
}

/// 1234567 as 1.2M.
std::string Short(double value) {
  constexpr std::string_view kUnits = " kMGTPE";
  size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  if (unit == 0) return fmt::format("{:.0f}", value);
  return fmt::format("{:.{}f}{}", value, value < 99.5 ? 1 : 0, kUnits[unit]);
}

std::string Clock(double seconds) {
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

std::string Bar(double share) {
  const auto full = static_cast<size_t>(share * kBarWidth);
  return fmt::format("[{}{}]", std::string(full, '#'), std::string(kBarWidth - full, '.'));
}

}  // namespace

std::string ProgressText(const Metrics& metrics, double seconds, size_t width) {
  int64_t rows_read = 0;
  for (const TableMetrics& table : metrics.tables) rows_read += table.rows_read;
  const double rate = seconds > 0 ? static_cast<double>(rows_read) / seconds : 0;
  std::string text =
      fmt::format("batch {}  {} keys  {} rows/s  {}", metrics.batches,
                  Short(static_cast<double>(metrics.keys)), Short(rate), Clock(seconds));
  const auto total = static_cast<double>(metrics.total_keys.value_or(0));
  if (total > 0) {
    const double share = std::clamp(static_cast<double>(metrics.keys) / total, 0.0, 1.0);
    text = fmt::format("{} {:3.0f}%  {}", Bar(share), std::floor(share * 100), text);
    if (share > 0) text += fmt::format("  ETA {}", Clock(seconds / share - seconds));
  }
  return text.substr(0, width);
}

Progress::Progress(const BatchReader* reader, bool enabled) : reader_(reader) {
  if (enabled && isatty(STDERR_FILENO) == 1) thread_ = std::thread([this] { DrawUntilDone(); });
}

Progress::~Progress() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

arrow::Status Progress::Aside(const std::function<arrow::Status()>& print) {
  const std::lock_guard lock(mutex_);
  if (thread_.joinable()) WriteToTerminal(kClear);
  return print();
}

void Progress::DrawUntilDone() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kRefresh, [this] { return done_; })) {
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start_;
    // The last column stays free: a terminal would wrap the line, and clearing would miss a part.
    const size_t width = TerminalWidth() - 1;
    WriteToTerminal(
        fmt::format("{}{}", kClear, ProgressText(reader_->metrics(), elapsed.count(), width)));
  }
  WriteToTerminal(kClear);
}

}  // namespace sheaf
