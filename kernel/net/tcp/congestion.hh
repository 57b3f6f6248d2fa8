// The congestion window: how much may be in flight (RFC 5681), by CUBIC (RFC 9438) or NewReno.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/units.hh"
#include "net/tcp/cubic.hh"

namespace plumbline::net::tcp {

enum class CongestionAlgorithm : uint8_t { kCubic, kReno };

// The names that TCP_CONGESTION knows: "cubic" and "reno".
std::optional<CongestionAlgorithm> congestion_algorithm(std::string_view name);
std::string_view name_of(CongestionAlgorithm algorithm);

// Window and slow start threshold of one connection, in bytes. It is told what happens (data was
// delivered, a loss, a timeout); when and why is the business of LossRecovery. The algorithm is a
// branch, not a virtual call: it can be changed at any time (setsockopt).
//
// Events reduce what the window is, not what is in flight: the window grows only while it is what
// limits the sender, and shrinks when the sender pauses, which is what RFC 9438 (4.6) asks for
// then.
class Congestion {
 public:
  static constexpr uint32_t kUnlimited = UINT32_MAX;
  // As far as a receive window goes (RFC 7323, 2.3).
  static constexpr uint32_t kMaximumWindow = 1 << 30;

  // The initial window (RFC 6928, section 2): ten segments, but no more than 14,600 bytes or two
  // segments. After a lost SYN it is one segment (RFC 5681, 3.1).
  static uint32_t initial_window(uint32_t mss, bool syn_lost);

  void start(CongestionAlgorithm algorithm, uint32_t mss, uint32_t window);
  // Changes the algorithm; window and threshold stay.
  void set_algorithm(CongestionAlgorithm algorithm);
  CongestionAlgorithm algorithm() const { return algorithm_; }
  // Changes the segment size that growth is counted in; the window stays, but for its minimum.
  void set_mss(uint32_t mss) {
    mss_ = mss;
    set_window(window_);
  }

  uint32_t window() const { return window_; }
  uint32_t threshold() const { return threshold_; }
  bool slow_start() const { return window_ < threshold_; }

  // `delivered` bytes were newly acknowledged outside of fast recovery while the window was what
  // limited the sender (RFC 7661 explains why nothing grows otherwise).
  void acknowledged(uint32_t delivered, Nanoseconds smoothed_rtt, Nanoseconds now);
  // A congestion event: a loss that SACKs, duplicates or time reveal, or an ECN echo. Sets the
  // threshold; the window follows with leave_recovery(), meanwhile PRR steers.
  void congested();
  // The retransmission timer expired: a window of one segment, and a threshold as above, unless
  // this happens `again` in one series of losses (RFC 5681, 3.1).
  void timed_out(bool again);
  // Recovery is over: the window is the threshold (RFC 6937, section 3).
  void leave_recovery() { set_window(threshold_); }
  // At least one segment.
  void set_window(uint32_t bytes) {
    window_ = bytes < mss_ ? mss_ : bytes < kMaximumWindow ? bytes : kMaximumWindow;
  }
  // The events since forget_undo() were none: window, threshold and CUBIC's state are again what
  // they were before the first of them, unless the window has grown beyond (RFC 4015; RFC
  // 9438, 4.9).
  void undo();
  void forget_undo() { undo_valid_ = false; }
  // The connection has sent nothing for `idle`: halves the window for every timeout in it, down to
  // the initial window (RFC 5681, 4.1; RFC 2861).
  void idle(Nanoseconds idle, Nanoseconds timeout);

  const Cubic& cubic() const { return cubic_; }

 private:
  void avoid_congestion(uint32_t delivered, Nanoseconds smoothed_rtt, Nanoseconds now);
  void remember();
  uint32_t reduced() const;

  uint32_t window_ = 0;
  uint32_t threshold_ = kUnlimited;
  uint32_t mss_ = 536;
  uint32_t credit_ = 0;  // NewReno: bytes acknowledged since the window grew last (RFC 3465)
  uint32_t undo_window_ = 0;
  uint32_t undo_threshold_ = 0;
  CongestionAlgorithm algorithm_ = CongestionAlgorithm::kCubic;
  bool undo_valid_ = false;
  Cubic cubic_;
};

}  // namespace plumbline::net::tcp
