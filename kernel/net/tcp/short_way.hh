// What nearly every segment goes through, in line: input.cc and output_predicted.cc put it together
// to one function each way, the general files call it like any other.
#pragma once

#include <algorithm>

#include "net/tcp/connection.hh"

namespace plumbline::net::tcp {

// Room in memory, whatever the window promised in bytes of payload: segments much smaller than
// their buffers must not tie up more than four times the limit (or the largest window of a SYN).
// Queues keep below that as long as the peer keeps to the window. What is expected next is always
// taken when nothing waits for the reader, or a connection could stand still.
inline bool Connection::has_room(uint32_t length) const {
  const uint32_t most = 4 * std::max(receive_limit_, uint32_t{64 * kKiB});
  return receive_queue_.memory() + length <= most || receive_queue_.readable() == 0;
}

// Says when what arrived is acknowledged (RFC 9293 section 3.8.6.3; RFC 5681 section 4.2): for
// every second full-sized segment at once, else with the program's answer or when the time is up.
[[gnu::always_inline]] inline void Connection::data_arrived(const Segment& segment, uint32_t length,
                                                            Nanoseconds now) {
  if (length > receive_segment_) [[unlikely]]
    measure_segment(segment, length);
  if (quick_segments_ != 0 || static_cast<uint32_t>(receive_next_ - last_acknowledged_) >=
                                  2 * uint32_t{receive_segment_}) [[unlikely]] {
    if (quick_segments_ != 0) --quick_segments_;
    acknowledge_now_ = true;
    defer();
    return;
  }
  if (acknowledge_at_ == kNever) {
    acknowledge_at_ = now + domain_->settings.delayed_acknowledgement;
    want_timer(acknowledge_at_);
  }
}

// SND.UNA < SEG.ACK <= SND.NXT.
[[gnu::always_inline]] inline void Connection::acknowledge_new(const Segment& segment,
                                                               Nanoseconds now) {
  const auto numbers = static_cast<uint32_t>(segment.acknowledgement - send_unacknowledged_);
  Acknowledgement acknowledgement;
  fill(acknowledgement, segment);
  const AckOutcome outcome = recovery_.acknowledge(acknowledgement, now);
  const uint32_t bytes = numbers - (fin_sent_ && segment.acknowledgement == send_next_);
  send_unacknowledged_ = segment.acknowledgement;
  progress_ = now;
  send_queue_.acknowledge(bytes);
  counters_.bytes_acknowledged += bytes;
  if (outcome.lost != 0) [[unlikely]]
    defer();
  if (blocked_) [[unlikely]]
    room_came_free();
}

inline void Connection::fill(Acknowledgement& to, const Segment& segment) const {
  to.number = segment.acknowledgement;
  if (selective_) to.sacks = {segment.options.sack, segment.options.sack_count};
  to.congestion_echo = ecn_ && segment.has(tcp_flags::kEce);
  to.has_echo = timestamps_ && segment.options.has_timestamp;
  to.echo = segment.options.timestamp_echo - timestamp_offset_;
}

// Bytes that could be offered now. In sums of memory, because that is what the limit is of.
inline uint32_t Connection::receive_space() const {
  const uint32_t used = receive_queue_.memory();
  return receive_limit_ > used ? receive_limit_ - used : 0;
}

// The window field of a segment that is being sent; moves RCV.NXT + RCV.WND accordingly.
[[gnu::always_inline]] inline uint16_t Connection::choose_window() {
  const auto told = static_cast<uint32_t>(receive_edge_ - receive_next_);
  const uint32_t space = receive_space();
  // The right edge never moves to the left (section 3.8.6.2.1, SHLD-14), and to the right only in
  // steps that are worth a segment. Rounded down by the scale it would move to the left (RFC 7323
  // section 2.4), hence up.
  uint32_t window = told + ((uint32_t{1} << receive_scale_) - 1);
  if (space >= told + std::min<uint32_t>(receive_limit_ / 2, receive_segment_))
    window = std::max(window, space);
  const uint32_t field = std::min(window >> receive_scale_, uint32_t{65535});
  receive_edge_ = receive_next_ + (field << receive_scale_);
  return static_cast<uint16_t>(field);
}

// Bytes of header without SACK blocks.
inline uint32_t Connection::plain_header() const {
  return TcpHeader::kSize + (timestamps_ ? tcp_options::kPaddedTimestampsLength : 0);
}

// Writes a header of `length` bytes but for SACK blocks, and notes what it tells the peer: it
// acknowledges all that was received, so no other segment need do it. Whole words, because each
// store costs the same. Returns where options may go on.
[[gnu::always_inline]] inline std::byte* Connection::write_header(std::byte* at, uint8_t flags,
                                                                  Sequence sequence,
                                                                  uint32_t length,
                                                                  Nanoseconds now) {
  store_be16(at, key.local_port);
  store_be16(at + 2, key.remote_port);
  store_be32(at + 4, sequence.value);
  store_be32(at + 8, receive_next_.value);
  store_be32(at + 12, length << 26 | uint32_t{flags} << 16 | choose_window());
  store_unaligned(at + 16, uint32_t{0});  // checksum, urgent pointer
  at += TcpHeader::kSize;
  if (timestamps_) {
    // How everybody lays them out (RFC 7323, appendix A).
    store_be32(at, tcp_options::kPaddedTimestamps);
    store_be32(at + 4, timestamp(now, timestamp_offset_));
    store_be32(at + 8, recent_timestamp_);
    at += tcp_options::kPaddedTimestampsLength;
  }
  last_acknowledged_ = receive_next_;
  acknowledge_now_ = false;
  acknowledge_at_ = kNever;
  return at;
}

}  // namespace plumbline::net::tcp
