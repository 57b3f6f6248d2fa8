// The segments that open a connection: SYN-SENT (RFC 9293 section 3.10.7.3), SYN-RECEIVED, and what
// is agreed by their options.
#include <algorithm>

#include "net/tcp/connection.hh"

namespace plumbline::net::tcp {

using namespace tcp_flags;

void Connection::receive_syn_sent(Segment& segment, Nanoseconds now) {
  // First: an acknowledgement of anything but our SYN is of another connection.
  if (segment.has(kAck) && segment.acknowledgement != send_next_) {
    send_reset_for(segment, now);
    return;
  }
  // Second.
  if (segment.has(kRst)) {
    if (!segment.has(kAck)) return;
    ++domain_->statistics.resets_received;
    fail(Errno::kECONNREFUSED, now);
    return;
  }
  // Fourth and fifth.
  if (!segment.has(kSyn)) return;
  last_received_ = now;
  receive_next_ = segment.sequence + 1;
  last_acknowledged_ = receive_next_;
  receive_edge_ = receive_next_ + syn_window();
  window_sequence_ = segment.sequence;
  take_options(segment);
  // A SYN's window is not scaled (RFC 7323 section 2.2).
  send_window_ = largest_window_ = segment.window;
  segment.flags &= static_cast<uint8_t>(~kSyn);
  segment.sequence += 1;
  if (!segment.has(kAck)) {
    // Both ends opened at the same time (section 3.5, figure 7). What the segment carries besides
    // its SYN comes again.
    state_ = State::kSynReceived;
    ecn_ = false;
    window_acknowledgement_ = send_unacknowledged_;
    send_syn(now);
    return;
  }
  window_acknowledgement_ = send_unacknowledged_ = segment.acknowledgement;
  acknowledge_now_ = true;
  defer();
  established(now);
  if (!left_) receive_payload(segment, now);
}

// Fifth in SYN-RECEIVED: the acknowledgement of our SYN makes the connection.
bool Connection::complete_handshake(Segment& segment, Nanoseconds now) {
  if (segment.acknowledgement != send_next_) {
    send_reset_for(segment, now);
    return false;
  }
  send_unacknowledged_ = segment.acknowledgement;
  set_send_window(segment);
  established(now);
  return !left_;
}

// What is agreed: an option counts when both SYNs carry it.
void Connection::take_options(const Segment& syn) {
  const Segment::Options& options = syn.options;
  const uint16_t unspecified = key.remote.is_v4() ? 536 : 1220;  // section 3.7.1
  peer_mss_ = std::max(options.mss != 0 ? options.mss : unspecified, domain_->settings.minimum_mss);
  timestamps_ = timestamps_ && options.has_timestamp;
  if (timestamps_) recent_timestamp_ = options.timestamp_value;
  selective_ = selective_ && options.sack_permitted;
  scaled_ = scaled_ && options.window_scale >= 0;
  // RFC 7323 section 2.3: a larger shift counts as 14.
  send_scale_ =
      scaled_ ? std::min(static_cast<uint8_t>(options.window_scale), TcpHeader::kMaximumWindowScale)
              : uint8_t{0};
  if (!scaled_) receive_scale_ = 0;
  // ECN-setup SYN, ACK: ECE and not CWR (RFC 3168 section 6.1.1).
  ecn_ = ecn_ && (syn.flags & (kEce | kCwr)) == kEce;
  set_path_mtu(path_mtu_);
}

}  // namespace plumbline::net::tcp
