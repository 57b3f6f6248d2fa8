// EndpointChecker: what is sent again, and whether there was a reason.
#include <algorithm>

#include "net/simulator/endpoint_checker.hh"

namespace plumbline::net::simulator {

// Makes a piece boundary at `position`; the first piece at or behind it.
std::map<uint64_t, EndpointChecker::Piece>::iterator EndpointChecker::split(uint64_t position) {
  auto at = pieces_.lower_bound(position);
  if (at == pieces_.begin()) return at;
  const auto before = std::prev(at);
  if (before->second.end <= position) return at;
  Piece rest = before->second;
  before->second.end = position;
  return pieces_.emplace(position, rest).first;
}

void EndpointChecker::record(uint64_t begin, uint64_t end, Nanoseconds now) {
  auto at = split(begin);
  const auto last = split(end);
  unsigned times = 1;
  bool was_delivered = false;
  while (at != pieces_.end() && at->first < end) {
    times = std::max(times, at->second.times + 1);
    was_delivered = was_delivered || at->second.delivered;
    at = pieces_.erase(at);
  }
  static_cast<void>(last);
  if (begin == unacknowledged_ && times == 1) progress_ = now;
  if (end > begin) pieces_[begin] = {end, now, order_, times, was_delivered};
  last_sent_ = now;
}

// The peer said that it has [begin, end).
void EndpointChecker::delivered(uint64_t begin, uint64_t end, Nanoseconds now) {
  if (begin >= end) return;
  auto at = begin == 0 ? pieces_.begin() : split(begin);
  split(end);
  while (at != pieces_.end() && at->first < end) {
    Piece& piece = at->second;
    if (!piece.delivered) {
      piece.delivered = true;
      delivered_ += piece.end - at->first;
      if (piece.times == 1) {
        const Nanoseconds round_trip = now - piece.at;
        if (!least_round_trip_ || round_trip < *least_round_trip_) least_round_trip_ = round_trip;
      }
      newest_delivered_ = std::max(newest_delivered_, piece.order);
    }
    // What is acknowledged for good is of no interest any more.
    at = begin == 0 ? pieces_.erase(at) : std::next(at);
  }
}

void EndpointChecker::check_again(const ObservedSegment& segment, uint64_t begin, uint64_t end,
                                  Nanoseconds now) {
  ++figures_.again_segments;
  figures_.again_bytes += segment.payload.size();
  if (segment.has(ObservedSegment::kSyn)) {
    if (now - last_sent_ < milliseconds(900) && !segment.has(ObservedSegment::kAck))
      wrong(now, segment, "a SYN sent again too soon");
    return;
  }
  if (peer_ != nullptr && peer_->arrived_.contains(begin, end))
    figures_.needless_bytes += segment.payload.size();
  // A window or keep-alive probe looks like a retransmission of what is acknowledged already, or
  // goes on asking with the same byte.
  if (begin < unacknowledged_ && segment.payload.size() <= 1) return;
  if (last_edge_ <= unacknowledged_ && segment.payload.size() <= 1) return;
  if (end <= unacknowledged_) {
    wrong(now, segment, "sent again, although it is acknowledged");
    return;
  }
  auto at = pieces_.upper_bound(begin);
  if (at != pieces_.begin()) --at;
  const Piece first = at != pieces_.end() ? at->second : Piece{};
  // A FIN's number need not be in a receiver's blocks, although the data in front of it is.
  if (first.delivered && own_sack_ && peer_sack_ && !segment.has(ObservedSegment::kFin))
    wrong(now, segment, "sent again, although the peer has it by SACK");
  const Nanoseconds waited = now - first.at;
  // The timer runs from the last progress (RFC 6298 section 5.3), not from each transmission.
  const bool timed_out = now - progress_ >= rules_.minimum_timeout;
  if (begin == unacknowledged_ && timed_out) {
    ++timeouts_;
    timeout_order_ = order_ - 1;
  }
  // A tail loss probe: the last segment, after two round trips (of what the stack measured, which
  // rounds a little) or when the retransmission timer expires (RFC 8985 section 7.2). A delayed ACK
  // can provoke it on the best of paths.
  const Nanoseconds probe_time = least_round_trip_.value_or(milliseconds(500)) * 2;
  const bool probe = end == next_ && (timed_out || waited >= probe_time * 15 / 16);
  if (rules_.no_retransmissions && (!probe || waited >= rules_.minimum_timeout))
    wrong(now, segment, "sent again on a path that loses nothing");
  if (!(own_sack_ && peer_sack_)) {
    // Three duplicates of an ACK, or a partial one, are reasons enough (RFC 5681, 6582) that this
    // account does not keep.
    ++figures_.by_evidence;
    return;
  }
  if (first.order < newest_delivered_) {
    // Later data has arrived (RFC 8985 section 6.2, RFC 5681 section 3.2).
    ++figures_.by_evidence;
    return;
  }
  if (begin == unacknowledged_ && timed_out && waited >= rules_.minimum_timeout / 2) {
    ++figures_.by_timeout;
    timeout_order_ = order_ - 1;
    return;
  }
  if (first.order <= timeout_order_) {
    // A time-out, or an ICMP message, made all of the flight of then suspect.
    ++figures_.by_timeout;
    return;
  }
  if (probe) {
    ++figures_.by_probe;
    return;
  }
  wrong(now, segment,
        "sent again " + std::to_string(waited.count / 1000) +
            " us later without a reason (least round trip " +
            std::to_string(least_round_trip_.value_or(Nanoseconds{}).count / 1000) + " us)");
}

}  // namespace plumbline::net::simulator
