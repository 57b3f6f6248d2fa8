// CUBIC (RFC 9438): the window as a cubic function of the time since the last congestion event.
#pragma once

#include <cstdint>

#include "core/units.hh"

namespace plumbline::net::tcp {

// The state of one connection. Windows are bytes, times milliseconds, fractions fixed point: the
// kernel has no floating point. Everything here is of congestion avoidance only.
class Cubic {
 public:
  // The window after a congestion event is so much of what it was (4.6).
  static constexpr uint32_t kBetaTenths = 7;

  // The window with `acknowledged` bytes newly acknowledged in congestion avoidance (4.2 to 4.5);
  // never smaller than `window`.
  uint32_t grow(uint32_t window, uint32_t acknowledged, uint32_t mss, Nanoseconds smoothed_rtt,
                Nanoseconds now);
  // A congestion event found the window at `window`: W_max with fast convergence (4.7). The next
  // stage of congestion avoidance begins with the next call of grow().
  void congested(uint32_t window);
  // And it was a timeout: the next stage begins at its plateau, K = 0 (4.8).
  void timed_out() { plateau_ = true; }
  // Keeps what a spurious event would destroy, and restores it (4.9.2). The stage itself begins
  // anew: below W_max it is a later part of the same curve.
  void remember() {
    undo_w_max_ = w_max_;
    undo_cwnd_prior_ = cwnd_prior_;
  }
  void undo() {
    w_max_ = undo_w_max_;
    cwnd_prior_ = undo_cwnd_prior_;
    started_ = plateau_ = false;
  }

  // As the RFC calls them, in bytes and milliseconds.
  uint32_t w_max() const { return w_max_; }
  uint32_t k() const { return k_; }

 private:
  // W_est has fractions of 2^-kFraction.
  static constexpr unsigned kFraction = 10;

  void start(uint32_t window, uint32_t mss, Nanoseconds now);
  uint64_t window_at(uint64_t milliseconds, uint32_t mss) const;

  uint64_t epoch_ = 0;       // t_epoch, in nanoseconds
  Nanoseconds grown_at_;     // the last call of grow()
  uint64_t w_est_ = 0;       // W_est times 2^kFraction
  uint32_t w_max_ = 0;       // 0: there was no event yet
  uint32_t cwnd_prior_ = 0;  // the window before the last event
  uint32_t k_ = 0;           // in milliseconds
  uint32_t rest_ = 0;        // of the division by the window, so that small growth adds up
  uint32_t undo_w_max_ = 0;
  uint32_t undo_cwnd_prior_ = 0;
  bool started_ = false;  // epoch_, w_est_ and k_ are of the stage that runs
  bool plateau_ = false;  // the stage begins with K = 0
};

}  // namespace plumbline::net::tcp
