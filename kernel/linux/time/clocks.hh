// The clocks that programs name (clock_gettime(2), clock_getcpuclockid(3)).
#pragma once

#include "core/clock.hh"
#include "core/reference.hh"
#include "core/result.hh"
#include "linux/process.hh"
#include "linux/task.hh"

namespace plumbline::linux_abi {

// Values: Linux, include/uapi/linux/time.h.
inline constexpr int kClockRealtime = 0, kClockMonotonic = 1, kClockProcessCpu = 2,
                     kClockThreadCpu = 3, kClockMonotonicRaw = 4, kClockRealtimeCoarse = 5,
                     kClockMonotonicCoarse = 6, kClockBoot = 7, kClockRealtimeAlarm = 8,
                     kClockBootAlarm = 9, kClockInternational = 11;

// A clock that has been looked up: real time, time since boot, or somebody's CPU time.
struct Clock {
  enum class Kind : std::uint8_t { kMonotonic, kRealtime, kProcessCpu, kTaskCpu };
  Kind kind = Kind::kMonotonic;
  Ref<Process> process;
  Ref<Task> task;

  bool counts_cpu() const { return kind == Kind::kProcessCpu || kind == Kind::kTaskCpu; }
  Nanoseconds now() const;
  // A point of a clock that does not count CPU time, as a deadline.
  Deadline deadline(Nanoseconds at) const;
};

// Looks up a clock of the running task. Negative numbers name the CPU time of a process or task, as
// glibc makes them from its number. kEINVAL.
Result<Clock> find_clock(int id);

}  // namespace plumbline::linux_abi
