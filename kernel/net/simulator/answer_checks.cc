// EndpointChecker: what an end says of the data that it received.
#include <algorithm>

#include "net/simulator/endpoint_checker.hh"

namespace plumbline::net::simulator {

void EndpointChecker::check_acknowledgement(const ObservedSegment& segment, Nanoseconds now) {
  if (!syn_received_) {
    wrong(now, segment, "an ACK before anything was received");
    return;
  }
  const uint64_t acknowledged = peer_position(segment.acknowledgement);
  if (acknowledged > in_order_)
    wrong(now, segment,
          "acknowledges " + std::to_string(acknowledged) + ", only " + std::to_string(in_order_) +
              " has arrived");
  if (acknowledged < told_) wrong(now, segment, "an ACK that goes back");
  told_ = std::max(told_, acknowledged);
  if (acknowledged == in_order_) {
    full_unacknowledged_ = 0;
    owes_by_.reset();
  }
  owes_now_ = false;
  check_selective(segment, now);
  check_window(segment, acknowledged, now);
}

void EndpointChecker::check_selective(const ObservedSegment& segment, Nanoseconds now) {
  if (segment.sack_count != 0 && !(own_sack_ && peer_sack_)) {
    wrong(now, segment, "SACK that was not agreed on");
    return;
  }
  const uint64_t acknowledged = peer_position(segment.acknowledgement);
  for (unsigned i = 0; i < segment.sack_count; ++i) {
    const uint64_t begin = peer_position(segment.sack[i].begin);
    const uint64_t end = peer_position(segment.sack[i].end);
    if (begin >= end) {
      wrong(now, segment, "an empty SACK block");
      continue;
    }
    if (!arrived_.contains(begin, end)) {
      wrong(now, segment, "a SACK block for what has not arrived");
      continue;
    }
    bool within_next = false;
    if (i == 0 && segment.sack_count > 1) {
      within_next = begin >= peer_position(segment.sack[1].begin) &&
                    end <= peer_position(segment.sack[1].end);
    }
    // Only the first may tell of a duplicate (RFC 2883 section 4).
    const bool duplicate = begin < acknowledged || within_next;
    if (duplicate && i != 0) wrong(now, segment, "a SACK block below the ACK");
    if (duplicate && i == 0 && !repeated_.touches(begin, end))
      wrong(now, segment, "DSACK for what has come once");
    if (!duplicate && begin == acknowledged)
      wrong(now, segment, "a SACK block that touches the ACK");
    for (unsigned j = duplicate ? i + 1 : 0; j < i; ++j) {
      if (j == 0 && (peer_position(segment.sack[0].begin) < acknowledged ||
                     (begin <= peer_position(segment.sack[0].begin) &&
                      end >= peer_position(segment.sack[0].end))))
        continue;  // the duplicate's
      if (begin < peer_position(segment.sack[j].end) && peer_position(segment.sack[j].begin) < end)
        wrong(now, segment, "SACK blocks overlap");
    }
  }
}

void EndpointChecker::check_window(const ObservedSegment& segment, uint64_t acknowledged,
                                   Nanoseconds now) {
  const bool scaled = own_scale_ >= 0 && peer_scale_ >= 0 && !segment.has(ObservedSegment::kSyn);
  const int scale = scaled ? own_scale_ : 0;
  const uint64_t window = uint64_t{segment.window} << scale;
  const uint64_t edge = acknowledged + window;
  // What the scale cannot express may be lost, no more (RFC 7323 section 2.4).
  const uint64_t grain = (uint64_t{1} << scale) - 1;
  if (edge + grain < told_edge_)
    wrong(now, segment,
          "the window shrinks from " + std::to_string(told_edge_) + " to " + std::to_string(edge));
  // Receiver's silly window avoidance (RFC 9293 section 3.8.6.2.2): the edge moves by a segment or
  // half of the buffer, of which the widest window told of is what can be seen.
  const uint64_t step = std::min<uint64_t>(full_size_, widest_told_ / 2);
  // The FIN has a number and takes no room.
  if (fin_received_ && acknowledged > peer_fin_ && edge == told_edge_ + 1) told_edge_ = edge;
  // A window that is as wide as the field can say moves with every byte.
  if (segment.window != 65535 && edge > told_edge_ + grain && edge - told_edge_ + grain < step &&
      told_edge_ != 0)
    wrong(now, segment, "the window opens by " + std::to_string(edge - told_edge_) + " bytes only");
  told_edge_ = std::max(told_edge_, edge);
  widest_told_ = std::max(widest_told_, window);
}

// RFC 7323 section 3.2 and 4.3.
void EndpointChecker::check_timestamp(const ObservedSegment& segment, Nanoseconds now) {
  if (segment.has(ObservedSegment::kSyn)) {
    if (segment.has_timestamp) last_timestamp_ = segment.timestamp_value;
    return;
  }
  const bool agreed = own_timestamps_ && peer_timestamps_;
  if (segment.has_timestamp != agreed) {
    wrong(now, segment, agreed ? "no timestamp" : "a timestamp that was not agreed on");
    return;
  }
  if (!agreed) return;
  if (last_timestamp_ && static_cast<int32_t>(segment.timestamp_value - *last_timestamp_) < 0)
    wrong(now, segment, "the timestamp goes back");
  last_timestamp_ = segment.timestamp_value;
  // A connection that has ended answers repetitions from a record, which need not tell old from
  // new.
  if (segment.timestamp_echo != recent_timestamp_ && !(fin_received_ && fin_sent_))
    wrong(now, segment, "echoes another timestamp than " + std::to_string(recent_timestamp_));
}

}  // namespace plumbline::net::simulator
