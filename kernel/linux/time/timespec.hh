// The structures that tell programs the time, and their conversion. Portable.
#pragma once

#include <cstdint>

#include "core/result.hh"
#include "core/units.hh"

namespace plumbline::linux_abi {

inline constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
// Beyond this many seconds (292 years) a span is for ever.
inline constexpr std::int64_t kForeverSeconds = 9'223'372'036;

// struct timespec and timeval.
struct TimeSpec {
  std::int64_t seconds, nanoseconds;
};
struct TimeValue {
  std::int64_t seconds, microseconds;
};
struct IntervalSpec {
  TimeSpec interval, value;
};
struct IntervalValue {
  TimeValue interval, value;
};

constexpr TimeSpec to_timespec(Nanoseconds time) {
  return {static_cast<std::int64_t>(time.count / kNanosecondsPerSecond),
          static_cast<std::int64_t>(time.count % kNanosecondsPerSecond)};
}
constexpr TimeValue to_timeval(Nanoseconds time) {
  return {static_cast<std::int64_t>(time.count / kNanosecondsPerSecond),
          static_cast<std::int64_t>(time.count % kNanosecondsPerSecond / 1000)};
}

// kEINVAL: negative, or not less than a second of nanoseconds.
constexpr Result<Nanoseconds> from_timespec(const TimeSpec& time) {
  if (time.seconds < 0 || time.nanoseconds < 0 ||
      time.nanoseconds >= static_cast<std::int64_t>(kNanosecondsPerSecond))
    return Errno::kEINVAL;
  const std::int64_t whole = time.seconds < kForeverSeconds ? time.seconds : kForeverSeconds;
  return Nanoseconds{static_cast<std::uint64_t>(whole) * kNanosecondsPerSecond +
                     static_cast<std::uint64_t>(time.nanoseconds)};
}
constexpr Result<Nanoseconds> from_timeval(const TimeValue& time) {
  if (time.microseconds < 0 || time.microseconds >= 1'000'000) return Errno::kEINVAL;
  return from_timespec({time.seconds, time.microseconds * 1000});
}

// A periodic expiry that may have been missed: how often, and when the next one comes.
struct Expiries {
  std::uint64_t missed;
  Nanoseconds next;
};
constexpr Expiries advance_expiry(Nanoseconds expiry, Nanoseconds interval, Nanoseconds now) {
  if (now < expiry) return {0, expiry};
  const std::uint64_t missed = (now - expiry).count / interval.count;
  return {missed, expiry + interval * (missed + 1)};
}

}  // namespace plumbline::linux_abi
