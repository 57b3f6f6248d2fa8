// The one timer of loss recovery: reordering, tail probe, retransmission timeout.
#include "net/tcp/loss_recovery.hh"

namespace plumbline::net::tcp {

void LossRecovery::set_deadline(bool probe, Nanoseconds now) {
  if (segments_.empty()) {
    deadline_ = kNever;
    timer_ = TimerKind::kNone;
    return;
  }
  const Nanoseconds timeout = restarted_ + rtt_.timeout(domain_->rto);
  if (reordering_at_.count != 0 && reordering_at_ < timeout) {
    deadline_ = reordering_at_;
    timer_ = TimerKind::kReordering;
    return;
  }
  const bool runs = timer_ == TimerKind::kTailProbe;
  if (may_probe() && (probe || runs)) {
    if (!probe) return;
    deadline_ = timeout;
    probe_before_timeout(now);
    return;
  }
  deadline_ = timeout;
  timer_ = TimerKind::kTimeout;
}

TimerAction LossRecovery::on_timer(Nanoseconds now) {
  if (now < deadline_ || segments_.empty()) return TimerAction::kNone;
  switch (timer_) {
    case TimerKind::kNone:
      return TimerAction::kNone;
    case TimerKind::kReordering: {
      const bool found = detect_losses(now);
      if (found) {
        if (state_ == State::kOpen || state_ == State::kDisorder) enter_recovery();
        // No acknowledgement came with it that could let something out.
        if (state_ == State::kRecovery) rate_.allow_at_least(mss_);
        plain_ = false;
      }
      set_deadline(false, now);
      return found ? TimerAction::kRetransmit : TimerAction::kNone;
    }
    case TimerKind::kTailProbe:
      // Whether or not the probe can be sent: the timeout is next (RFC 8985, 7.3).
      // And there is no second probe while this one may be under way (7.2), new data or not.
      restarted_ = now;
      probing_ = true;
      probe_was_old_ = false;
      probe_end_ = segments_.next();
      plain_ = false;
      set_deadline(false, now);
      return TimerAction::kProbe;
    case TimerKind::kTimeout:
      enter_loss(now);
      set_deadline(false, now);
      return TimerAction::kTimeout;
  }
  return TimerAction::kNone;
}

}  // namespace plumbline::net::tcp
