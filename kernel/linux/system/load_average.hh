// How busy the CPUs have been, averaged as the load average is. Portable.
#pragma once

#include <array>
#include <cstdint>

#include "core/units.hh"

namespace plumbline::linux_abi {

// Averages over 1, 5 and 15 minutes with exponentially falling weights, in 1/65536, as sysinfo(2)
// counts. Nothing samples the CPUs: each reading adds what they did since the last one. Threads
// that wait for a CPU are not seen.
class LoadAverage {
 public:
  static constexpr std::uint64_t kOne = 65536;

  // `busy` is the CPU time that all threads have had until `now`.
  void update(Nanoseconds now, Nanoseconds busy);
  const std::array<std::uint64_t, 3>& averages() const { return averages_; }

 private:
  Nanoseconds last_, last_busy_;
  std::array<std::uint64_t, 3> averages_{};
};

}  // namespace plumbline::linux_abi
