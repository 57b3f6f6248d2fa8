// What happens when nothing happens: segments sent again, closed windows probed, silent peers
// asked, and the ACK that no answer carried.
//
// A connection has one timer in the wheel. It is armed for the earliest of its deadlines or
// earlier, and not touched when a deadline moves away: the deadlines are looked at when it runs
// out. While segments come it runs out every 40 ms, so that the delayed ACK of a request finds it
// armed.
#include <algorithm>

#include "net/tcp/connection.hh"

namespace plumbline::net::tcp {

using namespace state_sets;

// Whatever is due at `now`; then the timer is armed for what is next.
void Connection::timeout(Nanoseconds now) {
  if (left_) return;
  if (acknowledge_at_ <= now) {
    ++domain_->statistics.delayed_acknowledgements;
    // The program does not answer: the peer may be one that waits for the ACK.
    acknowledge_now(now);
  }
  if (mtu_reduced_at_.count != 0 && now - mtu_reduced_at_ >= kReducedTime) try_larger_segments(now);
  if (recovery_.deadline() <= now) recovery_timeout(now);
  if (!left_ && probe_at_ <= now) {
    probe_at_ = kNever;
    if (state_ == State::kSynSent || state_ == State::kSynReceived)
      handshake_timeout(now);
    else
      probe_timeout(now);
  }
  if (!left_ && idle_at_ <= now) {
    idle_at_ = kNever;
    idle_timeout(now);
  }
  if (!left_ && user_timeout_ms_ != 0 && waits_for_peer() && now >= user_deadline()) give_up(now);
  if (!left_) arm_next(now);
}

void Connection::arm_next(Nanoseconds now) {
  Nanoseconds next = std::min({acknowledge_at_, recovery_.deadline(), probe_at_, idle_at_});
  const Nanoseconds heartbeat = domain_->settings.delayed_acknowledgement;
  if (last_received_ + heartbeat > now) next = std::min(next, now + heartbeat);
  if (user_timeout_ms_ != 0 && waits_for_peer()) next = std::min(next, user_deadline());
  if (next != kNever) domain_->timers->arm(timer_, next);
}

// The peer owes us an acknowledgement, or a window.
bool Connection::waits_for_peer() const {
  return in_flight() != 0 || (is_one_of(state_, kSending) && unsent_data() != 0);
}

Nanoseconds Connection::user_deadline() const { return progress_ + milliseconds(user_timeout_ms_); }

// R2 of RFC 9293 section 3.8.3.
bool Connection::gives_up(unsigned attempts) const {
  const Settings& settings = domain_->settings;
  if (orphaned_) return attempts > settings.orphan_retries;
  return user_timeout_ms_ == 0 && attempts > settings.retries;
}

void Connection::give_up(Nanoseconds now) {
  ++domain_->statistics.aborted_timeout;
  // What ICMP told meanwhile says more than "no answer" (RFC 1122 section 4.2.3.9).
  fail(soft_error_ != Errno::kNone ? soft_error_ : Errno::kETIMEDOUT, now);
}

void Connection::recovery_timeout(Nanoseconds now) {
  switch (recovery_.on_timer(now)) {
    case TimerAction::kNone:
      return;
    case TimerAction::kRetransmit:
      break;
    case TimerAction::kProbe:
      send_tail_probe(now);
      break;
    case TimerAction::kTimeout:
      ++domain_->statistics.timeouts;
      if (gives_up(recovery_.timeouts())) {
        give_up(now);
        return;
      }
      detect_black_hole(recovery_.timeouts(), now);
      break;
  }
  output(now);
}

// RFC 8985 section 7.3: new data if there is some, else the last that was sent.
void Connection::send_tail_probe(Nanoseconds now) {
  const uint32_t space = send_space();
  uint32_t length = std::min(unsent_data(), uint32_t{segment_size_});
  length = std::min(length, space);
  if (length != 0 && recovery_.can_send() &&
      send_range({send_next_, send_next_ + length}, false, now)) {
    recovery_.probed(true);
    return;
  }
  const SequenceRange range = recovery_.probe();
  if (!range.empty() && send_range(range, true, now)) recovery_.probed(false);
}

// A SYN without an answer (section 3.8.3: at least three minutes for R2 of a SYN; Linux, and so we,
// give up after 127 s, which programs rely on).
void Connection::handshake_timeout(Nanoseconds now) {
  const Settings& settings = domain_->settings;
  if (attempts_ >= settings.syn_retries) {
    give_up(now);
    return;
  }
  ++attempts_;
  retransmitted_syn_ = true;
  // Some middle boxes drop SYNs that ask for ECN (RFC 3168 section 6.1.1.1).
  ecn_ = ecn_ && state_ == State::kSynReceived;
  send_syn(now);
  probe_at_ = now + std::min(settings.initial_timeout * (uint64_t{1} << attempts_),
                             settings.maximum_timeout);
}

Nanoseconds Connection::retransmission_timeout() const {
  return recovery_.rtt().timeout(domain_->recovery->rto);
}

// Between probes of a closed window: as the retransmission time-out, growing (section 3.8.6.1).
Nanoseconds Connection::probe_interval() const {
  const Settings& settings = domain_->settings;
  return std::min(
      retransmission_timeout() * (uint64_t{1} << std::min<unsigned>(probe_backoff_, 16)),
      settings.maximum_timeout);
}

void Connection::probe_timeout(Nanoseconds now) {
  if (!is_one_of(state_, kSending)) return;
  if (blocked_) room_came_free();
  const uint32_t data = unsent_data();
  const bool fin = fin_queued_ && !fin_sent_;
  if (data == 0 && !fin) {
    // What lacked room or memory was to be sent again.
    if (in_flight() != 0) output(now);
    return;
  }
  const uint32_t space = send_space();
  if (space == 0 && in_flight() == 0) {
    // The window is closed. As long as the peer answers, for ever (section 3.8.6.1, MUST-37); but
    // not when no program is left that could be told of it.
    if (gives_up(orphaned_ ? probe_backoff_ : attempts_)) {
      give_up(now);
      return;
    }
    ++domain_->statistics.window_probes;
    if (attempts_ != UINT8_MAX) ++attempts_;
    if (probe_backoff_ != UINT8_MAX) ++probe_backoff_;
    send_probe(now);
    probe_at_ = now + probe_interval();
    return;
  }
  // Held back long enough: what the window takes goes, full-sized or not (section 3.8.6.2.1's
  // override time-out, and tcp(7)'s ceiling for TCP_CORK). After a lack of memory, the usual way.
  output(now);
  const uint32_t length = std::min({unsent_data(), send_space(), uint32_t{segment_size_}});
  if (length != 0 && (in_flight() == 0 || corked()) && recovery_.can_send())
    send_range({send_next_, send_next_ + length}, false, now);
  if (recovery_.deadline() != kNever) want_timer(recovery_.deadline());
}

// Keep-alive (section 3.8.4), and the end of FIN-WAIT-2 for a connection that no program has.
void Connection::idle_timeout(Nanoseconds now) {
  if (state_ == State::kFinWait2 && orphaned_) {
    leave(State::kClosed, now);
    return;
  }
  if (!keepalive_ || !is_one_of(state_, kSynchronized)) return;
  // With data on its way the retransmission time-out notices a dead peer.
  const Nanoseconds idle_since = std::max(last_received_, progress_);
  if (waits_for_peer() || now - idle_since < keepalive_idle()) {
    keepalive_sent_ = 0;
    idle_at_ = waits_for_peer() ? now + keepalive_idle() : idle_since + keepalive_idle();
    return;
  }
  const bool expired =
      user_timeout_ms_ != 0
          ? keepalive_sent_ != 0 && now - idle_since >= milliseconds(user_timeout_ms_)
          : keepalive_sent_ >= keepalive_probe_count();
  if (expired) {
    send_reset(now);
    give_up(now);
    return;
  }
  ++keepalive_sent_;
  ++domain_->statistics.keepalive_probes;
  send_probe(now);
  idle_at_ = now + keepalive_interval();
}

}  // namespace plumbline::net::tcp
