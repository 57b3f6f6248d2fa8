// One-shot timers, per CPU. The hardware timer is armed only for the earliest of them.
#pragma once

#include <cstdint>

#include "core/clock.hh"
#include "sched/pairing_heap.hh"

namespace plumbline {

// Calls a function once, at a deadline, in the timer interrupt of the CPU that started it: masked,
// and with that CPU's timers locked, so the function must not start or cancel timers (but may
// restart its own). It may wake threads.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Arms the timer on this CPU. It must not be armed.
  void start(Deadline deadline, void (*function)(void*), void* argument);
  // Arms it again; only in its own function, while that runs. The deadline lies ahead.
  void restart(Deadline deadline);
  // Disarms the timer, on any CPU. When this returns, the function is not running and will not run.
  // True when it was still armed.
  bool cancel();

  HeapHook<Timer> hook;
  std::uint64_t tsc = 0;

 private:
  friend struct CpuTimers;
  unsigned cpu_ = 0;
  void (*function_)(void*) = nullptr;
  void* argument_ = nullptr;
};

namespace timers {

// Sets up this CPU's timers.
void initialise_cpu();
// Runs what is due on this CPU and arms the hardware for the next; the timer interrupt's handler.
// Masked.
void handle_interrupt();
// Arms this CPU's time slice: at `tsc` the running thread is asked to give way. Masked.
void start_slice(std::uint64_t tsc);

}  // namespace timers

}  // namespace plumbline
