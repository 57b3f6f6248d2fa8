// What a segment carries: payload in order and behind gaps, and the peer's FIN (RFC 9293 section
// 3.10.7.4, seventh and eighth).
#include <algorithm>
#include <array>

#include "net/tcp/short_way.hh"

namespace plumbline::net::tcp {

using namespace state_sets;
using namespace tcp_flags;

namespace {
// Takes `bytes` off the front of what is left of a segment's payload.
void trim_front(Segment& segment, uint32_t bytes) {
  segment.sequence += bytes;
  segment.payload_offset += bytes;
  segment.length -= bytes;
}
}  // namespace

void Connection::drop(Segment& segment) {
  if (segment.frame != nullptr) release_chain(segment.frame);
  segment.frame = nullptr;
}

// Cuts the segment to what lies in the window and in front of the peer's FIN; false when nothing is
// left to do.
bool Connection::trim(Segment& segment) {
  if (segment.sequence < receive_next_) {
    const auto old = static_cast<uint32_t>(receive_next_ - segment.sequence);
    const uint32_t cut = std::min(old, segment.length);
    if (cut != 0) report_duplicate({segment.sequence, segment.sequence + cut});
    // Only the FIN is left, and it may be old, too.
    if (old > segment.length) return false;
    trim_front(segment, cut);
  }
  const Sequence limit = peer_fin_known_ ? earlier(receive_edge_, peer_fin_) : receive_edge_;
  if (segment.sequence + segment.length > limit) {
    const auto beyond = static_cast<uint32_t>(segment.sequence + segment.length - limit);
    if (beyond > segment.length) return false;
    segment.length -= beyond;
    segment.flags &= static_cast<uint8_t>(~kFin);
    acknowledge_now_ = true;
    defer();
  }
  return segment.length != 0 || segment.has(kFin);
}

// RFC 2883: what arrived twice is the first block of the next ACK's SACK option.
void Connection::report_duplicate(SequenceRange range) {
  duplicate_ = selective_;
  duplicate_range_ = range;
  acknowledge_now_ = true;
  defer();
}

void Connection::receive_payload(Segment& segment, Nanoseconds now) {
  if (ecn_) {
    // RFC 3168 section 6.1.3: the echo is repeated until the sender says that it has reacted. A
    // mark on the segment that says so is a new one.
    if (segment.has(kCwr)) echo_congestion_ = false;
    if (segment.congestion_experienced && segment.length != 0) {
      if (!echo_congestion_) quick_segments_ = std::max(quick_segments_, kQuickSegmentsAfterLoss);
      echo_congestion_ = true;
    }
  }
  if (segment.length == 0 && !segment.has(kFin)) return;
  if (!is_one_of(state_, kReceiving)) return;  // behind the peer's FIN: ignored
  const Sequence data_end = segment.sequence + segment.length;
  // Data for a program that has closed: it is lost, and the peer is told (section 3.6.1).
  if (orphaned_ && segment.length != 0 && data_end > receive_next_) {
    ++domain_->statistics.aborted_data;
    abort_now(now);
    return;
  }
  if (!trim(segment)) return;
  const Sequence end = segment.sequence + segment.length;
  // Noted where it lies, and reached when everything in front of it has come. One that would lie in
  // front of data received already is a lie, or a mistake: the data stays.
  if (segment.has(kFin) && !peer_fin_known_ && !holds_beyond(end)) {
    peer_fin_known_ = true;
    peer_fin_ = end;
    predict();
  }
  if (segment.length != 0) {
    if (segment.sequence == receive_next_)
      receive_in_order(segment, now);
    else
      receive_behind_gap(segment);
  } else if (peer_fin_ != receive_next_) {
    acknowledge_now_ = true;  // a FIN behind a gap (RFC 5681 section 4.2)
    defer();
  }
  if (peer_fin_known_ && receive_next_ == peer_fin_ && !peer_closed_) receive_fin(now);
}

void Connection::receive_in_order(Segment& segment, Nanoseconds now) {
  const bool had_gap = receive_queue_.has_out_of_order() || peer_fin_known_;
  PacketBuffer* const frame = segment.frame;
  uint32_t taken = 0;
  if (has_room(segment.length)) [[likely]] {
    segment.frame = nullptr;
    taken = receive_queue_.append(frame, segment.payload_offset, segment.length);
  } else {
    drop(segment);
  }
  if (taken < segment.length) {
    // No memory: not acknowledged, so it comes again.
    ++domain_->statistics.receive_full;
    peer_fin_known_ = peer_fin_known_ && peer_fin_ != segment.sequence + segment.length;
    acknowledge_now_ = true;
    defer();
    if (taken == 0) {
      predict();
      return;
    }
  }
  receive_next_ += taken;
  counters_.bytes_received += taken;
  if (had_gap) {
    // RFC 5681 section 4.2: what fills a gap is acknowledged at once.
    acknowledge_now_ = true;
    defer();
    predict();
  } else {
    data_arrived(segment, taken, now);
  }
  notify(kReadable);
}

void Connection::receive_behind_gap(Segment& segment) {
  const auto gap = static_cast<uint32_t>(segment.sequence - receive_next_);
  // At once, so that the sender's loss detection gets its duplicates (RFC 5681 section 4.2).
  acknowledge_now_ = true;
  defer();
  quick_segments_ = std::max(quick_segments_, kQuickSegmentsAfterLoss);
  // What is kept behind a gap may be dropped again (RFC 2018 section 8): in-order data goes first.
  // Full-sized segments take one and a half of their payload; a window of them must fit.
  if (receive_queue_.memory() + segment.length > 2 * receive_limit_) {
    ++domain_->statistics.receive_full;
    return;
  }
  ++domain_->statistics.out_of_order;
  OffsetRange duplicate;
  PacketBuffer* const frame = segment.frame;
  segment.frame = nullptr;
  if (!receive_queue_.insert(gap, frame, segment.payload_offset, segment.length, &duplicate))
    ++domain_->statistics.receive_full;
  if (duplicate.begin != duplicate.end)
    report_duplicate({receive_next_ + duplicate.begin, receive_next_ + duplicate.end});
  predict();
}

// Whether something that was received lies behind `end`.
bool Connection::holds_beyond(Sequence end) const {
  if (!receive_queue_.has_out_of_order()) return false;
  std::array<OffsetRange, 128> ranges;
  const unsigned count = receive_queue_.out_of_order(ranges);
  return std::any_of(ranges.begin(), ranges.begin() + count,
                     [&](const OffsetRange& range) { return receive_next_ + range.end > end; });
}

// Eighth: the peer has said everything.
void Connection::receive_fin(Nanoseconds now) {
  receive_next_ += 1;
  peer_closed_ = true;
  predicted_flags_ = kNothingPredicted;
  acknowledge_now_ = true;
  defer();
  switch (state_) {
    case State::kEstablished:
      state_ = State::kCloseWait;
      break;
    case State::kFinWait1:
      // Our FIN's acknowledgement would have led to FIN-WAIT-2 before.
      state_ = State::kClosing;
      break;
    case State::kFinWait2:
      notify(kReadable | kPeerClosed);
      enter_time_wait(now);
      return;
    default:
      return;
  }
  notify(kReadable | kPeerClosed);
}

// The peer's full-sized segment, as seen.
void Connection::measure_segment(const Segment& segment, uint32_t length) {
  // Of joined ones the last may be short: their mean would be too small, and grow with each of them
  // that has more parts.
  const uint32_t size = segment.segment_size != 0 ? segment.segment_size : length;
  if (size > receive_segment_)
    receive_segment_ = static_cast<uint16_t>(std::min(size, uint32_t{65535}));
}

}  // namespace plumbline::net::tcp
