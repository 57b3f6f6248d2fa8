// What the vDSO needs to know of time: the page in front of it in a program's memory.
#pragma once

#include <cstdint>

namespace plumbline::linux_abi {

// Nothing in here changes once programs run: the TSC is the clock, and nobody sets the time. So
// readers need no sequence counter.
struct TimePage {
  std::uint64_t tsc_at_boot;
  // ns = (tsc * fraction) >> 32 (core/clock.hh).
  std::uint64_t ns_per_tsc_fraction;
  // Nanoseconds since 1970 at boot.
  std::uint64_t realtime_at_boot;
};

}  // namespace plumbline::linux_abi
