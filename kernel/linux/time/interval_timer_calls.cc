// setitimer(2), getitimer(2) and alarm(2).
#include "linux/call.hh"
#include "linux/time/process_timers.hh"
#include "memory/application_memory.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {
namespace {

constexpr int kReal = 0, kTimers = 3;

Status store_setting(std::uint64_t address, const TimerSetting& setting) {
  IntervalValue value{to_timeval(setting.interval), to_timeval(setting.value)};
  // What is left is never shown as nothing.
  if (setting.value.count != 0 && value.value.seconds == 0 && value.value.microseconds == 0)
    value.value.microseconds = 1;
  return store_application(address, value);
}

// Starts one of the three timers over and returns what it was set to.
Result<TimerSetting> exchange(int which, Nanoseconds value, Nanoseconds interval) {
  const Result<ProcessTimers*> timers = timers_of(current_process());
  if (!timers) return timers.error();
  const LockGuard guard((*timers)->lock);
  PosixTimer& timer = (*timers)->interval_timers[static_cast<unsigned>(which)];
  const TimerSetting old = read_timer(timer);
  // Linux forgets the interval of a timer that is stopped.
  set_timer(timer, value.count == 0 ? value : timer.now() + value,
            value.count == 0 ? value : interval);
  return old;
}

Status call_setitimer(int which, std::uint64_t new_address, std::uint64_t old_address) {
  IntervalValue wanted{};
  if (new_address != 0) {
    const Result<IntervalValue> given = load_application<IntervalValue>(new_address);
    if (!given) return given.error();
    wanted = *given;
  }
  const Result<Nanoseconds> value = from_timeval(wanted.value);
  const Result<Nanoseconds> interval = from_timeval(wanted.interval);
  if (!value || !interval || which < 0 || which >= kTimers) return Errno::kEINVAL;
  const Result<TimerSetting> old = exchange(which, *value, *interval);
  if (!old) return old.error();
  return old_address == 0 ? Status{} : store_setting(old_address, *old);
}

Status call_getitimer(int which, std::uint64_t address) {
  if (which < 0 || which >= kTimers) return Errno::kEINVAL;
  TimerSetting setting;
  if (ProcessTimers* timers = current_process().timers.load(std::memory_order_acquire);
      timers != nullptr) {
    const LockGuard guard(timers->lock);
    setting = read_timer(timers->interval_timers[static_cast<unsigned>(which)]);
  }
  return store_setting(address, setting);
}

Result<unsigned> call_alarm(unsigned span) {
  const Result<TimerSetting> old = exchange(kReal, seconds(span), {});
  if (!old) return old.error();
  const Nanoseconds left = (*old).value;
  const auto whole = static_cast<unsigned>(left.count / kNanosecondsPerSecond);
  const std::uint64_t rest = left.count % kNanosecondsPerSecond;
  // Rounded to the nearest second, but not to none.
  const bool up = rest >= kNanosecondsPerSecond / 2 || (whole == 0 && rest != 0);
  return whole + (up ? 1u : 0u);
}

LINUX_CALL(36, getitimer, call_getitimer);
LINUX_CALL(37, alarm, call_alarm);
LINUX_CALL(38, setitimer, call_setitimer);

}  // namespace
}  // namespace plumbline::linux_abi
