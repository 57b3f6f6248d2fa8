// The system as a whole, for sysinfo(2) and /proc.
#pragma once

#include <array>
#include <cstdint>

#include "core/units.hh"

namespace plumbline::linux_abi {

// How long a CPU has run threads, and how long it has had none.
struct CpuTimes {
  Nanoseconds busy, idle;
};
CpuTimes cpu_times(unsigned cpu);

// Averages over 1, 5 and 15 minutes, in 1/65536.
std::array<std::uint64_t, 3> load_averages();

}  // namespace plumbline::linux_abi
