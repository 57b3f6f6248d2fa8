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
// in units of 1024 ns, 32 bits each: a division and half of a cache line less a connection.
class RttEstimator {
 public:
  // The lowest round trip is one of the last kMinimumWindow to twice that (RFC 8985, 6.2 step 1
  // asks for a filter over a window): a path that became longer is believed after so long.
  static constexpr Nanoseconds kMinimumWindow = seconds(150);

  // Notes a measured round trip (2.2, 2.3) and ends the backoff. Measurements of retransmitted
  // segments must not be given unless a timestamp says which transmission was answered (section 3).
  // `shortest`: of several segments that one ACK answered, the one that waited least.
  void sample(Nanoseconds round_trip, Nanoseconds shortest, Nanoseconds now) {
    const uint32_t measured = units(round_trip);
    latest_ = measured;
    backoff_ = 0;
    if (smoothed8_ == 0) [[unlikely]] {
      rotate_minimum(clock(now));
      smoothed8_ = measured << 3;
      variation4_ = measured << 1;
    } else {
      const int32_t error = static_cast<int32_t>(measured - (smoothed8_ >> 3));
      smoothed8_ += static_cast<uint32_t>(error);
      const uint32_t distance = static_cast<uint32_t>(error < 0 ? -error : error);
      variation4_ += distance - (variation4_ >> 2);
    }
    const uint32_t least = units(shortest);
    if (static_cast<int32_t>(clock(now) - window_end_) >= 0) [[unlikely]]
      rotate_minimum(clock(now));
    if (least < minimum_) minimum_ = least;
  }
  // The retransmission timer has expired: the timeout doubles (5.5) until the next sample.
  void back_off() {
    if (backoff_ < kMaximumBackoff) ++backoff_;
  }
  // The timeout that doubled it was spurious: back to the estimate (RFC 4015).
  void end_backoff() { backoff_ = 0; }
  unsigned backoff() const { return backoff_; }

  bool has_sample() const { return smoothed8_ != 0; }
  // All zero before the first sample; resolution 1024 ns.
  Nanoseconds smoothed() const { return span(smoothed8_ >> 3); }
  Nanoseconds variation() const { return span(variation4_ >> 2); }
  Nanoseconds latest() const { return span(latest_); }
  Nanoseconds minimum() const {
    const uint32_t least = minimum_ < previous_minimum_ ? minimum_ : previous_minimum_;
    return has_sample() ? span(least) : Nanoseconds{};
  }
  // SRTT + max(G, 4 RTTVAR) within the limits, backoff included (2.3, 5.5).
  Nanoseconds timeout(const RtoLimits& limits) const {
    // 4 RTTVAR is at least one unit here, unless it decayed away: then G counts.
    const uint64_t spread = variation4_ == 0 ? 1 : variation4_;
    Nanoseconds timeout{((smoothed8_ >> 3) + spread) << kUnit};
    if (smoothed8_ == 0) timeout = limits.initial;
    if (timeout < limits.minimum) timeout = limits.minimum;
    timeout.count <<= backoff_;
    return timeout < limits.maximum ? timeout : limits.maximum;
  }

 private:
  static constexpr unsigned kUnit = 10;
  static constexpr unsigned kMaximumBackoff = 15;
  // Round trips beyond this (275 s) count as this, so that eight times it fits into a word.
  static constexpr uint64_t kLongest = 1 << 28;

  static uint32_t units(Nanoseconds time) {
    const uint64_t count = time.count >> kUnit;
    return count == 0 ? 1 : static_cast<uint32_t>(count < kLongest ? count : kLongest);
  }
  static Nanoseconds span(uint32_t units) { return {uint64_t{units} << kUnit}; }
  // Of the windows of the minimum: ticks of about a millisecond.
  static uint32_t clock(Nanoseconds now) { return static_cast<uint32_t>(now.count >> 20); }
  void rotate_minimum(uint32_t now);

  uint32_t smoothed8_ = 0;   // SRTT times 8, so that the gain of 1/8 keeps its fractions
  uint32_t variation4_ = 0;  // RTTVAR times 4
  uint32_t latest_ = 0;
  uint32_t minimum_ = UINT32_MAX;           // of the window that runs
  uint32_t previous_minimum_ = UINT32_MAX;  // of the one before
  uint32_t window_end_ = 0;
  uint32_t backoff_ = 0;
};

}  // namespace plumbline::net::tcp
