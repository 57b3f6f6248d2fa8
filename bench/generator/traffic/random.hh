// Random numbers that are the same on every machine: the standard library's distributions are not.
#pragma once

#include <cstdint>

namespace plumbline::generator {

// SplitMix64 (Steele, Lea, Flood 2014): a hash of the index, also used to seed.
constexpr uint64_t mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

// 53 random bits as a number in (0, 1): never 0 and never 1, so that logarithms and quantiles stay
// finite.
constexpr double to_unit(uint64_t bits) {
  return (static_cast<double>(bits >> 11) + 0.5) * (1.0 / 9007199254740992.0);
}

// A SplitMix64 sequence.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(mix(seed)) {}

  uint64_t next() {
    const uint64_t value = mix(state_);
    state_ += 0x9e3779b97f4a7c15u;
    return value;
  }
  double unit() { return to_unit(next()); }

 private:
  uint64_t state_;
};

}  // namespace plumbline::generator
