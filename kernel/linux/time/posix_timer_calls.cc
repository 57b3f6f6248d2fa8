// timer_create(2) and its like.
#include <new>

#include "linux/call.hh"
#include "linux/process_table.hh"
#include "linux/signal/signal_numbers.hh"
#include "linux/time/process_timers.hh"
#include "memory/application_memory.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {
namespace {

// struct sigevent; `sigev_notify` (include/uapi/asm-generic/siginfo.h).
struct SignalEvent {
  std::uint64_t value;
  std::int32_t signal;
  std::int32_t notify;
  std::int32_t task;
  std::int32_t padding[11];
};
static_assert(sizeof(SignalEvent) == 64);
constexpr int kNotifySignal = 0, kNotifyNone = 1, kNotifyThread = 2, kNotifyTask = 4;
constexpr int kAbsolute = 1;  // TIMER_ABSTIME

// Owns a timer that is not in its process's list.
struct FreshTimer {
  PosixTimer* timer = new (std::nothrow) PosixTimer;
  ~FreshTimer() { delete timer; }
};

Status apply_event(PosixTimer& timer, const SignalEvent& event) {
  timer.sends_signal = event.notify != kNotifyNone;
  switch (event.notify) {
    case kNotifyTask:
      timer.target = find_task(static_cast<TaskId>(event.task));
      if (!timer.target || timer.target->process.get() != timer.process) return Errno::kEINVAL;
      [[fallthrough]];
    case kNotifySignal:
    case kNotifyThread:
      if (event.signal < 1 || event.signal > static_cast<int>(kSignals)) return Errno::kEINVAL;
      break;
    case kNotifyNone:
      break;
    default:
      return Errno::kEINVAL;
  }
  timer.entry.information = sent_signal(static_cast<unsigned>(event.signal), kCodeTimer,
                                        static_cast<std::uint32_t>(timer.id), 0, event.value);
  return {};
}

Status add_timer(ProcessTimers& timers, FreshTimer& fresh, std::uint64_t event_address) {
  PosixTimer& timer = *fresh.timer;
  {
    const LockGuard guard(timers.lock);
    if (timers.count >= ProcessTimers::kMost) return Errno::kEAGAIN;
    timer.id = timers.next_id++;
  }
  SignalEvent event{};
  event.signal = kSIGALRM;
  event.value = static_cast<std::uint32_t>(timer.id);
  if (event_address != 0) {
    const Result<SignalEvent> given = load_application<SignalEvent>(event_address);
    if (!given) return given.error();
    event = *given;
  }
  return apply_event(timer, event);
}

Status call_timer_create(int clock_id, std::uint64_t event_address, std::uint64_t id_address) {
  Process& process = current_process();
  Result<Clock> clock = find_clock(clock_id);
  if (!clock) return clock.error();
  Result<ProcessTimers*> timers = timers_of(process);
  FreshTimer fresh;
  if (!timers || fresh.timer == nullptr) return Errno::kEAGAIN;
  PosixTimer& timer = *fresh.timer;
  timer.process = &process;
  timer.tells_overrun = true;
  timer.entry.timer = &timer;
  timer.clock = std::move(*clock);
  if (timer.clock.process.get() == &process) timer.clock.process = nullptr;
  if (Status status = add_timer(**timers, fresh, event_address); !status) return status;
  if (Status status = store_application(id_address, timer.id); !status) return status;
  const LockGuard guard((*timers)->lock);
  (*timers)->posix_timers.push_back(fresh.timer);
  ++(*timers)->count;
  fresh.timer = nullptr;
  return {};
}

// Runs `use(timer)` with the lock. kEINVAL: no such timer.
template <typename Use>
Status with_timer(int id, Use use) {
  ProcessTimers* timers = current_process().timers.load(std::memory_order_acquire);
  if (timers == nullptr) return Errno::kEINVAL;
  const LockGuard guard(timers->lock);
  for (PosixTimer& timer : timers->posix_timers) {
    if (timer.id != id) continue;
    use(timer);
    return {};
  }
  return Errno::kEINVAL;
}

Status store_setting(std::uint64_t address, const TimerSetting& setting) {
  return store_application(address,
                           IntervalSpec{to_timespec(setting.interval), to_timespec(setting.value)});
}

Status call_timer_settime(int id, int flags, std::uint64_t new_address, std::uint64_t old_address) {
  const Result<IntervalSpec> given = load_application<IntervalSpec>(new_address);
  if (!given) return given.error();
  const IntervalSpec& wanted = *given;
  const Result<Nanoseconds> value = from_timespec(wanted.value);
  const Result<Nanoseconds> interval = from_timespec(wanted.interval);
  if (!value || !interval) return Errno::kEINVAL;
  TimerSetting old;
  const Status status = with_timer(id, [&](PosixTimer& timer) {
    old = read_timer(timer);
    const bool relative = (flags & kAbsolute) == 0;
    Nanoseconds expiry = *value;
    if (expiry.count != 0 && relative) expiry += timer.now();
    set_timer(timer, expiry, *interval);
  });
  if (!status || old_address == 0) return status;
  return store_setting(old_address, old);
}

Status call_timer_gettime(int id, std::uint64_t address) {
  TimerSetting setting;
  if (Status status = with_timer(id, [&](PosixTimer& timer) { setting = read_timer(timer); });
      !status)
    return status;
  return store_setting(address, setting);
}

Result<int> call_timer_getoverrun(int id) {
  int overrun = 0;
  if (Status status =
          with_timer(id, [&](PosixTimer& timer) { overrun = static_cast<int>(timer.overrun); });
      !status)
    return status.error();
  return overrun;
}

Status call_timer_delete(int id) {
  FreshTimer removed{nullptr};
  ProcessTimers* timers = current_process().timers.load(std::memory_order_acquire);
  return with_timer(id, [&](PosixTimer& timer) {
    set_timer(timer, {}, {});
    timers->posix_timers.remove(&timer);
    --timers->count;
    removed.timer = &timer;
  });
}

LINUX_CALL(222, timer_create, call_timer_create);
LINUX_CALL(223, timer_settime, call_timer_settime);
LINUX_CALL(224, timer_gettime, call_timer_gettime);
LINUX_CALL(225, timer_getoverrun, call_timer_getoverrun);
LINUX_CALL(226, timer_delete, call_timer_delete);

}  // namespace
}  // namespace plumbline::linux_abi
