// Random numbers that are the same on every machine for the same seed: the standard library's
// distributions are not, so there are none here.
#pragma once

#include <cstdint>

namespace plumbline::net::simulator {

// SplitMix64 (Steele, Lea, Flood 2014): a counter through a mixing function. Every seed gives an
// independent stream of full period, and fork() gives independent streams of one seed.
class Random {
 public:
  explicit constexpr Random(uint64_t seed) : state_(mix(seed + kStep)) {}

  // The mixing function by itself: a permutation of the 64-bit numbers.
  static constexpr uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  constexpr uint64_t next() { return mix(state_ += kStep); }
  // 0 to bound - 1; bound must not be 0. (The bias of at most bound / 2^64 does not matter here.)
  constexpr uint64_t below(uint64_t bound) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64);
  }
  // from to to, both included.
  constexpr uint64_t between(uint64_t from, uint64_t to) { return from + below(to - from + 1); }
  // True with a probability. Always draws one number, so that a probability changed from zero does
  // not shift what everything else draws.
  constexpr bool chance(double probability) {
    // 53 bits: what a double holds.
    return static_cast<double>(next() >> 11) * 0x1p-53 < probability;
  }
  // A generator of its own for the part of the simulation with this number.
  constexpr Random fork(uint64_t number) const { return Random(state_ ^ mix(number + 1)); }

 private:
  static constexpr uint64_t kStep = 0x9e3779b97f4a7c15;
  uint64_t state_;
};

}  // namespace plumbline::net::simulator
