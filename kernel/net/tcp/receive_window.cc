// How much the peer may send: RCV.WND, moved without silly windows (RFC 9293 section 3.8.6.2.2),
// and the buffer behind it, which grows with what the program reads.
#include <algorithm>

#include "net/tcp/short_way.hh"

namespace plumbline::net::tcp {

// The shift that lets a window of `bytes` be told in 16 bits (RFC 7323 section 2.3).
uint8_t Connection::window_scale(uint32_t bytes) {
  uint8_t shift = 0;
  while (shift < TcpHeader::kMaximumWindowScale && bytes >> shift > 65535) ++shift;
  return shift;
}

// What a SYN offers: its window is never scaled.
uint16_t Connection::syn_window() const {
  return static_cast<uint16_t>(std::min(receive_limit_, uint32_t{65535}));
}

uint32_t Connection::advertised_window() const {
  return static_cast<uint32_t>(receive_edge_ - receive_next_);
}

void Connection::consumed(uint32_t bytes, Nanoseconds now) {
  if (left_ || peer_closed_) return;
  if (!receive_fixed_) {
    growth_bytes_ += bytes;
    if (growth_bytes_ >= receive_limit_ / 4) [[unlikely]]
      grow_receive_buffer(now);
  }
  // News of its own only when the window doubles: otherwise the next segment that is sent tells it.
  const uint32_t told = advertised_window();
  const uint32_t space = std::min(receive_space(), uint32_t{65535} << receive_scale_);
  if (space < 2 * told ||
      space - told < std::min(receive_limit_ / 2, 2 * uint32_t{receive_segment_}))
    return;
  acknowledge_now(now);
}

// "Dynamic right-sizing" (Fisk and Feng, 2001): what the program reads in a round trip is what the
// sender's window lets through; twice that lets the sender double it. Nothing grows for a program
// that does not read, and a request in a while is no stream.
void Connection::grow_receive_buffer(Nanoseconds now) {
  const Nanoseconds trip = std::max(recovery_.rtt().smoothed(), microseconds(100));
  const Nanoseconds elapsed = now - growth_start_;
  const bool half = growth_bytes_ >= receive_limit_ / 2;
  if (elapsed < trip && !half) return;
  growth_start_ = now;
  growth_bytes_ = 0;
  // A window that is rarely used up to its half limits nobody.
  if (!half || elapsed > trip * 2) return;
  const uint32_t maximum = domain_->settings.receive_buffer_maximum;
  receive_limit_ =
      receive_limit_ > maximum / 2 ? std::max(maximum, receive_limit_) : 2 * receive_limit_;
}

}  // namespace plumbline::net::tcp
