// The time stamp counter for what is measured, CLOCK_MONOTONIC for what others compare with.
#pragma once

#include <time.h>
#include <x86intrin.h>

#include <cstdint>

namespace plumbline::generator {

inline uint64_t ticks_now() { return __rdtsc(); }

inline uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}

class TickScale {
 public:
  explicit TickScale(double hz) : ticks_per_ns_(hz / 1e9), ns_per_tick_(1e9 / hz) {}
  uint64_t to_ns(uint64_t ticks) const {
    return static_cast<uint64_t>(static_cast<double>(ticks) * ns_per_tick_);
  }
  uint64_t to_ticks(double ns) const { return static_cast<uint64_t>(ns * ticks_per_ns_); }

 private:
  double ticks_per_ns_;
  double ns_per_tick_;
};

}  // namespace plumbline::generator
