// Intended start times of an open loop. They depend on the clock and the seed alone, never on the
// answers: a request that could not be sent in time still counts from here (coordinated omission).
#pragma once

#include <cmath>
#include <cstdint>

#include "traffic/random.hh"

namespace plumbline::generator {

enum class ArrivalKind { kPoisson, kFixed };

class Arrivals {
 public:
  // `mean_gap` in ticks of the clock that `restart` and `next` speak.
  Arrivals(ArrivalKind kind, double mean_gap, uint64_t seed)
      : kind_(kind), mean_gap_(mean_gap), random_(seed) {}

  // Begins anew after a pause: the first arrival is one gap after `now`.
  void restart(uint64_t now) {
    base_ = now;
    offset_ = 0;
    advance();
  }
  // When the next request is due.
  uint64_t next() const { return base_ + static_cast<uint64_t>(offset_); }
  // That request was taken.
  void advance() {
    // The sum is kept relative to the restart: a double holds 2^53 ticks, a month, exactly to the
    // tick.
    offset_ += kind_ == ArrivalKind::kFixed ? mean_gap_ : -std::log(random_.unit()) * mean_gap_;
  }

 private:
  ArrivalKind kind_;
  double mean_gap_;
  Random random_;
  uint64_t base_ = 0;
  double offset_ = 0;
};

}  // namespace plumbline::generator
