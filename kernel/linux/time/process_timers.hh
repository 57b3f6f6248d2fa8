// A process's timers: setitimer's three and those of timer_create.
//
// A timer that has sent its signal does not run on: it is started again when the signal is taken
// (which tells how many expiries were missed), or when the signal stops being ignored. So a short
// interval costs nothing while nobody takes the signals.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "core/reference.hh"
#include "core/result.hh"
#include "linux/signal/signal_state.hh"
#include "linux/time/clocks.hh"
#include "linux/time/timespec.hh"
#include "sched/timer.hh"
#include "sync/spinlock.hh"

namespace plumbline::linux_abi {

struct PosixTimer {
  enum class State : std::uint8_t {
    kIdle,
    kRunning,   // the hardware timer is armed
    kSignalled  // the signal waits, or is ignored
  };

  ListHook hook;
  int id = 0;
  Process* process = nullptr;
  // The CPU time of its own process is kept without a reference, which would be a cycle.
  Clock clock;
  bool sends_signal = true;
  bool tells_overrun = false;  // siginfo of timer_create, not of setitimer
  Ref<Task> target;            // SIGEV_THREAD_ID
  QueuedSignal entry;
  Timer timer;
  // On `clock`. An interval of zero: expires once.
  Nanoseconds expiry, interval;
  std::atomic<State> state{State::kIdle};
  std::uint32_t overrun = 0;

  Nanoseconds now() const;
};

struct ProcessTimers {
  static constexpr unsigned kMost = 4096;

  // Protects all settings; taken before the locks of the hardware timers and of signals, so not in
  // the timers' function.
  Spinlock lock;
  std::array<PosixTimer, 3> interval_timers;
  IntrusiveList<PosixTimer, &PosixTimer::hook> posix_timers;
  int next_id = 0;
  unsigned count = 0;
};

// The process's timers, made when need be. kENOMEM.
Result<ProcessTimers*> timers_of(Process& process);

// Time left until the next expiry, and the interval; both zero when not running. With the lock.
struct TimerSetting {
  Nanoseconds value, interval;
};
TimerSetting read_timer(const PosixTimer& timer);
// Stops the timer, takes its signal back, and starts it at `expiry` (zero: not). With the lock.
void set_timer(PosixTimer& timer, Nanoseconds expiry, Nanoseconds interval);

// A timer's signal has been taken: puts the count of overruns into it and starts the timer again.
// `timer` may be gone meanwhile.
void timer_signal_taken(Process& process, PosixTimer& timer, SignalInformation& information);
// The action of `signal` is no longer to ignore it.
void restart_ignored_timers(Process& process, unsigned signal);

// execve; the end of the process.
void delete_posix_timers(Process& process);
void delete_process_timers(Process& process);

}  // namespace plumbline::linux_abi
