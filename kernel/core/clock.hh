// Time. Everything here reads the TSC (16 ns on a virtual machine) and never exits.
#pragma once

#include <cstdint>

#include "core/units.hh"

namespace plumbline {

namespace clock_detail {
// ns = (tsc * multiplier) >> 32, with one pair for each direction; set once at boot.
extern std::uint64_t ns_per_tsc_fraction;
extern std::uint64_t tsc_per_ns_fraction;
extern std::uint64_t tsc_at_boot;
}  // namespace clock_detail

// The time stamp counter, as it is. Not ordered against other instructions.
inline std::uint64_t tsc_now() {
  std::uint32_t low, high;
  asm volatile("rdtsc" : "=a"(low), "=d"(high));
  return (static_cast<std::uint64_t>(high) << 32) | low;
}

// A span in TSC ticks as nanoseconds, and back.
inline Nanoseconds tsc_to_nanoseconds(std::uint64_t ticks) {
  return {static_cast<std::uint64_t>(
      (static_cast<unsigned __int128>(ticks) * clock_detail::ns_per_tsc_fraction) >> 32)};
}
inline std::uint64_t nanoseconds_to_tsc(Nanoseconds span) {
  return static_cast<std::uint64_t>(
      (static_cast<unsigned __int128>(span.count) * clock_detail::tsc_per_ns_fraction) >> 32);
}

// Time since the kernel's first instruction. It never goes back on one CPU.
#ifdef PLUMBLINE_HOSTED
Nanoseconds monotonic_now();  // the host's steady clock
#else
inline Nanoseconds monotonic_now() {
  return tsc_to_nanoseconds(tsc_now() - clock_detail::tsc_at_boot);
}
#endif

// The TSC's value at a point of monotonic time.
inline std::uint64_t monotonic_to_tsc(Nanoseconds at) {
  return clock_detail::tsc_at_boot + nanoseconds_to_tsc(at);
}

// Nanoseconds since 1970-01-01 UTC: the hypervisor's wall clock, else the CMOS clock, else the
// option clock.epoch.
Nanoseconds wall_clock_now_ns();
// The same at monotonic time zero. Constant: nothing sets the clock.
Nanoseconds wall_clock_at_boot();
// The same in whole seconds.
inline std::uint64_t wall_clock_now() { return wall_clock_now_ns().count / 1'000'000'000; }

// TSC frequency in kHz.
std::uint64_t tsc_khz();

// A point in monotonic time until which something may wait.
struct Deadline {
  Nanoseconds at;

  static constexpr Deadline never() { return {Nanoseconds{~std::uint64_t{0}}}; }
  // A span of more than a century is for ever.
  static Deadline after(Nanoseconds span) {
    return span.count >> 62 != 0 ? never() : Deadline{monotonic_now() + span};
  }
  constexpr bool is_never() const { return at.count == ~std::uint64_t{0}; }
  bool passed() const { return !is_never() && monotonic_now() >= at; }
};

// Finds the TSC's frequency and the wall clock. Called once on the boot CPU.
void initialise_clock();

}  // namespace plumbline
