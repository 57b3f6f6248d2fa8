// nanosleep(2) and clock_nanosleep(2).
#include <algorithm>

#include "linux/call.hh"
#include "linux/signal/signals.hh"
#include "linux/time/clocks.hh"
#include "linux/time/timespec.hh"
#include "memory/application_memory.hh"
#include "sync/interruptible_wait.hh"

namespace plumbline::linux_abi {
namespace {

constexpr int kAbsolute = 1;  // TIMER_ABSTIME

// Sleeps until a deadline. kEINTR: a handler will run first. A handler always ends a sleep, and it
// is never made again: relative sleeps tell what is left.
Status sleep_on_clock(Deadline deadline) {
  WaitQueue nobody;
  for (;;) {
    const Status status = wait_interruptibly(
        nobody, [] { return false; }, deadline);
    if (status.error() == Errno::kETIMEDOUT) return {};
    // Another task may have taken the signal.
    if (signal_deliverable()) return Errno::kEINTR;
  }
}

// CPU time passes at the pace of whoever uses it: look again when it can have been used up.
Status sleep_on_cpu_time(const Clock& clock, Nanoseconds until) {
  constexpr Nanoseconds kLeastStep = milliseconds(1);
  for (;;) {
    const Nanoseconds now = clock.now();
    if (now >= until) return {};
    if (Status status = sleep_on_clock(Deadline::after(std::max(until - now, kLeastStep))); !status)
      return status;
  }
}

// The longest sleep: deadlines beyond 146 years are none.
Nanoseconds bounded(Nanoseconds span) { return {std::min(span.count, std::uint64_t{1} << 62)}; }

Status sleep(const Clock& clock, const TimeSpec& request, bool absolute, std::uint64_t rest) {
  const Result<Nanoseconds> span = from_timespec(request);
  if (!span) return span.error();
  const Nanoseconds until = absolute ? *span : clock.now() + bounded(*span);
  const Status status =
      clock.counts_cpu() ? sleep_on_cpu_time(clock, until) : sleep_on_clock(clock.deadline(until));
  if (status || absolute || rest == 0) return status;
  const Nanoseconds now = clock.now();
  const Nanoseconds left = now < until ? until - now : Nanoseconds{};
  if (Status stored = store_application(rest, to_timespec(left)); !stored) return stored;
  return status;
}

Status call_nanosleep(std::uint64_t request_address, std::uint64_t rest_address) {
  const Result<TimeSpec> request = load_application<TimeSpec>(request_address);
  if (!request) return request.error();
  return sleep(Clock{}, *request, false, rest_address);
}

Status call_clock_nanosleep(int id, int flags, std::uint64_t request_address,
                            std::uint64_t rest_address) {
  // One's own CPU time does not pass while one sleeps.
  if (id == kClockThreadCpu) return Errno::kEINVAL;
  const Result<Clock> clock = find_clock(id);
  if (!clock) return clock.error();
  if (id == kClockMonotonicRaw || id == kClockRealtimeCoarse || id == kClockMonotonicCoarse)
    return Errno::kEOPNOTSUPP;
  const Result<TimeSpec> request = load_application<TimeSpec>(request_address);
  if (!request) return request.error();
  return sleep(*clock, *request, (flags & kAbsolute) != 0, rest_address);
}

LINUX_CALL(35, nanosleep, call_nanosleep);
LINUX_CALL(230, clock_nanosleep, call_clock_nanosleep);

}  // namespace
}  // namespace plumbline::linux_abi
