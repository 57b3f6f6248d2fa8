#include "net/tcp/loss_recovery.hh"

#include <algorithm>

namespace plumbline::net::tcp {

void LossRecovery::start(const Options& options) {
  segments_.start(options.first);
  mss_ = options.mss;
  sack_ = options.sack;
  newest_delivered_end_ = highest_delivered_ = recover_ = options.first;
  congestion_.start(options.algorithm, mss_, Congestion::initial_window(mss_, options.syn_lost));
}

void LossRecovery::clear() {
  segments_.clear();
  deadline_ = kNever;
  timer_ = TimerKind::kNone;
}

uint32_t LossRecovery::allowed() const {
  if (state_ == State::kRecovery) return rate_.allowed();
  const uint32_t pipe = in_flight(), window = congestion_.window();
  return window > pipe ? window - pipe : 0;
}

std::optional<SequenceRange> LossRecovery::next_retransmission(uint32_t most, bool new_data) {
  const SentSegment* const segment = segments_.first_lost();
  if (segment == nullptr) return std::nullopt;
  if (forward_sends_) {
    if (new_data) return std::nullopt;
    // Nothing new to send: nothing can be learnt (RFC 5682, 2.1 step 2b).
    forward_ = forward_sends_ = false;
  }
  uint32_t length = std::min(segment->range.length(), std::max(most, mss_));
  const uint32_t room = allowed();
  if (room < length) {
    // Whole segments: a part would not let the receiver do more, and cost as much.
    if (room < std::min(mss_, length)) return std::nullopt;
    length = room - room % mss_;
  }
  return SequenceRange{segment->range.begin, segment->range.begin + length};
}

void LossRecovery::sent_in_trouble(SequenceRange range, Nanoseconds now) {
  if (state_ == State::kRecovery) rate_.sent(range.length());
  set_deadline(true, now);
}

void LossRecovery::retransmitted(SequenceRange range, uint16_t segment_size, Nanoseconds now) {
  segments_.retransmitted(range, segment_size, now);
  ++domain_->counters.retransmitted_segments;
  plain_ = false;
  // The timer is for what is sent again now (RFC 6298, 5.1): it has not even had a round trip yet.
  if (range.begin == segments_.una()) restarted_ = now;
  if (state_ == State::kRecovery || state_ == State::kLoss) {
    if (!retransmitted_any_) first_again_ = timestamp_clock(now);
    retransmitted_any_ = true;
    unproved_ += range.length();
  }
  if (state_ == State::kRecovery) rate_.sent(range.length());
  // The timer gives the first byte's repetition as long as it gave the original. RFC 6298 lets it
  // run on from the last progress; with a round trip of more than half of the timeout it would
  // expire before the answer to a fast retransmission could come.
  if (range.begin == segments_.una()) restarted_ = now;
  set_deadline(false, now);
}

void LossRecovery::start_episode() {
  congestion_.forget_undo();
  suspect_spurious_ = true;
  retransmitted_any_ = false;
  unproved_ = 0;
  probing_ = false;
  episode_begin_ = segments_.una();
}

void LossRecovery::enter_recovery() {
  ++domain_->counters.fast_recoveries;
  start_episode();
  congestion_.congested();
  state_ = State::kRecovery;
  plain_ = false;
  recover_ = segments_.next();
  recent_event_ = true;
  window_reduced_ = true;
  rate_.start(recover_.value - segments_.una().value);
}

// RFC 5681, 3.1; RFC 6298, 5.4 to 5.6; RFC 8985, 6.3.
void LossRecovery::enter_loss(Nanoseconds now) {
  ++domain_->counters.timeouts;
  // Of one series of losses the window is reduced once; but what was acknowledged since the last
  // timeout shows that this is another series.
  const bool fresh = state_ == State::kOpen || state_ == State::kDisorder ||
                     (state_ == State::kLoss && timeouts_ == 0);
  // Not out of fast recovery, where what is acknowledged next may be what was sent again (RFC 5682,
  // 2.1 step 1).
  forward_ = fresh || timeouts_ != 0;
  forward_sends_ = false;
  if (fresh) start_episode();
  congestion_.timed_out(!fresh);
  if (timeouts_ < UINT8_MAX) ++timeouts_;
  rtt_.back_off();
  restarted_ = now;
  state_ = State::kLoss;
  plain_ = probing_ = false;
  recover_ = segments_.next();
  recent_event_ = true;
  window_reduced_ = true;
  duplicates_ = 0;
  emulated_ = 0;
  reordering_at_ = {};
  // The receiver reported what begins at SND.UNA, and did not acknowledge it: it has dropped it.
  if (segments_.first()->state == SegmentState::kSacked) {
    ++domain_->counters.reneged;
    segments_.forget_sacks();
  }
  mark_losses_on_timeout(now);
  // What is not thought lost still counts as in flight, and may hold back nothing.
  congestion_.set_window(in_flight() + mss_);
}

void LossRecovery::leave_recovery() {
  if (state_ == State::kRecovery) congestion_.leave_recovery();
  state_ = State::kOpen;
  duplicates_ = 0;
  emulated_ = 0;
  forward_ = forward_sends_ = false;
  // DSACKs for what was sent again arrive within a round trip.
  suspicion_end_ = segments_.next();
  // RFC 8985, 6.2 step 4: after 16 recoveries without a DSACK the window is small again.
  if (reordering_persists_ != 0 && --reordering_persists_ == 0) reordering_multiplier_ = 1;
}

void LossRecovery::set_mss(uint32_t mss, bool resend, Nanoseconds now) {
  mss_ = mss;
  congestion_.set_mss(mss);
  if (!resend) return;
  for (SentSegment* segment = segments_.first(); segment != nullptr;) {
    SentSegment* const next = segment->next;
    if (segment->state == SegmentState::kInFlight && segment->segment_size > mss &&
        segment->range.length() > mss)
      segments_.mark_lost(segment);
    segment = next;
  }
  if (segments_.lost() == 0) return;
  if (state_ == State::kOpen || state_ == State::kDisorder) {
    // As after a timeout, but with the window as it is, and nothing to undo.
    state_ = State::kLoss;
    suspect_spurious_ = forward_ = forward_sends_ = false;
    recover_ = segments_.next();
    recent_event_ = true;
  } else if (state_ == State::kRecovery) {
    rate_.allow_at_least(mss_);
  }
  plain_ = probing_ = false;
  duplicates_ = 0;
  emulated_ = 0;
  set_deadline(false, now);
}

}  // namespace plumbline::net::tcp
