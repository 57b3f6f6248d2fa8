// Retransmissions that turn out to have been in vain, and what they did to the window undone.
#include "net/tcp/loss_recovery.hh"

namespace plumbline::net::tcp {

bool LossRecovery::was_spurious(const Acknowledgement& ack, uint32_t advanced, const Report& report,
                                const DeliverySample& sample) {
  if (!suspect_spurious_) return false;
  const bool recovering = state_ == State::kRecovery || state_ == State::kLoss;
  if (!recovering && segments_.una() > suspicion_end_) {
    // Whatever comes now is about something later.
    suspect_spurious_ = false;
    return false;
  }
  if (recovering) {
    // Eifel detection (RFC 3522, 3.2 step 5): the first thing that advances SND.UNA is an answer to
    // something that was sent before the first retransmission.
    if (advanced != 0 && retransmitted_any_ && ack.has_echo &&
        static_cast<int32_t>(ack.echo - first_again_) < 0)
      return true;
    // F-RTO (RFC 5682, 2.1 and 3.1, step 3b): after a timeout something arrives that was not sent
    // again.
    if (forward_ && state_ == State::kLoss && sample.original_recovered) return true;
    // Everything arrived before anything was sent again.
    if (!retransmitted_any_ && segments_.una() >= recover_) return true;
  }
  // Each byte that was sent again arrived twice (RFC 3708).
  if (report.duplicate && report.range.begin >= episode_begin_ && retransmitted_any_) {
    const uint32_t bytes = report.range.length();
    unproved_ -= bytes < unproved_ ? bytes : unproved_;
    return unproved_ == 0 && segments_.lost() == 0;
  }
  return false;
}

void LossRecovery::undo() {
  if (state_ == State::kLoss) {
    ++domain_->counters.spurious_timeouts;
    // The next timeout comes no later than this one should have (RFC 4015, 3.3).
    rtt_.end_backoff();
    timeouts_ = 0;
  } else {
    ++domain_->counters.spurious_recoveries;
  }
  congestion_.undo();
  suspect_spurious_ = false;
  if (state_ == State::kRecovery || state_ == State::kLoss) {
    segments_.unmark_lost();
    state_ = State::kOpen;
    duplicates_ = 0;
    emulated_ = 0;
    forward_ = forward_sends_ = false;
  }
}

// F-RTO's first acknowledgement after the timeout (RFC 5682, 2.1 step 2), when it did not show that
// the timeout was spurious.
void LossRecovery::go_forward(uint32_t advanced) {
  if (advanced == 0 || forward_sends_) {
    // A duplicate, or the second one: the losses are real.
    forward_ = forward_sends_ = false;
    return;
  }
  // Instead of sending more again, send something new: if the next acknowledgement reaches beyond
  // what was sent again, the originals have arrived.
  forward_sends_ = true;
}

}  // namespace plumbline::net::tcp
