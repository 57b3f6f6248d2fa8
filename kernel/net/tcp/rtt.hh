// How long a round trip takes, and from that the retransmission timeout (RFC 6298).
#pragma once

#include <cstdint>

#include "core/units.hh"

namespace plumbline::net::tcp {

// Limits of the timeout, common to a domain's connections.
struct RtoLimits {
  // RFC 6298 (2.4) asks for one second, which a network of today does not need and nobody keeps to;
  // 200 ms, as Linux, is what peers' delayed acknowledgements leave room for.
  Nanoseconds minimum = milliseconds(200);
  // At least 60 s (2.5).
  Nanoseconds maximum = seconds(120);
  // Before the first measurement (2.1).
  Nanoseconds initial = seconds(1);
};

// SRTT, RTTVAR, RTO, the exponential backoff, and the lowest round trip of the last minutes. Kept
// in microseconds of 32 bits: four words a connection. A span of less than a microsecond counts as
// one.
class RttEstimator {
 public:
  // The lowest round trip is one of the last kMinimumWindow to twice that (RFC 8985, 6.2 step 1
  // asks for a filter over a window): a path that became longer is believed after so long.
  static constexpr Nanoseconds kMinimumWindow = seconds(150);

  // Notes a measured round trip (2.2, 2.3) and ends the backoff. Measurements of retransmitted
  // segments must not be given unless a timestamp says which transmission was answered (section 3).
  void sample(Nanoseconds round_trip, Nanoseconds now);
  // The retransmission timer has expired: the timeout doubles (5.5) until the next sample.
  void back_off() {
    if (backoff_ < kMaximumBackoff) ++backoff_;
  }
  // New data was acknowledged without a measurement after a spurious timeout: back to the estimate.
  void end_backoff() { backoff_ = 0; }
  unsigned backoff() const { return backoff_; }

  bool has_sample() const { return smoothed8_ != 0; }
  // Zero before the first sample.
  Nanoseconds smoothed() const { return microseconds(smoothed8_ >> 3); }
  Nanoseconds variation() const { return microseconds(variation4_ >> 2); }
  Nanoseconds latest() const { return microseconds(latest_); }
  // Zero before the first sample.
  Nanoseconds minimum() const {
    return microseconds(minimum_ < previous_minimum_ ? minimum_ : previous_minimum_);
  }
  // SRTT + max(G, 4 RTTVAR) within the limits, backoff included.
  Nanoseconds timeout(const RtoLimits& limits) const;

 private:
  static constexpr unsigned kMaximumBackoff = 15;
  void rotate_minimum(uint32_t now);

  uint32_t smoothed8_ = 0;   // SRTT times 8, so that the gain of 1/8 keeps its fractions
  uint32_t variation4_ = 0;  // RTTVAR times 4
  uint32_t latest_ = 0;
  uint32_t minimum_ = 0;           // of the window that runs
  uint32_t previous_minimum_ = 0;  // of the one before
  uint32_t window_end_ = 0;        // in units of 2^20 ns
  uint32_t backoff_ = 0;
};

}  // namespace plumbline::net::tcp
