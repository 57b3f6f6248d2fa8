// How large segments may be: what the peer takes, what the path takes, and what of that options use
// (RFC 9293 section 3.7.1; RFC 6691), and the events that make it less.
#include <algorithm>

#include "net/tcp/connection.hh"

namespace plumbline::net::tcp {

using namespace state_sets;

namespace {
constexpr uint32_t kIpv4Header = 20;
constexpr uint32_t kIpv6Header = 40;
// Smaller paths do not exist (RFC 791: 68 bytes; RFC 8200 section 5: 1280): an ICMP message that
// says so lies, and would make us send headers only.
constexpr uint32_t kLeastIpv4 = 68 + 484;
constexpr uint32_t kLeastIpv6 = 1280;
}  // namespace

uint32_t Connection::network_header() const {
  return key.remote.is_v4() ? kIpv4Header : kIpv6Header;
}

// The MSS option of our SYNs: what the way back probably takes, too (Linux does the same).
uint16_t Connection::own_mss() const {
  const uint32_t mss = domain_->mtu_of(key) - network_header() - TcpHeader::kSize;
  return static_cast<uint16_t>(maximum_segment_ != 0 ? std::min<uint32_t>(mss, maximum_segment_)
                                                     : mss);
}

// Takes over a path's MTU and recomputes the size of a full segment.
void Connection::set_path_mtu(uint32_t mtu) {
  path_mtu_ = static_cast<uint16_t>(std::min(mtu, uint32_t{65535}));
  uint32_t size = path_mtu_ - network_header() - TcpHeader::kSize;
  size = std::min<uint32_t>(size, peer_mss_);
  if (maximum_segment_ != 0) size = std::min<uint32_t>(size, maximum_segment_);
  size = std::max<uint32_t>(size, domain_->settings.minimum_mss);
  // RFC 6691: the MSS counts options as payload.
  if (timestamps_) size -= tcp_options::kPaddedTimestampsLength;
  segment_size_ = static_cast<uint16_t>(size);
}

// RFC 1191 section 3, RFC 8201 section 4.
bool Connection::packet_too_big(uint32_t mtu, Sequence sequence, Nanoseconds now) {
  if (left_ || state_ == State::kSynSent || state_ == State::kSynReceived) return false;
  // Of data in flight, or it is not about us (RFC 5927 section 4.1).
  if (sequence < send_unacknowledged_ || sequence >= send_next_) return false;
  mtu = std::max(mtu, key.remote.is_v4() ? kLeastIpv4 : kLeastIpv6);
  if (mtu >= path_mtu_) return false;
  reduce_segments(mtu, now);
  return true;
}

void Connection::reduce_segments(uint32_t mtu, Nanoseconds now) {
  const uint32_t before = segment_size_;
  set_path_mtu(mtu);
  if (segment_size_ >= before) return;
  recovery_.set_mss(segment_size_, true, now);
  mtu_reduced_at_ = now;
  defer();
}

// A path may have become wider, or was never as narrow as it seemed: the link's size is tried again
// after ten minutes (RFC 1191 section 6.3).
void Connection::try_larger_segments(Nanoseconds now) {
  mtu_reduced_at_ = {};
  set_path_mtu(domain_->mtu_of(key));
  recovery_.set_mss(segment_size_, false, now);
}

// Full-sized segments that vanish again and again, while ICMP is silent: perhaps a router that
// drops what is too large without saying so (RFC 4821 section 7.7, with the sizes of section 7.2).
void Connection::detect_black_hole(unsigned attempts, Nanoseconds now) {
  const Settings& settings = domain_->settings;
  // Four in a row, as they come from a path that loses one in ten once in ten thousand times.
  if (!settings.black_hole_detection || attempts < 4) return;
  const uint32_t headers = network_header() + TcpHeader::kSize;
  const uint32_t least = key.remote.is_v4() ? kLeastIpv4 : kLeastIpv6;
  const uint32_t first = settings.black_hole_mss + headers;
  const uint32_t next = path_mtu_ > first ? first : least;
  // What is in flight may be one segment that is neither full-sized nor small enough.
  if (next >= path_mtu_ || in_flight() + headers <= next) return;
  ++domain_->statistics.black_holes;
  reduce_segments(std::max(next, least), now);
}

bool Connection::unreachable(Errno error, bool hard, Sequence sequence, Nanoseconds now) {
  if (left_) return false;
  if (sequence < send_unacknowledged_ || sequence >= send_next_) return false;
  const bool opening = state_ == State::kSynSent || state_ == State::kSynReceived;
  // RFC 5927 section 5.2: an established connection is not ended by what anybody could have sent.
  if (hard && opening) {
    fail(error, now);
    return true;
  }
  soft_error_ = error;
  notify(kSoftError);
  return true;
}

}  // namespace plumbline::net::tcp
