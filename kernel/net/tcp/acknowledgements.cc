// What a segment says of our data: what has arrived, and how much more the peer takes (RFC 9293
// section 3.10.7.4, fifth).
#include <algorithm>

#include "net/tcp/short_way.hh"

namespace plumbline::net::tcp {

using namespace state_sets;
using namespace tcp_flags;

// False when the segment is to be dropped.
bool Connection::process_acknowledgement(Segment& segment, Nanoseconds now) {
  const Sequence number = segment.acknowledgement;
  // RFC 5961 section 5: only what a peer that shares our history can say. A blind attacker has to
  // hit the window here, too.
  if (number > send_next_ || number < send_unacknowledged_ - largest_window_) {
    challenge(now);
    return false;
  }
  attempts_ = 0;                                   // whatever it says, the peer is there
  if (number < send_unacknowledged_) return true;  // overtaken by a later one: nothing new
  const uint32_t window_before = send_window_;
  update_send_window(segment);
  const bool fin_acknowledged = fin_sent_ && number == send_next_;
  if (number == send_unacknowledged_) {
    acknowledge_again(segment, window_before, now);
  } else {
    acknowledge_new(segment, now);
    if (fin_acknowledged) our_fin_acknowledged(now);
  }
  if (!left_ && may_want_output()) defer();
  return !left_;
}

// SEG.ACK = SND.UNA: a duplicate, a window update, SACKs, or data of a peer that hears nothing new.
void Connection::acknowledge_again(const Segment& segment, uint32_t window_before,
                                   Nanoseconds now) {
  // With nothing in flight, too, duplicates tell that something was sent in vain (RFC 8985 section
  // 7.4.2; RFC 2883).
  if (in_flight() == 0 && segment.options.sack_count == 0 && segment.length != 0) return;
  Acknowledgement acknowledgement;
  fill(acknowledgement, segment);
  // RFC 5681 section 2: exactly this counts as a duplicate.
  acknowledgement.duplicate =
      segment.length == 0 && !segment.has(kFin) && send_window_ == window_before;
  if (recovery_.acknowledge(acknowledgement, now).lost != 0) defer();
}

// SND.WND by segments that are newer than the one it was last set by.
// A segment that acknowledges something new is newer than all before, whatever its number: where it
// repeats data, RFC 9293's comparison would leave the old window to the new SND.UNA, which together
// are more than the peer ever offered.
void Connection::update_send_window(const Segment& segment) {
  if (segment.acknowledgement > send_unacknowledged_ || window_sequence_ < segment.sequence ||
      (window_sequence_ == segment.sequence && window_acknowledgement_ <= segment.acknowledgement))
    set_send_window(segment);
}

void Connection::our_fin_acknowledged(Nanoseconds now) {
  switch (state_) {
    case State::kFinWait1:
      state_ = State::kFinWait2;
      if (orphaned_) {
        // Not for ever, and without any program's memory: the peer may never close.
        idle_at_ = now + domain_->settings.fin_wait_2;
        want_timer(idle_at_);
      }
      notify(kDrained);
      break;
    case State::kClosing:
      notify(kDrained);
      enter_time_wait(now);
      break;
    case State::kLastAck:
      notify(kDrained);
      leave(State::kClosed, now);
      break;
    default:
      break;
  }
}

bool Connection::writable() {
  if (!may_send()) return true;  // sending fails at once: nobody need wait
  const bool free = has_send_room();
  if (!free) blocked_ = true;
  return free;
}

// A program wants to send more than there is room for.
void Connection::send_blocked(Nanoseconds now) {
  if (!may_send()) return;
  blocked_ = true;
  // For want of memory, with nothing in flight that could set some free: looked at again soon.
  if (send_queue_.size() == 0) no_memory(now);
}

// kWritable, once a third of the buffer is free: a program that is woken for each segment's worth
// would do little else.
void Connection::room_came_free() {
  const uint32_t used = send_queue_.memory();
  if (!send_fixed_) grow_send_buffer();
  if (used > send_limit_ - send_limit_ / 3) return;
  blocked_ = false;
  notify(kWritable);
}

// Twice the congestion window, so that a program that is woken when acknowledgements come keeps it
// full (RFC 9293 leaves buffers to us).
void Connection::grow_send_buffer() {
  const uint32_t window = recovery_.congestion().window();
  const uint32_t maximum = domain_->settings.send_buffer_maximum;
  const uint32_t wanted = window > maximum / 2 ? maximum : 2 * window;
  send_limit_ = std::max(send_limit_, wanted);
}

}  // namespace plumbline::net::tcp
