#include "linux/time/clocks.hh"

#include <algorithm>

#include "linux/process_table.hh"
#include "linux/time/cpu_time.hh"

namespace plumbline::linux_abi {
namespace {

Result<Clock> process_clock(Ref<Process> process) {
  if (!process) return Errno::kEINVAL;
  Clock clock;
  clock.kind = Clock::Kind::kProcessCpu;
  clock.process = std::move(process);
  return clock;
}

Result<Clock> task_clock(Ref<Task> task) {
  // Only tasks of one's own process, as on Linux.
  if (!task || task->process.get() != &current_process()) return Errno::kEINVAL;
  Clock clock;
  clock.kind = Clock::Kind::kTaskCpu;
  clock.task = std::move(task);
  return clock;
}

// Linux, include/linux/posix-timers.h: the number's complement above three bits, of which two say
// what is counted (3: a device's clock) and one that it is a task's.
Result<Clock> find_cpu_clock(int id) {
  if ((id & 3) == 3) return Errno::kEINVAL;
  const auto number = static_cast<std::uint32_t>(~(id >> 3));
  if ((id & 4) != 0)
    return task_clock(number == 0 ? Ref<Task>::share(&current_task()) : find_task(number));
  return process_clock(number == 0 ? Ref<Process>::share(&current_process())
                                   : find_process(number));
}

}  // namespace

Result<Clock> find_clock(int id) {
  if (id < 0) return find_cpu_clock(id);
  Clock clock;
  switch (id) {
    case kClockRealtime:
    case kClockRealtimeCoarse:
    case kClockRealtimeAlarm:
    case kClockInternational:
      clock.kind = Clock::Kind::kRealtime;
      return clock;
    case kClockMonotonic:
    case kClockMonotonicRaw:
    case kClockMonotonicCoarse:
    case kClockBoot:
    case kClockBootAlarm:
      return clock;
    case kClockProcessCpu:
      return process_clock(Ref<Process>::share(&current_process()));
    case kClockThreadCpu:
      return task_clock(Ref<Task>::share(&current_task()));
    default:
      return Errno::kEINVAL;
  }
}

Nanoseconds Clock::now() const {
  switch (kind) {
    case Kind::kMonotonic:
      return monotonic_now();
    case Kind::kRealtime:
      return monotonic_now() + wall_clock_at_boot();
    case Kind::kProcessCpu:
      return process_cpu_time(*process);
    case Kind::kTaskCpu:
      return task_cpu_time(*task);
  }
  return {};
}

Deadline Clock::deadline(Nanoseconds at) const {
  if (kind != Kind::kRealtime) return {at};
  const Nanoseconds offset = wall_clock_at_boot();
  return {at > offset ? at - offset : Nanoseconds{}};
}

}  // namespace plumbline::linux_abi
