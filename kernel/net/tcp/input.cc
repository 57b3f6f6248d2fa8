// Segments that arrive: the short way for what most of them are, and all of RFC 9293 section
// 3.10.7.4 for the rest.
#include <algorithm>

#include "net/tcp/short_way.hh"

namespace plumbline::net::tcp {

using namespace state_sets;
using namespace tcp_flags;

namespace {
// Half of the timestamp clock's range: a connection that was silent for longer cannot tell old from
// new by timestamps (RFC 7323 section 5.5).
constexpr Nanoseconds kTimestampLife = seconds(24 * 24 * 3600);

bool is_older(uint32_t timestamp, uint32_t than) {
  return static_cast<int32_t>(timestamp - than) < 0;
}
}  // namespace

// "Header prediction" (Van Jacobson; RFC 1323, appendix on implementation): the next data in order,
// or an acknowledgement of something new, or both, and nothing strange in it. Everything that makes
// a segment strange leads to receive_any(), which also handles these and gives the same result.
[[gnu::always_inline]] inline bool Connection::receive_predicted(Segment& segment,
                                                                 Nanoseconds now) {
  const Segment::Options& options = segment.options;
  if ((segment.flags & ~kPsh) != predicted_flags_ || segment.sequence != receive_next_ ||
      options.sack_count != 0 || options.has_timestamp != timestamps_ ||
      (segment.congestion_experienced && ecn_))
    return false;
  const auto acknowledged = static_cast<uint32_t>(segment.acknowledgement - send_unacknowledged_);
  if (acknowledged > in_flight()) return false;
  // Duplicates and window updates. While something is lost, each ACK may set free a repetition.
  if (acknowledged == 0 && segment.length == 0) return false;
  if (!recovery_.plain()) return false;
  if (segment.length > static_cast<uint32_t>(receive_edge_ - receive_next_) ||
      !has_room(segment.length))
    return false;
  if (timestamps_) {
    if (is_older(options.timestamp_value, recent_timestamp_)) return false;
    // RFC 7323 section 4.3 (2): SEG.SEQ <= Last.ACK.sent, and it is RCV.NXT.
    if (segment.sequence == last_acknowledged_) recent_timestamp_ = options.timestamp_value;
  }
  ++domain_->statistics.predicted;
  last_received_ = now;
  // In order and not older than SND.UNA: newer than any window update before.
  set_send_window(segment);
  if (acknowledged != 0) acknowledge_new(segment, now);
  if (segment.length != 0) {
    PacketBuffer* const frame = segment.frame;
    segment.frame = nullptr;
    const uint32_t taken = receive_queue_.append(frame, segment.payload_offset, segment.length);
    receive_next_ += taken;
    counters_.bytes_received += taken;
    data_arrived(segment, taken, now);
    // No memory: what was not acknowledged comes again.
    if (taken != segment.length) [[unlikely]]
      ++domain_->statistics.receive_full;
    notify(kReadable);
  } else {
    drop(segment);
  }
  if (send_queue_.size() != in_flight()) defer();
  return true;
}

void Connection::receive(Segment& segment, Nanoseconds now) {
  counters_.segments_received += segment.coalesced;
  domain_->statistics.segments_received += segment.coalesced;
  if (receive_predicted(segment, now)) [[likely]]
    return;
  receive_any(segment, now);
}

// What the short way takes: set when a state, or the queue behind a gap, has changed.
void Connection::predict() {
  const bool plain =
      state_ == State::kEstablished && !receive_queue_.has_out_of_order() && !peer_fin_known_;
  predicted_flags_ = plain ? kAck : kNothingPredicted;
}

[[gnu::noinline]] void Connection::receive_any(Segment& segment, Nanoseconds now) {
  if (left_)
    // Behind the segment of the same burst that ended the connection. What comes later is the
    // record's in TIME-WAIT, or nobody's.
    drop(segment);
  else if (state_ == State::kSynSent)
    receive_syn_sent(segment, now);
  else if (process(segment, now))
    receive_payload(segment, now);
  drop(segment);
}

// RFC 9293 section 3.10.7.4, first to fifth; true when the segment's data and FIN are to be looked
// at.
bool Connection::process(Segment& segment, Nanoseconds now) {
  if (state_ == State::kSynReceived && segment.has(kSyn)) {
    // In a simultaneous open both ends send SYN, ACK with the number of their SYN, which lies
    // before the window: it counts as the ACK it carries (section 3.5, figure 7).
    if (segment.has(kAck) && segment.sequence + 1 == receive_next_ && opened_actively_) {
      segment.flags &= static_cast<uint8_t>(~kSyn);
      segment.sequence += 1;
      segment.window = static_cast<uint16_t>(segment.window >> send_scale_);  // it is not scaled
    } else if (segment.sequence + 1 == receive_next_ && !segment.has(kRst)) {
      send_syn(now);  // the peer has not seen our SYN, ACK
      return false;
    }
  }
  if (!check_timestamp(segment, now) || !check_sequence(segment, now) ||
      !check_reset_and_syn(segment, now))
    return false;
  if (!segment.has(kAck)) return false;
  last_received_ = now;
  if (state_ == State::kSynReceived && !complete_handshake(segment, now)) return false;
  if (!process_acknowledgement(segment, now)) return false;
  // After the acknowledgement was found plausible, or a blind attacker could stop all segments with
  // a timestamp of the future (RFC 7323 section 5.3, R3; section 4.3). Not of what is entirely old
  // (R2): data that was overtaken by such a repetition would then be too old for R1, and the sender
  // could not tell from the echo that it repeated in vain (RFC 3522).
  if (timestamps_ && segment.options.has_timestamp && !left_ &&
      segment.sequence <= last_acknowledged_ && segment.end() >= last_acknowledged_ &&
      !is_older(segment.options.timestamp_value, recent_timestamp_))
    recent_timestamp_ = segment.options.timestamp_value;
  return !left_;
}

// PAWS (RFC 7323 section 5.3, R1): false for a segment that is older than what was received.
bool Connection::check_timestamp(Segment& segment, Nanoseconds now) {
  if (!timestamps_ || segment.has(kRst)) return true;
  if (!segment.options.has_timestamp) {
    // Section 3.2: all segments carry the option once it is agreed. A SYN is a peer that has
    // started anew, which must get its answer (RFC 5961 section 4).
    if (segment.has(kSyn)) return true;
    ++domain_->statistics.bad_timestamp;
    return false;
  }
  if (!is_older(segment.options.timestamp_value, recent_timestamp_)) return true;
  if (now - last_received_ > kTimestampLife) {
    recent_timestamp_ = segment.options.timestamp_value;
    return true;
  }
  ++domain_->statistics.bad_timestamp;
  // A peer that started anew and sends SYNs waits for the answer as well.
  answer_unacceptable(segment, now);
  return false;
}

// Acceptability (RFC 9293 section 3.4 and 3.10.7.4, first).
bool Connection::check_sequence(Segment& segment, Nanoseconds now) {
  const Sequence begin = segment.sequence;
  const Sequence end = segment.end();
  const bool empty = begin == end;
  // An empty segment at the window's end is what a sender that has filled it sends.
  if (empty ? receive_next_ <= begin && begin <= receive_edge_
            : begin < receive_edge_ && end > receive_next_)
    return true;
  if (segment.has(kRst)) return false;
  if (segment.has(kSyn)) return true;  // RFC 5961 section 4: wherever it lies
  ++domain_->statistics.out_of_window;
  // Against a closed window data is not acceptable, its acknowledgement is (section 3.10.7.4:
  // "special allowance"). The same for what was received already: two ends that repeat their data
  // to each other would otherwise never see what each acknowledges.
  const uint32_t distance =
      begin < receive_next_ ? receive_next_.value - begin.value : begin.value - receive_next_.value;
  if (!empty && distance <= std::max(receive_limit_, uint32_t{65536}) && begin <= receive_edge_) {
    if (end <= receive_next_) {
      duplicate_ = selective_ && segment.length != 0;
      duplicate_range_ = {begin, begin + segment.length};
      quick_segments_ = std::max(quick_segments_, kQuickSegmentsAfterLoss);
    } else {
      ++domain_->statistics.receive_full;
    }
    acknowledge_now_ = true;
    defer();
    segment.length = 0;
    segment.flags &= static_cast<uint8_t>(~kFin);
    // Its timestamp is none of an acceptable segment (RFC 7323 section 5.3, R2 before R3).
    segment.options.has_timestamp = false;
    return true;
  }
  answer_unacceptable(segment, now);
  return false;
}

// "<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>" to a segment that is not acceptable; not so often that two
// ends that find each other's segments unacceptable could answer each other for ever, or an
// attacker makes us loud. Keep-alive probes and those of a closed window come by here.
void Connection::answer_unacceptable(const Segment& segment, Nanoseconds now) {
  if (segment.has(kRst)) return;
  // What carries data has no answer of its own kind, so nothing can go to and fro; nor has a probe,
  // which asks for this very answer (section 3.8.4).
  if (segment.length != 0 ||
      (segment.sequence + 1 == receive_next_ && segment.sequence_length() == 0)) {
    acknowledge_now_ = true;
    defer();
    return;
  }
  challenge(now);
}

// RFC 5961 sections 3 and 4: RST and SYN from whoever only guesses must not end a connection.
bool Connection::check_reset_and_syn(Segment& segment, Nanoseconds now) {
  if (segment.has(kRst)) {
    if (segment.sequence != receive_next_) {
      challenge(now);
      return false;
    }
    ++domain_->statistics.resets_received;
    switch (state_) {
      case State::kSynReceived:
        fail(opened_actively_ ? Errno::kECONNREFUSED : Errno::kECONNRESET, now);
        break;
      case State::kClosing:
      case State::kLastAck:
        leave(State::kClosed, now);  // everything of both directions had been said
        break;
      case State::kCloseWait:
        fail(Errno::kEPIPE, now);
        break;
      default:
        fail(Errno::kECONNRESET, now);
    }
    return false;
  }
  if (segment.has(kSyn)) {
    challenge(now);
    return false;
  }
  return true;
}

// RFC 5961 section 7: an acknowledgement that a peer with the same idea of the connection ignores,
// and that one that has lost it answers with a RST we believe. Limited per connection and, against
// many connections at once, per domain; no secret depends on either count.
void Connection::challenge(Nanoseconds now) {
  const Settings& settings = domain_->settings;
  if ((challenged_.count != 0 && now - challenged_ < settings.challenge_interval) ||
      !domain_->take_challenge(now)) {
    ++domain_->statistics.challenges_limited;
    return;
  }
  challenged_ = now;
  ++domain_->statistics.challenges;
  acknowledge_now(now);
}

}  // namespace plumbline::net::tcp
