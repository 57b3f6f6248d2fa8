// Opening and closing: what the owner asks for (RFC 9293 section 3.10.1 to 3.10.5).
#include "net/tcp/connection.hh"

#include <algorithm>

namespace plumbline::net::tcp {

using namespace state_sets;

Connection::Connection(Domain& domain, const FlowKey& ends)
    : Flow{ends, FlowKind::kConnection},
      receive_limit_(domain.settings.receive_buffer),
      send_limit_(domain.settings.send_buffer),
      domain_(&domain),
      send_queue_(*domain.memory),
      receive_queue_(*domain.memory),
      recovery_(*domain.recovery) {
  set_path_mtu(domain.mtu_of(ends));
}

Connection::Connection(Domain& domain, const FlowKey& ends, const Handshake& handshake,
                       Nanoseconds now)
    : Connection(domain, ends) {
  state_ = State::kSynReceived;
  left_ = false;
  send_unacknowledged_ = handshake.initial_send;
  send_next_ = handshake.initial_send + 1;
  receive_next_ = last_acknowledged_ = handshake.initial_receive + 1;
  receive_edge_ = receive_next_ + handshake.receive_window;
  send_window_ = largest_window_ = handshake.send_window;
  window_sequence_ = handshake.initial_receive;
  window_acknowledgement_ = handshake.initial_send;
  timestamps_ = handshake.timestamps;
  selective_ = handshake.selective;
  ecn_ = handshake.ecn;
  if (handshake.send_scale >= 0) {
    send_scale_ = static_cast<uint8_t>(handshake.send_scale);
    receive_scale_ = handshake.receive_scale;
    scaled_ = true;
  }
  recent_timestamp_ = handshake.recent_timestamp;
  timestamp_offset_ = handshake.timestamp_offset;
  peer_mss_ = std::max(handshake.peer_mss, domain.settings.minimum_mss);
  set_path_mtu(path_mtu_);
  last_received_ = now;
  // The listener repeats its SYN until the handshake is over; a repetition makes the sample useless
  // (Karn, RFC 6298 section 3).
  syn_sent_at_ = handshake.answered;
  retransmitted_syn_ = handshake.retransmitted;
  progress_ = now;
  // For the case that the segment is not what it seemed to be: our SYN is repeated.
  probe_at_ = now + domain.settings.initial_timeout;
  want_timer(probe_at_);
}

Connection::~Connection() {
  ASSERT(left_);
  ASSERT(!deferred_);
  domain_->timers->cancel(timer_);
}

void Connection::connect(Sequence initial, uint32_t timestamp_offset, Nanoseconds now) {
  ASSERT(state_ == State::kClosed);
  const Settings& settings = domain_->settings;
  ++domain_->statistics.active_opens;
  state_ = State::kSynSent;
  left_ = false;
  opened_actively_ = true;
  send_unacknowledged_ = initial;
  send_next_ = small_end_ = initial + 1;
  timestamp_offset_ = timestamp_offset;
  timestamps_ = settings.timestamps;
  selective_ = settings.selective;
  scaled_ = settings.window_scaling;
  ecn_ = settings.ecn == EcnMode::kAsk;
  receive_scale_ =
      scaled_ ? window_scale(receive_fixed_ ? receive_limit_ : settings.receive_buffer_maximum)
              : uint8_t{0};
  progress_ = last_received_ = syn_sent_at_ = now;
  send_syn(now);
  probe_at_ = now + settings.initial_timeout;
  want_timer(probe_at_);
}

// The handshake is over, one way or the other.
void Connection::established(Nanoseconds now) {
  ++domain_->statistics.established;
  state_ = State::kEstablished;
  attempts_ = 0;
  probe_at_ = kNever;
  if (!retransmitted_syn_ && syn_sent_at_.count != 0)
    recovery_.rtt().sample(now - syn_sent_at_, now - syn_sent_at_, now);
  LossRecovery::Options options;
  options.first = send_unacknowledged_;
  options.mss = segment_size_;
  options.sack = selective_;
  options.timestamps = timestamps_;
  options.syn_lost = retransmitted_syn_;
  options.algorithm = congestion_;
  recovery_.start(options);
  small_end_ = send_unacknowledged_;
  progress_ = last_received_ = now;
  quick_segments_ = kQuickSegments;
  if (keepalive_) idle_at_ = now + keepalive_idle();
  if (idle_at_ != kNever) want_timer(idle_at_);
  predict();
  // What was sent or closed before the handshake's end (RFC 9293 section 3.10.4: queued).
  if (fin_queued_) {
    state_ = State::kFinWait1;
    predict();
  }
  if (unsent() != 0 || fin_queued_) defer();
  notify(kConnected | kWritable);
}

void Connection::shutdown_send(Nanoseconds now) {
  if (fin_queued_) return;
  switch (state_) {
    case State::kSynSent:
    case State::kSynReceived:
      fin_queued_ = true;  // sent once the handshake is over (RFC 9293 section 3.10.4)
      return;
    case State::kEstablished:
      state_ = State::kFinWait1;
      break;
    case State::kCloseWait:
      state_ = State::kLastAck;
      break;
    default:
      return;
  }
  fin_queued_ = true;
  predict();
  output(now);
}

void Connection::close(Nanoseconds now) {
  ASSERT(!orphaned_);
  orphaned_ = true;
  owner_ = nullptr;
  if (left_) {
    defer();  // to be released
    return;
  }
  if (state_ == State::kSynSent) {
    leave(State::kClosed, now);
    return;
  }
  // Data that nobody will read: the peer must learn that it was lost (RFC 2525 section 2.17).
  if (receive_queue_.readable() != 0) {
    ++domain_->statistics.aborted_data;
    abort_now(now);
    return;
  }
  shutdown_send(now);
  // Nobody sees what still arrives: nothing of the program's is kept.
  if (state_ == State::kFinWait2) {
    idle_at_ = now + domain_->settings.fin_wait_2;
    want_timer(idle_at_);
  } else if (idle_at_ != kNever && state_ == State::kFinWait1) {
    idle_at_ = kNever;  // the retransmission time-out takes over
  }
}

void Connection::abort(Nanoseconds now) {
  orphaned_ = true;
  owner_ = nullptr;
  if (left_) {
    defer();
    return;
  }
  abort_now(now);
}

// RFC 9293 section 3.10.5: the states in which the peer knows of us and may expect more.
void Connection::abort_now(Nanoseconds now) {
  if (state_ != State::kSynSent) send_reset(now);
  leave(State::kClosed, now);
}

void Connection::fail(Errno error, Nanoseconds now) {
  error_ = error;
  leave(State::kClosed, now);
}

void Connection::enter_time_wait(Nanoseconds now) { leave(State::kTimeWait, now); }

void Connection::leave(State state, Nanoseconds now) {
  ASSERT(!left_);
  // The record needs an answer to what it saw last, which only we can build.
  if (state == State::kTimeWait && acknowledge_now_) acknowledge_now(now);
  state_ = state;
  left_ = true;
  predicted_flags_ = kNothingPredicted;
  acknowledge_now_ = false;
  acknowledge_at_ = probe_at_ = idle_at_ = kNever;
  domain_->timers->cancel(timer_);
  recovery_.clear();
  send_queue_.acknowledge(send_queue_.size());
  if (orphaned_) receive_queue_.discard(receive_queue_.readable());
  domain_->leave(domain_->stack, *this, now);
  if (orphaned_) {
    defer();
    return;
  }
  notify(error_ != Errno::kNone ? kFailed | kClosed : uint32_t{kClosed});
}

Errno Connection::take_soft_error() {
  const Errno error = soft_error_;
  soft_error_ = Errno::kNone;
  return error;
}

}  // namespace plumbline::net::tcp
