#include "net/simulator/endpoint_checker.hh"

#include <algorithm>

namespace plumbline::net::simulator {

EndpointChecker::EndpointChecker(std::string name, BytePattern pattern, const EndpointRules& rules,
                                 Violations& violations)
    : name_(std::move(name)), pattern_(pattern), rules_(rules), violations_(violations) {}

void EndpointChecker::wrong(Nanoseconds now, const ObservedSegment& segment,
                            const std::string& text) {
  violations_.add(now, name_ + ": " + text + " [" + segment.describe() + "]");
}

uint64_t EndpointChecker::position(uint32_t number, uint32_t initial, uint64_t near) {
  const auto difference = static_cast<int32_t>(number - initial - static_cast<uint32_t>(near));
  // Numbers before the SYN (a keep-alive probe right after the handshake has one) count as 0.
  if (difference < 0 && near < static_cast<uint64_t>(-int64_t{difference})) return 0;
  return near + static_cast<uint64_t>(int64_t{difference});
}

void EndpointChecker::sent(const ObservedSegment& segment, Nanoseconds now) {
  ++figures_.segments;
  ++order_;
  check_form(segment, now);
  if (segment.has(ObservedSegment::kRst)) {
    over_ = true;
    return;
  }
  if (segment.has(ObservedSegment::kSyn)) {
    check_syn(segment, now);
  } else if (!syn_sent_) {
    wrong(now, segment, "a segment before the SYN");
    return;
  }
  const uint64_t begin = own_position(segment.sequence);
  const uint64_t end = begin + segment.sequence_length();
  if (segment.payload.empty() && !segment.has(ObservedSegment::kSyn)) ++figures_.acknowledgements;
  check_timestamp(segment, now);
  if (segment.has(ObservedSegment::kAck)) {
    check_acknowledgement(segment, now);
  } else if (!segment.has(ObservedSegment::kSyn)) {
    wrong(now, segment, "a segment without ACK");
  }
  if (end > begin) check_data(segment, begin, now);
  // A pure ACK stands at SND.NXT, a probe right before SND.UNA.
  if (end == begin && begin > next_) wrong(now, segment, "a sequence number beyond what was sent");
  next_ = std::max(next_, end);
}

void EndpointChecker::received(const ObservedSegment& segment, Nanoseconds now) {
  if (segment.has(ObservedSegment::kRst)) {
    over_ = true;
    return;
  }
  if (segment.has(ObservedSegment::kSyn)) {
    if (!syn_received_) {
      syn_received_ = true;
      initial_received_ = segment.sequence;
      peer_scale_ = segment.window_scale;
      peer_sack_ = segment.sack_permitted;
      peer_timestamps_ = segment.has_timestamp;
      if (segment.mss != 0) peer_mss_ = segment.mss;
      recent_timestamp_ = segment.timestamp_value;
    }
  } else if (!syn_received_) {
    return;
  }
  const bool scaled = own_scale_ >= 0 && peer_scale_ >= 0 && !segment.has(ObservedSegment::kSyn);
  const uint64_t begin = peer_position(segment.sequence);
  const uint64_t end = begin + segment.sequence_length();

  // PAWS (RFC 7323 section 5.3, R1) drops it; the ACK for that may be limited.
  if (segment.has_timestamp && own_timestamps_ && peer_timestamps_ &&
      static_cast<int32_t>(segment.timestamp_value - recent_timestamp_) < 0)
    return;

  // What it says of our stream; of an ACK for what was never sent, nothing.
  if (segment.has(ObservedSegment::kAck) && syn_sent_) {
    const uint64_t acknowledged = own_position(segment.acknowledgement);
    if (acknowledged <= next_) {
      delivered(0, acknowledged, now);
      if (acknowledged > unacknowledged_) progress_ = now;
      unacknowledged_ = std::max(unacknowledged_, acknowledged);
      const uint64_t window = uint64_t{segment.window} << (scaled ? peer_scale_ : 0);
      last_edge_ = acknowledged + window;
      right_edge_ = std::max(right_edge_, last_edge_);
      widest_window_ = std::max(widest_window_, window);
      for (unsigned i = 0; i < segment.sack_count; ++i) {
        const uint64_t from = own_position(segment.sack[i].begin);
        const uint64_t to = own_position(segment.sack[i].end);
        if (from >= acknowledged && to <= next_ && from < to) delivered(from, to, now);
      }
    }
  }

  // What it brings of the peer's. Only what lies in the window we told of must be taken.
  const uint64_t wanted_end = std::min(end, std::max(told_edge_, in_order_ + 1));
  if (segment.has_timestamp && !segment.has(ObservedSegment::kSyn) && begin <= told_ &&
      (end > told_ || begin == told_) && begin <= told_edge_ &&
      static_cast<int32_t>(segment.timestamp_value - recent_timestamp_) >= 0)
    recent_timestamp_ = segment.timestamp_value;
  if (end > begin) {
    if (arrived_.touches(begin, end)) repeated_.add(begin, end);
    const bool gap_before =
        !arrived_.ranges().empty() && std::prev(arrived_.ranges().end())->second > in_order_;
    arrived_.add(begin, wanted_end);
    const uint64_t reach = arrived_.end_of(0);
    if (reach > in_order_ && begin <= in_order_ && !gap_before) {
      const auto length = static_cast<uint32_t>(segment.payload.size());
      full_size_ = std::max(full_size_, length);
      // Two small segments may well share an ACK.
      if (length == full_size_ && full_size_ >= own_mss_ * 2 / 3) ++full_unacknowledged_;
      if (!owes_by_) owes_by_ = now + rules_.longest_delayed_ack;
    } else if (!segment.has(ObservedSegment::kSyn) && syn_sent_) {
      // Out of order, filling a gap, or not new: an ACK at once (RFC 5681 section 4.2).
      owes_now_ = true;
    }
    in_order_ = std::max(in_order_, reach);
    if (segment.has(ObservedSegment::kFin) && end <= wanted_end) {
      fin_received_ = true;
      peer_fin_ = end - 1;
    }
  }
}

void EndpointChecker::idle(Nanoseconds now) {
  // After both FINs and their ACKs there may be nobody left to answer.
  if (over_ || !syn_sent_ || closed()) return;
  if (rules_.may_drop) full_unacknowledged_ = 0;
  if (full_unacknowledged_ >= 2) {
    violations_.add(now, name_ + ": " + std::to_string(full_unacknowledged_) +
                             " full-sized segments in order without an ACK");
    full_unacknowledged_ = 0;
  }
  if (owes_now_) {
    violations_.add(now,
                    name_ + ": no ACK at once for data out of order, behind a gap or repeated");
    owes_now_ = false;
  }
  if (owes_by_ && now > *owes_by_) {
    violations_.add(now, name_ + ": data without an ACK for longer than the delay allowed");
    owes_by_.reset();
  }
}

void EndpointChecker::packet_too_big(uint32_t mtu, Nanoseconds) {
  path_mtu_ = path_mtu_ == 0 ? mtu : std::min(path_mtu_, mtu);
  timeout_order_ = order_;
}

}  // namespace plumbline::net::simulator
