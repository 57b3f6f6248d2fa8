// What an acknowledgement says of what was sent.
#include <algorithm>

#include "net/tcp/loss_recovery.hh"

namespace plumbline::net::tcp {

AckOutcome LossRecovery::acknowledge_any(const Acknowledgement& ack, Nanoseconds now) {
  DeliverySample sample;
  sample.now = now;
  sample.minimum_rtt = rtt_.minimum();
  sample.highest_before = sample.highest = highest_delivered_;
  sample.recover = recover_;
  sample.has_echo = ack.has_echo;
  sample.echo = ack.echo;

  const Sequence before = segments_.una();
  segments_.acknowledge(ack.number, sample);
  const uint32_t advanced = segments_.una().value - before.value;
  Report report;
  if (sack_)
    report = read_sacks(ack, sample);
  else
    count_duplicates(ack, advanced, sample);
  measure(ack, advanced, sample, now);
  if (advanced != 0) restarted_ = now;
  if (probing_) end_tail_probe(ack, advanced, report);
  bool found_losses = false;
  if (sack_) {
    count_duplicate_reports(report);
    found_losses = detect_losses(now);
  }
  if (was_spurious(ack, advanced, report, sample)) {
    // What was thought lost was late.
    if (state_ == State::kRecovery) reordering_seen_ = true;
    undo();
  } else {
    if (forward_) go_forward(advanced);
    // An ACK with an echo grows nothing (RFC 3168, 6.1.2).
    recover_further(advanced, sample.bytes, found_losses, !ack.congestion_echo, now);
  }
  if (advanced != 0) timeouts_ = 0;
  // Without SACK, duplicates of what was sent before a recovery may come until something beyond it
  // is acknowledged (RFC 6582, 3.2 step 1).
  if (recent_event_ && (sack_ ? segments_.una() >= recover_ : segments_.una() > recover_))
    recent_event_ = false;
  if (ack.congestion_echo) react_to_echo();
  settle();
  set_deadline(advanced != 0, now);
  return {advanced, segments_.lost()};
}

// As acknowledge_any() while plain_: a stream without losses.
AckOutcome LossRecovery::acknowledge_in_order(Sequence number, Nanoseconds now) {
  const uint32_t bytes = number.value - segments_.una().value;
  const SentSegments::Times times = segments_.acknowledge_in_order(number);
  newest_delivered_ = times.newest;
  newest_delivered_end_ = highest_delivered_ = number;
  newest_round_trip_ = time_since(times.newest, now);
  rtt_.sample(time_since(times.oldest, now), newest_round_trip_, now);
  timeouts_ = 0;
  restarted_ = now;
  if (limited_) grow(bytes, now);
  if (segments_.empty())
    set_deadline(false, now);
  else
    set_plain_deadline(now);
  return {bytes, 0};
}

LossRecovery::Report LossRecovery::read_sacks(const Acknowledgement& ack, DeliverySample& sample) {
  Report report;
  for (size_t i = 0; i < ack.sacks.size(); ++i) {
    const SequenceRange block = ack.sacks[i];
    if (block.begin >= block.end || block.end > segments_.next()) continue;
    // RFC 2883, section 4: the first block reports a duplicate if it lies before the
    // acknowledgement, or within the second.
    if (i == 0 &&
        (block.end <= ack.number || (ack.sacks.size() > 1 && ack.sacks[1].contains(block)))) {
      ++domain_->counters.duplicate_reports;
      report = {true, block};
      continue;
    }
    // A block that touches the acknowledgement contradicts it.
    if (block.begin <= segments_.una()) continue;
    if (!segments_.sack(block, sample)) ++domain_->counters.without_record;
  }
  return report;
}

// Without SACK a duplicate says that some segment has left the network, and an advance beyond one
// segment takes as many back (RFC 5681, 3.2; RFC 6582).
void LossRecovery::count_duplicates(const Acknowledgement& ack, uint32_t advanced,
                                    DeliverySample& sample) {
  const bool open = state_ == State::kOpen || state_ == State::kDisorder;
  if (advanced != 0) {
    const uint32_t counted = std::min(emulated_, advanced > mss_ ? advanced - mss_ : 0);
    sample.bytes -= std::min(counted, sample.bytes);
    emulated_ -= counted;
    if (state_ != State::kRecovery) emulated_ = duplicates_ = 0;
    return;
  }
  if (!ack.duplicate || segments_.empty()) return;
  // After a timeout duplicates answer what was sent again in vain, unless there is something new.
  if (state_ == State::kLoss && segments_.next() == recover_) return;
  if (duplicates_ < UINT8_MAX) ++duplicates_;
  const uint32_t left = std::min(mss_, in_flight());
  emulated_ += left;
  sample.bytes += left;
  SentSegment* const first = segments_.first();
  if (open && duplicates_ >= kDuplicates && !recent_event_ &&
      first->state == SegmentState::kInFlight)
    segments_.mark_lost(first, mss_);
}

void LossRecovery::measure(const Acknowledgement& ack, uint32_t advanced,
                           const DeliverySample& sample, Nanoseconds now) {
  if (sample.has_original && !sample.has_retransmitted) {
    rtt_.sample(time_since(sample.oldest_original, now), time_since(sample.newest_original, now),
                now);
  } else if (advanced != 0 && ack.has_echo) {
    // A retransmission is among it, or all of it was reported before: the timestamp says when what
    // is answered was sent, if only to a tick (RFC 6298, section 3; RFC 7323, 4.1).
    const uint32_t ticks = timestamp_clock(now) - ack.echo;
    const Nanoseconds round_trip{uint64_t{ticks} << 20};
    // A broken or hostile echo would be far away.
    if (static_cast<int32_t>(ticks) >= 0 && round_trip < domain_->rto.maximum)
      rtt_.sample(std::max(round_trip, Nanoseconds{1 << 20}),
                  std::max(round_trip, Nanoseconds{1 << 20}), now);
  }
  highest_delivered_ = sample.highest;
  if (sample.reordered) reordering_seen_ = true;
  if (!sample.has_newest) return;
  newest_round_trip_ = time_since(sample.newest, now);
  if (sent_after(sample.newest, sample.newest_end, newest_delivered_, newest_delivered_end_)) {
    newest_delivered_ = sample.newest;
    newest_delivered_end_ = sample.newest_end;
  }
}

// RFC 3168, 6.1.2: as a loss, but once a window and with nothing to send again.
void LossRecovery::react_to_echo() {
  if (recent_event_ || (state_ != State::kOpen && state_ != State::kDisorder)) return;
  ++domain_->counters.congestion_echoes;
  congestion_.forget_undo();
  congestion_.congested();
  congestion_.leave_recovery();
  // The network said so itself: nothing about it can turn out spurious.
  congestion_.forget_undo();
  suspect_spurious_ = false;
  window_reduced_ = true;
  recent_event_ = true;
  recover_ = segments_.next();
}

void LossRecovery::recover_further(uint32_t advanced, uint32_t delivered, bool found_losses,
                                   bool may_grow, Nanoseconds now) {
  // Of an advance that fills a hole the most arrived before. With SACK what is delivered is known;
  // without, it counts as one segment (RFC 3465, 2.3).
  const uint32_t slow = sack_ ? delivered : std::min(advanced, mss_);
  const bool recovering = state_ == State::kRecovery || state_ == State::kLoss;
  if (recovering && segments_.una() >= recover_) {
    if (state_ == State::kLoss && may_grow) grow(slow, now);
    may_grow = false;
    leave_recovery();
  }
  switch (state_) {
    case State::kOpen:
    case State::kDisorder:
      if (segments_.lost() != 0) {
        enter_recovery();
        rate_.acknowledged(delivered, in_flight(), congestion_.threshold(), mss_, false);
        // The fast retransmission waits for nothing (RFC 5681, 3.2 step 3).
        rate_.allow_at_least(mss_);
        return;
      }
      // Only what advances SND.UNA (RFC 5681, 3.1).
      if (advanced != 0 && limited_ && may_grow) grow(advanced, now);
      state_ = segments_.sacked() != 0 || duplicates_ != 0 ? State::kDisorder : State::kOpen;
      return;
    case State::kRecovery: {
      // A partial acknowledgement: the next hole begins here (RFC 6582, 3.2 step 3).
      SentSegment* const first = segments_.first();
      if (!sack_ && advanced != 0 && first->state == SegmentState::kInFlight &&
          !first->retransmitted)
        segments_.mark_lost(first, mss_);
      rate_.acknowledged(delivered, in_flight(), congestion_.threshold(), mss_,
                         advanced != 0 && !found_losses);
      return;
    }
    case State::kLoss:
      if (slow != 0 && may_grow) grow(slow, now);
      return;
  }
}

void LossRecovery::grow(uint32_t bytes, Nanoseconds now) {
  congestion_.acknowledged(bytes, rtt_.smoothed(), now);
  if (segments_.una() >= limited_end_) limited_ = false;
}

void LossRecovery::settle() {
  plain_ = state_ == State::kOpen && segments_.sacked() == 0 && segments_.lost() == 0 &&
           !probing_ && !in_duplicate_round_ && !recent_event_ && !suspect_spurious_ &&
           duplicates_ == 0 && emulated_ == 0;
}

}  // namespace plumbline::net::tcp
