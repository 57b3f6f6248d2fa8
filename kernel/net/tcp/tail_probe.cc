// TLP: what the acknowledgement of a tail loss probe says (RFC 8985, section 7).
#include "net/tcp/loss_recovery.hh"

namespace plumbline::net::tcp {

SequenceRange LossRecovery::probe() const {
  const SentSegment* const last = segments_.last();
  if (last == nullptr) return {segments_.next(), segments_.next()};
  // The last segment of what may have been sent as several.
  const uint32_t length = last->range.length();
  const uint32_t size = last->segment_size == 0 ? 1 : last->segment_size;
  const uint32_t rest = length % size;
  const uint32_t tail = length <= mss_ ? length : rest != 0 ? rest : size;
  return {last->range.end - tail, last->range.end};
}

void LossRecovery::probed(bool new_data) {
  probe_was_old_ = !new_data;
  probe_end_ = segments_.next();
  ++domain_->counters.tail_probes;
}

// TLP_process_ack (7.4.2).
void LossRecovery::end_tail_probe(const Acknowledgement& ack, uint32_t advanced,
                                  const Report& report) {
  if (ack.number < probe_end_) return;
  if (!probe_was_old_) {
    probing_ = false;
  } else if (report.duplicate && report.range.end == probe_end_) {
    probing_ = false;  // both copies arrived
  } else if (ack.number > probe_end_) {
    // One copy arrived, so the other was lost: the probe repaired it unseen, and the window has to
    // react all the same.
    probing_ = false;
    ++domain_->counters.tail_losses_repaired;
    congestion_.forget_undo();
    congestion_.congested();
    congestion_.leave_recovery();
    congestion_.forget_undo();
    window_reduced_ = true;
  } else if (advanced == 0 && ack.duplicate && ack.sacks.empty()) {
    probing_ = false;  // both copies arrived, and the peer does not do DSACK
  }
}

}  // namespace plumbline::net::tcp
