// timerfd_create(2).
#include "linux/call.hh"
#include "linux/events/descriptors.hh"
#include "linux/events/timer_file.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {
namespace {

// Flags of timerfd_settime. A clock here is never set, so nothing is ever cancelled.
constexpr int kAbsolute = 1, kCancelOnSet = 2;

IntervalSpec to_interval_spec(const TimerFile::Setting& setting) {
  return {to_timespec(setting.interval), to_timespec(setting.left)};
}

// The timer of a descriptor. kEBADF; kEINVAL: something else.
Result<Ref<File>> find_timer(int descriptor) {
  Result<Ref<File>> file = find_file(descriptor);
  if (file && (*file)->kind() != &TimerFile::kKind) return Errno::kEINVAL;
  return file;
}

TimerFile& as_timer(File& file) { return static_cast<TimerFile&>(file); }

Result<int> call_timerfd_create(int clock_id, unsigned flags) {
  if ((flags & ~(kOpenNonblocking | kOpenCloseOnExec)) != 0) return Errno::kEINVAL;
  if (clock_id != kClockMonotonic && clock_id != kClockRealtime && clock_id != kClockBoot &&
      clock_id != kClockRealtimeAlarm && clock_id != kClockBootAlarm)
    return Errno::kEINVAL;
  const Result<Clock> clock = find_clock(clock_id);
  if (!clock) return clock.error();
  return open_new<TimerFile>((flags & kOpenCloseOnExec) != 0, *clock, flags & kOpenNonblocking);
}

Status call_timerfd_settime(int descriptor, int flags, std::uint64_t new_address,
                            std::uint64_t old_address) {
  const Result<IntervalSpec> wanted = load_application<IntervalSpec>(new_address);
  if (!wanted) return wanted.error();
  const Result<Nanoseconds> first = from_timespec((*wanted).value);
  const Result<Nanoseconds> interval = from_timespec((*wanted).interval);
  if ((flags & ~(kAbsolute | kCancelOnSet)) != 0 || !first || !interval) return Errno::kEINVAL;
  const Result<Ref<File>> file = find_timer(descriptor);
  if (!file) return file.error();
  const TimerFile::Setting before =
      as_timer(**file).set(*first, *interval, (flags & kAbsolute) != 0);
  if (old_address == 0) return {};
  return store_application(old_address, to_interval_spec(before));
}

Status call_timerfd_gettime(int descriptor, std::uint64_t address) {
  const Result<Ref<File>> file = find_timer(descriptor);
  if (!file) return file.error();
  return store_application(address, to_interval_spec(as_timer(**file).get()));
}

LINUX_CALL(283, timerfd_create, call_timerfd_create);
LINUX_CALL(286, timerfd_settime, call_timerfd_settime);
LINUX_CALL(287, timerfd_gettime, call_timerfd_gettime);

}  // namespace
}  // namespace plumbline::linux_abi
