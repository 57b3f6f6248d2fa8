#include "linux/time/process_timers.hh"

#include <algorithm>
#include <limits>
#include <new>

#include "core/cpu_table.hh"
#include "linux/signal/delivery.hh"
#include "linux/signal/signal_numbers.hh"
#include "linux/time/cpu_time.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {
namespace {

// How often the CPU time is looked at at most, while a timer waits for it.
constexpr Nanoseconds kCpuTimeStep = microseconds(500);

// When `left` of CPU time can have been used at the earliest.
Deadline cpu_time_deadline(Nanoseconds left, std::uint64_t tasks) {
  const Nanoseconds span = left / std::max<std::uint64_t>(tasks, 1);
  return Deadline::after(std::max(span, kCpuTimeStep));
}

std::uint64_t running_at_once(const PosixTimer& timer) {
  if (timer.clock.kind == Clock::Kind::kTaskCpu) return 1;
  return std::min<std::uint64_t>(cpu_count(),
                                 timer.process->task_count.load(std::memory_order_relaxed));
}

void expire(void* argument) {
  PosixTimer& timer = *static_cast<PosixTimer*>(argument);
  if (timer.clock.counts_cpu()) {
    const Nanoseconds now = timer.now();
    if (now < timer.expiry) {
      timer.timer.restart(cpu_time_deadline(timer.expiry - now, running_at_once(timer)));
      return;
    }
  }
  // Before the signal: who takes it starts the timer again.
  timer.state.store(PosixTimer::State::kSignalled, std::memory_order_release);
  send_timer_signal(*timer.process, timer.target.get(), timer.entry);
}

// With the lock; the hardware timer is not armed.
void arm(PosixTimer& timer) {
  timer.state.store(PosixTimer::State::kRunning, std::memory_order_relaxed);
  if (!timer.sends_signal) return;
  if (timer.clock.counts_cpu()) {
    const Nanoseconds now = timer.now();
    const Nanoseconds left = timer.expiry > now ? timer.expiry - now : Nanoseconds{};
    timer.timer.start(cpu_time_deadline(left, running_at_once(timer)), expire, &timer);
  } else {
    timer.timer.start(timer.clock.deadline(timer.expiry), expire, &timer);
  }
}

// Goes on after a signal. With the lock.
void advance(PosixTimer& timer) {
  timer.overrun = 0;
  if (timer.interval.count == 0) {
    timer.state.store(PosixTimer::State::kIdle, std::memory_order_relaxed);
    return;
  }
  const Expiries expiries = advance_expiry(timer.expiry, timer.interval, timer.now());
  timer.expiry = expiries.next;
  timer.overrun = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(expiries.missed, std::numeric_limits<std::int32_t>::max()));
  arm(timer);
}

void stop(PosixTimer& timer) {
  timer.timer.cancel();
  recall_timer_signal(*timer.process, timer.target.get(), timer.entry);
  timer.state.store(PosixTimer::State::kIdle, std::memory_order_relaxed);
}

bool owns(ProcessTimers& timers, const PosixTimer& timer) {
  for (const PosixTimer& own : timers.interval_timers) {
    if (&own == &timer) return true;
  }
  for (const PosixTimer& own : timers.posix_timers) {
    if (&own == &timer) return true;
  }
  return false;
}

void restart_if_ignored(PosixTimer& timer, unsigned signal) {
  if (static_cast<unsigned>(timer.entry.information.signal) != signal ||
      timer.state.load(std::memory_order_acquire) != PosixTimer::State::kSignalled)
    return;
  bool waits;
  {
    const LockGuard guard(signal_lock());
    waits = timer.entry.hook.linked();
  }
  if (!waits) advance(timer);
}

void initialise_interval_timer(PosixTimer& timer, Process& process, unsigned signal,
                               Clock::Kind kind) {
  timer.process = &process;
  timer.clock.kind = kind;
  timer.entry.timer = &timer;
  timer.entry.information = sent_signal(signal, kCodeKernel, 0, 0);
}

}  // namespace

Nanoseconds PosixTimer::now() const {
  if (clock.kind == Clock::Kind::kProcessCpu && !clock.process) return process_cpu_time(*process);
  return clock.now();
}

Result<ProcessTimers*> timers_of(Process& process) {
  ProcessTimers* timers = process.timers.load(std::memory_order_acquire);
  if (timers != nullptr) return timers;
  auto* made = new (std::nothrow) ProcessTimers;
  if (made == nullptr) return Errno::kENOMEM;
  auto& [real, virtual_time, profile] = made->interval_timers;
  initialise_interval_timer(real, process, kSIGALRM, Clock::Kind::kMonotonic);
  initialise_interval_timer(virtual_time, process, kSIGVTALRM, Clock::Kind::kProcessCpu);
  initialise_interval_timer(profile, process, kSIGPROF, Clock::Kind::kProcessCpu);
  // Release: whoever finds it finds it initialised.
  if (process.timers.compare_exchange_strong(timers, made, std::memory_order_acq_rel)) return made;
  delete made;
  return timers;
}

TimerSetting read_timer(const PosixTimer& timer) {
  if (timer.state.load(std::memory_order_relaxed) == PosixTimer::State::kIdle)
    return {{}, timer.interval};
  const Nanoseconds now = timer.now();
  // Between an expiry and its signal Linux shows the shortest time: zero would mean "not running".
  constexpr Nanoseconds kLeast = nanoseconds(1);
  if (now < timer.expiry) return {timer.expiry - now, timer.interval};
  if (timer.interval.count == 0) return {timer.sends_signal ? kLeast : Nanoseconds{}, {}};
  return {advance_expiry(timer.expiry, timer.interval, now).next - now, timer.interval};
}

void set_timer(PosixTimer& timer, Nanoseconds expiry, Nanoseconds interval) {
  stop(timer);
  timer.expiry = expiry;
  timer.interval = interval;
  timer.overrun = 0;
  if (expiry.count != 0) arm(timer);
}

void timer_signal_taken(Process& process, PosixTimer& timer, SignalInformation& information) {
  ProcessTimers& timers = *process.timers.load(std::memory_order_acquire);
  const LockGuard guard(timers.lock);
  if (!owns(timers, timer)) return;
  if (timer.state.load(std::memory_order_acquire) == PosixTimer::State::kSignalled) advance(timer);
  if (timer.tells_overrun) {
    information.fields[0] =
        static_cast<std::uint32_t>(timer.id) | (static_cast<std::uint64_t>(timer.overrun) << 32);
  }
}

void restart_ignored_timers(Process& process, unsigned signal) {
  ProcessTimers* timers = process.timers.load(std::memory_order_acquire);
  if (timers == nullptr) return;
  const LockGuard guard(timers->lock);
  for (PosixTimer& timer : timers->interval_timers) restart_if_ignored(timer, signal);
  for (PosixTimer& timer : timers->posix_timers) restart_if_ignored(timer, signal);
}

void delete_posix_timers(Process& process) {
  ProcessTimers* timers = process.timers.load(std::memory_order_acquire);
  if (timers == nullptr) return;
  for (;;) {
    PosixTimer* timer;
    {
      const LockGuard guard(timers->lock);
      timer = timers->posix_timers.pop_front();
      if (timer == nullptr) return;
      stop(*timer);
      --timers->count;
    }
    delete timer;
  }
}

void delete_process_timers(Process& process) {
  ProcessTimers* timers = process.timers.load(std::memory_order_acquire);
  if (timers == nullptr) return;
  delete_posix_timers(process);
  {
    const LockGuard guard(timers->lock);
    for (PosixTimer& timer : timers->interval_timers) stop(timer);
  }
  process.timers.store(nullptr, std::memory_order_release);
  delete timers;
}

}  // namespace plumbline::linux_abi
