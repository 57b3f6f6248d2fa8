// RACK: what was sent well before something that has arrived is lost (RFC 8985, section 6).
#include <algorithm>

#include "net/tcp/loss_recovery.hh"

namespace plumbline::net::tcp {

// RACK_update_reo_wnd, the part about DSACKs (6.2 step 4): what was sent again in vain shows that
// the window was too small.
void LossRecovery::count_duplicate_reports(const Report& report) {
  if (in_duplicate_round_ && segments_.una() >= duplicate_round_) in_duplicate_round_ = false;
  if (!report.duplicate || in_duplicate_round_) return;
  in_duplicate_round_ = true;
  duplicate_round_ = segments_.next();
  if (reordering_multiplier_ < UINT8_MAX) ++reordering_multiplier_;
  reordering_persists_ = 16;
}

// RACK_update_reo_wnd, the window itself.
Nanoseconds LossRecovery::reordering_window() const {
  if (!reordering_seen_) {
    // No patience where reordering never happened and the loss is as good as certain.
    if (state_ == State::kRecovery || state_ == State::kLoss) return {};
    // DupThresh segments: the third may be a short one.
    if (segments_.sacked() > (kDuplicates - 1) * mss_) return {};
  }
  return std::min(rtt_.minimum() * reordering_multiplier_ / 4, rtt_.smoothed());
}

// RACK_detect_loss (6.2 step 5). In the order of transmission all candidates come first, and of
// those the ones that have waited long enough: the walk stops at the first that is not lost.
bool LossRecovery::detect_losses(Nanoseconds now) {
  reordering_at_ = {};
  const Nanoseconds patience = newest_round_trip_ + reordering_window();
  bool found = false;
  while (SentSegment* const segment = segments_.oldest()) {
    if (!sent_after(newest_delivered_, newest_delivered_end_, segment->sent_at, segment->range.end))
      break;
    if (segment->sent_at + patience > now) {
      // The timer is for the last of the candidates, which was sent at newest_delivered_ or before:
      // one expiry finds all, and finding the last would take a walk.
      reordering_at_ = newest_delivered_ + patience;
      break;
    }
    segments_.mark_lost(segment);
    found = true;
  }
  return found;
}

// RACK_mark_losses_on_RTO (6.3): the first segment, and whatever was sent so long ago that it must
// have arrived. Without SACK all of it, as ever (RFC 5681, 3.1).
void LossRecovery::mark_losses_on_timeout(Nanoseconds now) {
  if (!sack_ || newest_round_trip_.count == 0) {
    segments_.mark_all_lost();
    return;
  }
  const Nanoseconds patience = newest_round_trip_ + reordering_window();
  while (SentSegment* const segment = segments_.oldest()) {
    if (segment->sent_at + patience > now) break;
    segments_.mark_lost(segment);
  }
  SentSegment* const first = segments_.first();
  if (first->state == SegmentState::kInFlight) segments_.mark_lost(first, mss_);
}

}  // namespace plumbline::net::tcp
