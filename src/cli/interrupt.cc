#include "cli/interrupt.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <mutex>
#include <utility>
#include <vector>

#include "cli/exit_code.h"

namespace sheaf {
namespace {

constexpr char kSignalled = 's';
constexpr char kFinished = 'f';

/// A handler may only touch lock-free atomics and write(): the watching thread does the rest.
std::atomic<int> write_end = -1;
std::atomic<int64_t> signalled_at = 0;  // 0: not yet
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<int64_t>::is_always_lock_free);

// `timeout` sends its signal to the program and to its group, and a finger may slip: what comes so soon after the first
// says no more than that.
constexpr int64_t kPatience = 1'000'000'000;

// Threads whose calls may block for as long as somebody else likes, and what wakes them: a signal that comes to the
// program reaches one thread of it, and one that comes before the call does not end it.
std::mutex waiting_mutex;
std::vector<pthread_t> waiting;  // guarded by waiting_mutex
constexpr int kWake = SIGURG;
constexpr int kWakeEvery = 50;  // milliseconds

void WakeWaiting() {
  const std::lock_guard lock(waiting_mutex);
  for (const pthread_t thread : waiting) pthread_kill(thread, kWake);
}

// Nanoseconds, never 0.
int64_t Now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec + 1;
}

[[noreturn]] void EndAtOnce() {
  constexpr std::array kLine = std::to_array("sheaf: error: interrupted\n");
  [[maybe_unused]] const ssize_t ignored = write(STDERR_FILENO, kLine.data(), kLine.size() - 1);
  _exit(kExitInterrupted);
}

void Handle(int /*signal*/) {
  const int saved_errno = errno;
  int64_t first = 0;
  if (!signalled_at.compare_exchange_strong(first, Now())) {
    if (Now() - first > kPatience) EndAtOnce();
    return;
  }
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
  action.sa_handler = [](int /*signal*/) {};
  action.sa_flags = 0;  // the call ends
  sigaction(kWake, &action, nullptr);
}

Interrupt::~Interrupt() {
  if (!watcher_.joinable()) return;
  if (!settled_) {
    // What comes again while the program ends changes nothing.
    std::signal(SIGINT, Seen() ? SIG_IGN : SIG_DFL);
    std::signal(SIGTERM, Seen() ? SIG_IGN : SIG_DFL);
  }
  const int end = write_end.exchange(-1);
  [[maybe_unused]] const ssize_t ignored = write(end, &kFinished, 1);
  watcher_.join();
  close(end);
}

bool Interrupt::Seen() { return signalled_at != 0; }

void Interrupt::Settle() {
  const std::lock_guard lock(mutex_);
  settled_ = true;
}

void Interrupt::Watch(int read_end) {
  char event = kFinished;
  while (true) {
    pollfd file{.fd = read_end, .events = POLLIN, .revents = 0};
    if (poll(&file, 1, Seen() ? kWakeEvery : -1) == 0) {
      WakeWaiting();
      continue;
    }
    const ssize_t count = read(read_end, &event, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count != 1 || event == kFinished) return;
    const std::lock_guard lock(mutex_);
    if (settled_) continue;
    if (!stop_) EndAtOnce();
    stop_();
  }
}

Interrupt::Wait::Wait() {
  const std::lock_guard lock(waiting_mutex);
  waiting.push_back(pthread_self());
}

Interrupt::Wait::~Wait() {
  const std::lock_guard lock(waiting_mutex);
  waiting.erase(std::ranges::find(waiting, pthread_self()));
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
