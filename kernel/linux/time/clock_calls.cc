// Reading clocks: clock_gettime(2) and its like. Nobody may set one.
#include "linux/call.hh"
#include "linux/time/clocks.hh"
#include "linux/time/cpu_time.hh"
#include "linux/time/timespec.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {
namespace {

// times(2) counts hundredths of a second (USER_HZ).
constexpr std::uint64_t kTimesUnit = kNanosecondsPerSecond / 100;
// What the coarse clocks promise on Linux with 250 ticks a second. Ours are finer.
constexpr std::int64_t kCoarseResolution = 4'000'000;

Status call_clock_gettime(int id, std::uint64_t address) {
  const Result<Clock> clock = find_clock(id);
  if (!clock) return clock.error();
  return store_application(address, to_timespec((*clock).now()));
}

Status call_clock_getres(int id, std::uint64_t address) {
  if (const Result<Clock> clock = find_clock(id); !clock) return clock.error();
  if (address == 0) return {};
  const bool coarse = id == kClockRealtimeCoarse || id == kClockMonotonicCoarse;
  return store_application(address, TimeSpec{0, coarse ? kCoarseResolution : 1});
}

// Only real time can be set at all.
Status call_clock_settime(int id, std::uint64_t address) {
  if (const Result<TimeSpec> time = load_application<TimeSpec>(address); !time) return time.error();
  return id == kClockRealtime ? Errno::kEPERM : Errno::kEINVAL;
}

// The time zone is obsolete: zeros.
Status call_gettimeofday(std::uint64_t time_address, std::uint64_t zone_address) {
  if (time_address != 0) {
    if (Status status = store_application(time_address, to_timeval(wall_clock_now_ns())); !status)
      return status;
  }
  return zone_address == 0 ? Status{} : store_application(zone_address, std::uint64_t{0});
}

Status call_settimeofday(std::uint64_t, std::uint64_t) { return Errno::kEPERM; }

Result<std::int64_t> call_time(std::uint64_t address) {
  const auto now = static_cast<std::int64_t>(wall_clock_now());
  if (address != 0) {
    if (Status status = store_application(address, now); !status) return status.error();
  }
  return now;
}

// struct tms: all time is the program's own (cpu_time.hh).
struct Times {
  std::int64_t user, system, children_user, children_system;
};

Result<std::int64_t> call_times(std::uint64_t address) {
  if (address != 0) {
    Process& process = current_process();
    const auto units = [](Nanoseconds time) {
      return static_cast<std::int64_t>(time.count / kTimesUnit);
    };
    const Times times{units(process_cpu_time(process)), 0, units(children_cpu_time(process)), 0};
    if (Status status = store_application(address, times); !status) return status.error();
  }
  return static_cast<std::int64_t>(monotonic_now().count / kTimesUnit);
}

// struct timex (include/uapi/linux/timex.h): the clock is the host's, so there is nothing to
// adjust.
struct ClockAdjustment {
  std::uint32_t modes, padding0;
  std::int64_t offset, frequency, maximum_error, estimated_error;
  std::int32_t status, padding1;
  std::int64_t constant, precision, tolerance;
  TimeValue time;
  std::int64_t tick;
  std::uint8_t rest[112];
};
static_assert(sizeof(ClockAdjustment) == 208);
constexpr std::int32_t kUnsynchronised = 0x40;  // STA_UNSYNC
constexpr int kTimeError = 5;                   // TIME_ERROR: not synchronised

Result<int> adjust(std::uint64_t address) {
  Result<ClockAdjustment> given = load_application<ClockAdjustment>(address);
  if (!given) return given.error();
  if ((*given).modes != 0) return Errno::kEPERM;
  ClockAdjustment state{};
  state.status = kUnsynchronised;
  state.maximum_error = state.estimated_error = 16'000'000;  // NTP_PHASE_LIMIT, microseconds
  state.constant = 2;
  state.precision = 1;
  state.tolerance = 500 << 16;  // parts per million, scaled
  state.tick = 10'000;
  state.time = to_timeval(wall_clock_now_ns());
  if (Status status = store_application(address, state); !status) return status.error();
  return kTimeError;
}

Result<int> call_adjtimex(std::uint64_t address) { return adjust(address); }

Result<int> call_clock_adjtime(int id, std::uint64_t address) {
  if (const Result<Clock> clock = find_clock(id); !clock) return clock.error();
  if (id != kClockRealtime) return Errno::kEOPNOTSUPP;
  return adjust(address);
}

LINUX_CALL(96, gettimeofday, call_gettimeofday);
LINUX_CALL(100, times, call_times);
LINUX_CALL(159, adjtimex, call_adjtimex);
LINUX_CALL(164, settimeofday, call_settimeofday);
LINUX_CALL(201, time, call_time);
LINUX_CALL(227, clock_settime, call_clock_settime);
LINUX_CALL(228, clock_gettime, call_clock_gettime);
LINUX_CALL(229, clock_getres, call_clock_getres);
LINUX_CALL(305, clock_adjtime, call_clock_adjtime);

}  // namespace
}  // namespace plumbline::linux_abi
