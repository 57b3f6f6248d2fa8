// EndpointChecker: the form of segments, and the data that they carry for the first time.
#include <algorithm>

#include "net/simulator/endpoint_checker.hh"

namespace plumbline::net::simulator {

void EndpointChecker::check_form(const ObservedSegment& segment, Nanoseconds now) {
  using enum_segment = ObservedSegment;
  if (segment.ip_length > rules_.mtu)
    wrong(now, segment,
          "a packet of " + std::to_string(segment.ip_length) + " bytes, MTU is " +
              std::to_string(rules_.mtu));
  const auto flags = segment.flags;
  if ((flags & enum_segment::kSyn) != 0 && (flags & (enum_segment::kFin | enum_segment::kRst)) != 0)
    wrong(now, segment, "SYN with FIN or RST");
  // Retransmissions, ACKs without data, SYNs and probes are not ECN-capable (RFC 3168 section 6.1).
  if (segment.ecn != 0 && segment.payload.empty())
    wrong(now, segment, "an ECN-capable packet without data");
  if (segment.ecn == 3) wrong(now, segment, "sent with congestion experienced already");
}

void EndpointChecker::check_syn(const ObservedSegment& segment, Nanoseconds now) {
  if (segment.mss == 0) wrong(now, segment, "a SYN without MSS (RFC 9293 section 3.7.1)");
  if (!segment.payload.empty()) wrong(now, segment, "a SYN with data");
  if (!syn_sent_) {
    syn_sent_ = true;
    initial_sent_ = segment.sequence;
    own_scale_ = segment.window_scale;
    own_mss_ = segment.mss;
    own_sack_ = segment.sack_permitted;
    own_timestamps_ = segment.has_timestamp;
  } else if (segment.sequence != initial_sent_) {
    wrong(now, segment, "the SYN changed its number");
  }
  if (segment.has(ObservedSegment::kAck) && syn_received_) {
    // An answer must not agree to what was not offered (RFC 7323 sections 1.3 and 3.2, RFC 2018).
    if (segment.window_scale >= 0 && peer_scale_ < 0) wrong(now, segment, "scaling not offered");
    if (segment.has_timestamp && !peer_timestamps_) wrong(now, segment, "timestamps not offered");
    if (segment.sack_permitted && !peer_sack_) wrong(now, segment, "SACK not offered");
  }
}

void EndpointChecker::check_data(const ObservedSegment& segment, uint64_t begin, Nanoseconds now) {
  const uint64_t end = begin + segment.sequence_length();
  const uint64_t data_end = begin + segment.payload.size();
  if (!segment.payload.empty()) {
    ++figures_.data_segments;
    if (begin == 0) {
      wrong(now, segment, "data at the SYN's number");
    } else if (pattern_.matches(begin - 1, segment.payload) != segment.payload.size()) {
      wrong(now, segment, "the bytes are not the stream's");
    }
    if (data_end - 1 > written_)
      wrong(now, segment, "more data than the application wrote: " + std::to_string(written_));
    if (!syn_received_) wrong(now, segment, "data before the peer's SYN");
  }
  if (segment.has(ObservedSegment::kFin)) {
    if (fin_sent_ && end - 1 != fin_position_) wrong(now, segment, "the FIN moved");
    if (end - 1 != written_ + 1) wrong(now, segment, "a FIN before the end of the data");
    fin_sent_ = true;
    fin_position_ = end - 1;
  } else if (fin_sent_ && data_end > fin_position_) {
    wrong(now, segment, "data behind the FIN");
  }

  if (!segment.has(ObservedSegment::kSyn)) {
    // One byte into a closed window is a probe (RFC 9293 section 3.8.6.1).
    const bool probe = segment.payload.size() <= 1 && begin <= unacknowledged_ + 1 &&
                       last_edge_ <= unacknowledged_;
    // A FIN takes no buffer; it may follow where data may not. (Linux sends it so; the RFCs count
    // it, but a receiver has to take it at the edge.)
    if (data_end > right_edge_ && !(probe && data_end <= right_edge_ + 1))
      wrong(now, segment,
            "beyond the peer's window, which ends at " + std::to_string(right_edge_) +
                " (segment at " + std::to_string(begin) + ")");
    if (probe) ++figures_.window_probes;
    if (!segment.payload.empty()) check_size(segment, begin, data_end, now);
  }

  const bool again = begin < next_;
  if (again) {
    check_again(segment, begin, std::min(end, next_), now);
  } else {
    figures_.data_bytes += segment.payload.size();
    if (begin > next_) wrong(now, segment, "a gap in what is sent");
    // However fast the window grows: no faster than what is acknowledged (RFC 5681 section 3.1).
    const uint64_t in_flight = end - delivered_;
    const uint64_t bound =
        uint64_t{rules_.initial_window + 1} * std::max<uint64_t>(peer_mss_, rules_.mtu - 40u) +
        2 * delivered_;
    // Without SACK duplicates of an ACK stand for what has arrived.
    if (in_flight > bound && own_sack_ && peer_sack_)
      wrong(now, segment,
            "more in flight than any congestion window can be: " + std::to_string(in_flight));
  }
  record(begin, end, now);
}

void EndpointChecker::check_size(const ObservedSegment& segment, uint64_t begin, uint64_t end,
                                 Nanoseconds now) {
  const auto length = static_cast<uint32_t>(segment.payload.size());
  // RFC 6691: the MSS option counts 20 bytes of TCP header, options come out of it.
  const uint32_t options = segment.header_bytes - 20;
  const uint32_t ip_header = segment.ip_length - segment.header_bytes - length;
  uint32_t full = peer_mss_;
  const uint32_t mtu = path_mtu_ == 0 ? rules_.mtu : std::min(path_mtu_, rules_.mtu);
  full = std::min(full, mtu - ip_header - 20) - options;
  if (length + options > peer_mss_)
    wrong(now, segment, "larger than the peer's MSS of " + std::to_string(peer_mss_));
  if (length >= full || begin < next_) return;

  // New data in a segment of less than full size: sender's silly window avoidance (RFC 9293
  // section 3.8.6.2.1). Small is right at the end of what was written, and ...
  const uint64_t earlier_small = small_end_;
  small_end_ = end;
  // A path MTU being searched makes smaller segments than these rules know of; time-outs are where
  // such a search begins (RFC 4821 section 7.7).
  if (path_mtu_ != 0 || timeouts_ >= 2) return;
  // A tail loss probe is new data where there is some, no matter how little (RFC 8985 section 7.3).
  if (now - last_sent_ >= least_round_trip_.value_or(milliseconds(500)) * 15 / 8) return;
  // After a time-out that may have been spurious comes new data (RFC 5682 section 2.1).
  if (now - progress_ >= rules_.minimum_timeout) return;
  if (end - 1 == written_) {
    // ... with Nagle's algorithm only when nothing small is on its way already; Minshall's
    // variation of it looks at small segments only.
    if (rules_.nagle && earlier_small > unacknowledged_ && !segment.has(ObservedSegment::kFin) &&
        unacknowledged_ != begin)
      wrong(now, segment, "a second small segment in flight (RFC 9293 section 3.7.4)");
    return;
  }
  // ... when it is half of the largest window the peer ever had, or the window stayed shut for long
  // (the override time-out, RFC 9293 3.8.6.2.1 (4)), as a probe.
  if (length * 2 >= widest_window_) return;
  if (now - last_sent_ >= milliseconds(100)) return;
  wrong(now, segment,
        "a silly segment of " + std::to_string(length) + " bytes where " + std::to_string(full) +
            " fit");
}

}  // namespace plumbline::net::simulator
