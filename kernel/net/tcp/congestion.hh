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
// delivered, a loss, a timeout) and by how much; when and why is the business of LossRecovery.
// The algorithm is a branch, not a virtual call: it can be changed at any time (setsockopt), and an
// acknowledgement in slow start looks at neither.
class Congestion {
 public:
  static constexpr uint32_t kUnlimited = UINT32_MAX;

  // The initial window (RFC 6928): ten segments, but no more than 14,600 bytes or two segments.
  // After a lost SYN it is one segment (RFC 5681, 3.1).
  static uint32_t initial_window(uint32_t mss, bool syn_lost);

  void start(CongestionAlgorithm algorithm, uint32_t mss, uint32_t window);
  // Changes the algorithm; the window stays, as does the threshold.
  void set_algorithm(CongestionAlgorithm algorithm);
  CongestionAlgorithm algorithm() const { return algorithm_; }
  // Changes the segment size the growth is counted in; the window stays (RFC 9293, 3.7.5).
  void set_mss(uint32_t mss);

  uint32_t window() const { return window_; }
  uint32_t threshold() const { return threshold_; }
  bool slow_start() const { return window_ < threshold_; }

  // `delivered` bytes were newly acknowledged outside of recovery while the window was what limited
  // the sender (RFC 7661 explains why nothing grows otherwise).
  void acknowledged(uint32_t delivered, Nanoseconds smoothed_rtt, Nanoseconds now) {
    if (slow_start())
      grow_exponentially(delivered);
    else
      avoid_congestion(delivered, smoothed_rtt, now);
  }
  // A congestion event: a loss that duplicates or time reveal, or an ECN echo. Sets the threshold;
  // the window follows when recovery ends (leave_recovery), meanwhile PRR or NewReno steer it.
  // `in_flight` is FlightSize (RFC 5681, equation 4).
  void congested(uint32_t in_flight, Nanoseconds now);
  // The retransmission timer expired: threshold as above, and a window of one segment (RFC
  // 5681, 3.1). `again`: no progress since the timeout before, the threshold stays (RFC 5681, 3.1,
  // footnote).
  void timed_out(uint32_t in_flight, bool again, Nanoseconds now);
  // Recovery is over: the window is the threshold (RFC 6937, 3.1).
  void leave_recovery() { set_window(threshold_); }
  // Recovery or ECN sets the window directly; at least one segment.
  void set_window(uint32_t bytes) { window_ = bytes < mss_ ? mss_ : bytes; }
  // What the last congestion event did was wrong: it was no loss (RFC 3522, 4015; RFC 9438, 4.9).
  // Restores what was before the first event since forget_undo().
  void undo();
  // Nothing to restore any more: the next event is the first of an episode.
  void forget_undo() { undo_valid_ = false; }
  bool can_undo() const { return undo_valid_; }
  // The connection has sent nothing for `idle`: halves the window for every timeout in it, down to
  // the initial window (RFC 5681, 4.1; RFC 2861).
  void idle(Nanoseconds idle, Nanoseconds timeout);

 private:
  void grow_exponentially(uint32_t delivered);
  void avoid_congestion(uint32_t delivered, Nanoseconds smoothed_rtt, Nanoseconds now);
  void remember();
  // The threshold after an event.
  uint32_t reduced(uint32_t in_flight, Nanoseconds now);

  uint32_t window_ = 0;
  uint32_t threshold_ = kUnlimited;
  uint32_t mss_ = 0;
  uint32_t credit_ = 0;  // NewReno: bytes acknowledged since the window grew last (RFC 3465)
  uint32_t undo_window_ = 0;
  uint32_t undo_threshold_ = 0;
  CongestionAlgorithm algorithm_ = CongestionAlgorithm::kCubic;
  bool undo_valid_ = false;
  Cubic cubic_;
};

}  // namespace plumbline::net::tcp
