#include "cli/interrupt.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "cli/exit_code.h"

namespace sheaf {
namespace {

using ::testing::ExitedWithCode;

/// Signals end the process or do not, so each test is one of its own.
class InterruptDeathTest : public ::testing::Test {
 protected:
  InterruptDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }

  /// Sends a signal and leaves time for what it does.
  static void Send(int signal, std::chrono::milliseconds wait = std::chrono::milliseconds(200)) {
    std::raise(signal);
    std::this_thread::sleep_for(wait);
  }
};

TEST_F(InterruptDeathTest, ASignalOutsideARunEndsTheProgram) {
  const auto run = [] {
    const Interrupt interrupt;
    Send(SIGINT);
    std::_Exit(0);
  };
  EXPECT_EXIT(run(), ExitedWithCode(kExitInterrupted), "interrupted");
}

TEST_F(InterruptDeathTest, ASignalInARunAsksItToStop) {
  const auto run = [] {
    Interrupt interrupt;
    const Interrupt::Scope scope(&interrupt, [] { std::_Exit(7); });
    Send(SIGTERM);
    std::_Exit(0);
  };
  EXPECT_EXIT(run(), ExitedWithCode(7), "");
}

TEST_F(InterruptDeathTest, ASignalAfterTheRunChangesNothing) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const auto run = [signal] {
      {
        Interrupt interrupt;
        {
          const Interrupt::Scope scope(&interrupt, [] { std::_Exit(7); });
          interrupt.Settle();
          Send(signal);
        }
        Send(signal);
      }
      Send(signal);
      std::_Exit(0);
    };
    EXPECT_EXIT(run(), ExitedWithCode(0), "");
  }
}

TEST_F(InterruptDeathTest, ASecondSignalASecondLaterEndsTheProgramAlsoAfterTheRun) {
  const auto run = [] {
    {
      Interrupt interrupt;
      interrupt.Settle();
    }
    Send(SIGINT, std::chrono::milliseconds(1200));
    Send(SIGINT);
    std::_Exit(0);
  };
  EXPECT_EXIT(run(), ExitedWithCode(kExitInterrupted), "interrupted");
}

}  // namespace
}  // namespace sheaf
