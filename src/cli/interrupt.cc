#include "cli/interrupt.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <utility>

#include "cli/exit_code.h"

namespace sheaf {
namespace {

constexpr char kSignalled = 's';
constexpr char kFinished = 'f';

/// A handler may only touch lock-free atomics and write(): the watching thread does the rest.
std::atomic<int> write_end = -1;
std::atomic<bool> signalled = false;
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

[[noreturn]] void EndAtOnce() {
  constexpr std::array kLine = std::to_array("sheaf: error: interrupted\n");
  [[maybe_unused]] const ssize_t ignored = write(STDERR_FILENO, kLine.data(), kLine.size() - 1);
  _exit(kExitInterrupted);
}

void Handle(int /*signal*/) {
  if (signalled.exchange(true)) EndAtOnce();
  const int saved_errno = errno;
  [[maybe_unused]] const ssize_t ignored = write(write_end, &kSignalled, 1);
  errno = saved_errno;
}

}  // namespace

Interrupt::Interrupt() {
  std::array<int, 2> ends = {-1, -1};
  // Without a pipe the signals keep their own effect, which is to end the program.
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return;
  write_end = ends[1];
  watcher_ = std::thread([this, read_end = ends[0]] {
    Watch(read_end);
    close(read_end);
  });
  struct sigaction action = {};
  action.sa_handler = Handle;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

Interrupt::~Interrupt() {
  if (!watcher_.joinable()) return;
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  const int end = write_end.exchange(-1);
  [[maybe_unused]] const ssize_t ignored = write(end, &kFinished, 1);
  watcher_.join();
  close(end);
}

bool Interrupt::Seen() { return signalled; }

void Interrupt::Watch(int read_end) {
  char event = kFinished;
  while (true) {
    const ssize_t count = read(read_end, &event, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count != 1 || event == kFinished) return;
    const std::lock_guard lock(mutex_);
    if (!stop_) EndAtOnce();
    stop_();
  }
}

Interrupt::Scope::Scope(Interrupt* interrupt, std::function<void()> stop) : interrupt_(interrupt) {
  const std::lock_guard lock(interrupt_->mutex_);
  interrupt_->stop_ = std::move(stop);
}

Interrupt::Scope::~Scope() {
  const std::lock_guard lock(interrupt_->mutex_);
  interrupt_->stop_ = nullptr;
}

}  // namespace sheaf
