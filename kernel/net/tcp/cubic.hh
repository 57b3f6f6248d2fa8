// CUBIC (RFC 9438): the window as a cubic function of the time since the last congestion event.
#pragma once

#include <cstdint>

#include "core/units.hh"

namespace plumbline::net::tcp {

// The state of one connection. Windows are bytes, times milliseconds, fractions fixed point: the
// kernel has no floating point. Everything here happens in congestion avoidance only.
class Cubic {
 public:
  // The window after a congestion event is kBetaTenths / 10 of what was in flight (4.6).
  static constexpr uint32_t kBetaTenths = 7;

  // The window with `acknowledged` bytes newly acknowledged in congestion avoidance (4.2 to 4.5);
  // never smaller than `window`.
  uint32_t grow(uint32_t window, uint32_t acknowledged, uint32_t mss, Nanoseconds smoothed_rtt,
                Nanoseconds now);
  // A congestion event found the window at `window`: W_max with fast convergence (4.7), and the
  // next stage of congestion avoidance begins with the next call of grow().
  void congested(uint32_t window);
  // As congested(), but the next stage begins with K = 0 at the window it then finds (4.8).
  void timed_out(uint32_t window);
  // Keeps what a spurious event would destroy, and restores it (4.9.2).
  void remember() { undo_ = state_; }
  void undo() { state_ = undo_; }

  // As the RFC calls them; in bytes and milliseconds, for tests and TCP_INFO.
  uint32_t w_max() const { return state_.w_max; }
  uint32_t k() const { return state_.k; }

 private:
  struct State {
    uint64_t epoch = 0;         // t_epoch in nanoseconds
    uint64_t w_est = 0;         // W_est times 2^kFraction
    uint32_t w_max = 0;         // 0: there was no event yet
    uint32_t cwnd_prior = 0;    // the window before the last event
    uint32_t k = 0;             // in milliseconds
    bool in_stage = false;      // the variables above describe the current stage
    bool plateau_here = false;  // the stage begins with K = 0
  };
  static constexpr unsigned kFraction = 10;

  void start_stage(uint32_t window, uint32_t mss, Nanoseconds now);
  uint64_t cubic_window(uint64_t t, uint32_t mss) const;

  State state_;
  State undo_;
  Nanoseconds grown_at_;  // the last call of grow(): a long pause is the application's (5.8)
  uint32_t rest_ = 0;     // of the division by the window, so that small growth adds up
};

}  // namespace plumbline::net::tcp
