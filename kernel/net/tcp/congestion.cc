#include "net/tcp/congestion.hh"

#include <algorithm>

namespace plumbline::net::tcp {

std::optional<CongestionAlgorithm> congestion_algorithm(std::string_view name) {
  if (name == "cubic") return CongestionAlgorithm::kCubic;
  if (name == "reno") return CongestionAlgorithm::kReno;
  return std::nullopt;
}

std::string_view name_of(CongestionAlgorithm algorithm) {
  return algorithm == CongestionAlgorithm::kCubic ? "cubic" : "reno";
}

uint32_t Congestion::initial_window(uint32_t mss, bool syn_lost) {
  return syn_lost ? mss : std::min(10 * mss, std::max(2 * mss, 14600U));
}

void Congestion::start(CongestionAlgorithm algorithm, uint32_t mss, uint32_t window) {
  *this = Congestion();
  algorithm_ = algorithm;
  mss_ = mss;
  set_window(window);
}

void Congestion::set_algorithm(CongestionAlgorithm algorithm) {
  if (algorithm == algorithm_) return;
  algorithm_ = algorithm;
  credit_ = 0;
  cubic_ = Cubic();
  undo_valid_ = false;
}

void Congestion::acknowledged(uint32_t delivered, Nanoseconds smoothed_rtt, Nanoseconds now) {
  if (slow_start()) {
    // By all that was acknowledged, not by a segment or two an ACK: peers and GRO answer many
    // segments at once (RFC 3465 limits it because of bursts, which the acknowledged bytes already
    // were).
    const uint32_t bytes = std::min(delivered, threshold_ - window_);
    set_window(window_ + bytes);
    delivered -= bytes;
    if (delivered == 0) return;
  }
  avoid_congestion(delivered, smoothed_rtt, now);
}

void Congestion::avoid_congestion(uint32_t delivered, Nanoseconds smoothed_rtt, Nanoseconds now) {
  if (algorithm_ == CongestionAlgorithm::kCubic) {
    set_window(cubic_.grow(window_, delivered, mss_, smoothed_rtt, now));
    return;
  }
  // A segment for each window that was acknowledged (RFC 5681, 3.1; RFC 3465, 2.1).
  credit_ += delivered;
  while (credit_ >= window_) {
    credit_ -= window_;
    set_window(window_ + mss_);
  }
}

uint32_t Congestion::reduced() const {
  // RFC 5681, equation 4; RFC 9438, 4.6.
  const uint64_t tenths = algorithm_ == CongestionAlgorithm::kCubic ? Cubic::kBetaTenths : 5;
  return std::max(static_cast<uint32_t>(window_ * tenths / 10), 2 * mss_);
}

void Congestion::remember() {
  if (undo_valid_) return;
  undo_valid_ = true;
  undo_window_ = window_;
  undo_threshold_ = threshold_;
  cubic_.remember();
}

void Congestion::congested() {
  remember();
  threshold_ = reduced();
  credit_ = 0;
  cubic_.congested(window_);
}

void Congestion::timed_out(bool again) {
  remember();
  if (!again) {
    threshold_ = reduced();
    cubic_.congested(window_);
  }
  cubic_.timed_out();
  credit_ = 0;
  set_window(mss_);
}

void Congestion::undo() {
  if (!undo_valid_) return;
  undo_valid_ = false;
  if (window_ < undo_window_) {
    window_ = undo_window_;
    cubic_.undo();
  }
  threshold_ = std::max(threshold_, undo_threshold_);
}

void Congestion::idle(Nanoseconds idle, Nanoseconds timeout) {
  const uint32_t restart = std::min(initial_window(mss_, false), window_);
  if (idle <= timeout || timeout.count == 0) return;
  // What the window was tells where to stop growing fast (RFC 2861, section 3).
  if (threshold_ != kUnlimited) threshold_ = std::max(threshold_, window_ / 4 * 3);
  const uint64_t periods = std::min<uint64_t>(idle.count / timeout.count, 31);
  set_window(std::max(window_ >> periods, restart));
}

}  // namespace plumbline::net::tcp
