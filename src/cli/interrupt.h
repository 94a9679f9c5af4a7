// SIGINT and SIGTERM: the first asks the run to stop, or changes nothing once the run is at its end; one that comes a
// second later ends the program at once.
#pragma once

#include <functional>
#include <mutex>
#include <thread>

namespace sheaf {

/// Takes both signals over for the rest of the process; make one, in the main thread.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  /// True once a signal has come: an error that follows is its consequence.
  [[nodiscard]] static bool Seen();

  /// The run has ended well, and how the program ends is settled: from here on, also after this object, the first
  /// signal changes nothing.
  void Settle();

  /// While one lives, a signal makes the blocking calls of its thread fail with EINTR, also those that it begins later.
  class Wait {
   public:
    Wait();
    ~Wait();
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;
  };

  /// While a Scope lives, a signal calls `stop` from another thread.
  /// Outside of any, a signal ends the program with exit code 130: nothing is half done then.
  class Scope {
   public:
    Scope(Interrupt* interrupt, std::function<void()> stop);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Interrupt* interrupt_;
  };

 private:
  void Watch(int read_end);

  std::mutex mutex_;
  std::function<void()> stop_;  ///< Guarded by mutex_.
  bool settled_ = false;        ///< Guarded by mutex_.
  std::thread watcher_;
};

}  // namespace sheaf
