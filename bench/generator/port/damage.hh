// Random loss and damage on the way to the server, for soaks: what must not leak a buffer there.
#pragma once

#include <cstdint>

namespace plumbline::generator {

struct DamageShares {
  double drop = 0;  // of all packets, these never arrive
  double cut = 0;   // of all packets, these arrive with a random rest missing
  uint64_t seed = 1;
};

class Damage {
 public:
  enum class Fate { kIntact, kDropped, kCut };

  explicit Damage(const DamageShares& shares)
      : drop_(threshold(shares.drop)),
        cut_(drop_ + threshold(shares.cut)),
        state_(shares.seed * 2 + 1) {}

  Fate next() {
    const uint32_t draw = random();
    if (draw < drop_) return Fate::kDropped;
    return draw < cut_ ? Fate::kCut : Fate::kIntact;
  }
  // At least one byte stays, at least one goes.
  uint16_t cut_length(uint16_t length) {
    return static_cast<uint16_t>(length < 2 ? length : 1 + random() % (length - 1u));
  }

 private:
  static uint32_t threshold(double share) {
    return static_cast<uint32_t>(share * static_cast<double>(~0u));
  }
  // xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators"), its high
  // half.
  uint32_t random() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return static_cast<uint32_t>((state_ * 0x2545f4914f6cdd1dull) >> 32);
  }

  uint32_t drop_;
  uint32_t cut_;
  uint64_t state_;
};

}  // namespace plumbline::generator
