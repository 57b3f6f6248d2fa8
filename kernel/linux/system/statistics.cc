#include "linux/system/statistics.hh"

#include "core/clock.hh"
#include "core/per_cpu.hh"
#include "linux/system/load_average.hh"
#include "sched/scheduler.hh"
#include "sync/lock_guard.hh"
#include "sync/spinlock.hh"

namespace plumbline::linux_abi {

CpuTimes cpu_times(unsigned cpu) {
  const Nanoseconds now = monotonic_now();
  const Nanoseconds idle = tsc_to_nanoseconds(scheduler::idle_ticks(cpu));
  return {now > idle ? now - idle : Nanoseconds{}, idle};
}

std::array<std::uint64_t, 3> load_averages() {
  static constinit Spinlock lock;
  static constinit LoadAverage load;
  Nanoseconds busy;
  for (unsigned i = 0; i < cpu_count(); ++i) busy += cpu_times(i).busy;
  const LockGuard guard(lock);
  load.update(monotonic_now(), busy);
  return load.averages();
}

}  // namespace plumbline::linux_abi
