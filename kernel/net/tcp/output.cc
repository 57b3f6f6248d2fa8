// What to send now: data again, new data as far as windows and Nagle's rule allow, or an ACK alone
// (RFC 9293 section 3.7 and 3.8.6).
#include <algorithm>

#include "net/tcp/connection.hh"
#include "net/tcp/segment_writer.hh"

namespace plumbline::net::tcp {

using namespace state_sets;
using namespace tcp_flags;

// SND.UNA + SND.WND - SND.NXT; a peer that shrank its window leaves nothing.
uint32_t Connection::send_space() const {
  const Sequence edge = send_unacknowledged_ + send_window_;
  return edge > send_next_ ? static_cast<uint32_t>(edge - send_next_) : 0;
}

uint32_t Connection::unsent() const {
  return state_ == State::kSynSent || state_ == State::kSynReceived ? send_queue_.size()
                                                                    : unsent_data();
}

bool Connection::may_want_output() const {
  return unsent_data() != 0 || (fin_queued_ && !fin_sent_) ||
         recovery_.state() != LossRecovery::State::kOpen;
}

void Connection::output(Nanoseconds now) {
  if (is_one_of(state_, kSending)) {
    if (recovery_.state() != LossRecovery::State::kOpen) [[unlikely]]
      output_retransmissions(now);
    if (in_flight() == 0) {
      // The congestion window may be from another time (RFC 5681 section 4.1).
      if (now - progress_ > kIdleTime) [[unlikely]]
        recovery_.restart_after_idle(now - progress_);
      progress_ = now;
    }
    if (ecn_ && recovery_.take_window_reduced()) congestion_reduced_ = true;
    while (const uint32_t length = next_length(now)) {
      if (!domain_->is_ready()) [[unlikely]] {
        wait_for_device(now);
        break;
      }
      if (!recovery_.can_send() || !send_range({send_next_, send_next_ + length}, false, now))
          [[unlikely]] {
        no_memory(now);
        break;
      }
    }
    if (recovery_.deadline() != kNever) want_timer(recovery_.deadline());
  }
  if (acknowledge_now_) acknowledge_now(now);
}

void Connection::output_retransmissions(Nanoseconds now) {
  while (const auto range = recovery_.next_retransmission(most_in_frame(), unsent_data() != 0)) {
    if (!domain_->is_ready()) [[unlikely]] {
      wait_for_device(now);
      return;
    }
    // After a reduction of the segment size a piece can be larger than a frame may be without TSO.
    SequenceRange part = *range;
    if (part.length() > most_in_frame()) part.end = part.begin + most_in_frame();
    if (!send_range(part, true, now)) {
      no_memory(now);
      return;
    }
  }
}

// Payload that one frame can take: with TSO as many full-sized segments as the device cuts.
uint32_t Connection::most_in_frame() const {
  const uint32_t most = domain_->maximum_payload.of(key);
  // CWR belongs into one segment only, and devices repeat it in each.
  if (congestion_reduced_) return segment_size_;
  return most > segment_size_ ? most - most % segment_size_ : segment_size_;
}

// Sequence numbers of the next frame with new data (and our FIN): 0 when nothing is to be sent now.
// When nothing else will wake us, a timer is set.
uint32_t Connection::next_length(Nanoseconds now) {
  const uint32_t data = unsent_data();
  const bool fin = fin_queued_ && !fin_sent_;
  if (data == 0 && !fin) return 0;
  const uint32_t space = send_space();
  const uint32_t allowed = std::min(recovery_.allowed(), most_in_frame());
  const uint32_t limit = std::min(space, allowed);
  if (data <= limit) {
    // The last data. FIN takes a number in the window.
    if (fin) {
      if (space > data) return sends(data + 1);
      if (data == 0) return held_back(now);
      return sends(data);
    }
    const uint32_t tail = data < segment_size_ ? data : data % segment_size_;
    if (tail == 0 || small_segment_allowed()) return sends(data);
    if (data > tail) return sends(data - tail);
    return corked() || in_flight() == 0 ? held_back(now) : 0;
  }
  const uint32_t whole = limit - limit % segment_size_;
  if (whole != 0) return sends(whole);
  // Less than a segment: where the peer's window is the reason, at least half of the largest it has
  // ever offered (section 3.8.6.2.1, the third condition).
  if (limit == space && limit != 0 && limit >= largest_window_ / 2) return sends(limit);
  return in_flight() == 0 ? held_back(now) : 0;
}

uint32_t Connection::sends(uint32_t length) {
  probe_at_ = kNever;
  probe_backoff_ = 0;
  return length;
}

// Data that nothing in flight will set free: the peer's window is closed (section 3.8.6.1), too
// small to be used (3.8.6.2.1: override time-out), or the program holds it back by TCP_CORK.
uint32_t Connection::held_back(Nanoseconds now) {
  if (probe_at_ == kNever) {
    probe_at_ = now + (corked() ? kCorkTime : probe_interval());
    want_timer(probe_at_);
  }
  return 0;
}

// Sends the numbers of `range`, which starts at send_next_ unless `again`. False: no memory.
bool Connection::send_range(SequenceRange range, bool again, Nanoseconds now) {
  const auto offset = static_cast<uint32_t>(range.begin - send_unacknowledged_);
  uint32_t length = range.length();
  uint8_t flags = kAck;
  // The queue ends where the FIN's number is.
  const uint32_t behind = send_queue_.size() - std::min(offset, send_queue_.size());
  if (length > behind) {
    ASSERT(fin_queued_ && length == behind + 1);
    length = behind;
    flags |= kFin;
  }
  if (length != 0 && length == behind) flags |= kPsh;
  SegmentWriter writer(*this, now);
  writer.start(flags, length + SegmentWriter::kSackRoom <= segment_size_);
  PacketBuffer* const frame = length == 0 ? domain_->memory->allocate_control(writer.room())
                                          : send_queue_.make_frame(writer.room(), offset, length);
  if (frame == nullptr) return false;
  SegmentToSend& segment = writer.segment();
  if (length > segment_size_) segment.segment_size = segment_size_;
  if (!again) {
    if (ecn_ && length != 0) {
      // Only new data is marked (RFC 3168 section 6.1.5).
      segment.ecn = kEct0;
      if (congestion_reduced_) {
        writer.add(kCwr);
        congestion_reduced_ = false;
      }
    }
    if ((flags & kFin) != 0) fin_sent_ = true;
    if (length < segment_size_ || (length != segment_size_ && length % segment_size_ != 0))
      small_end_ = range.end;
    send_next_ = range.end;
    recovery_.sent(range, segment_size_, now);
  } else {
    const uint32_t count = length <= segment_size_ ? 1 : (length - 1) / segment_size_ + 1;
    counters_.segments_retransmitted += count;
    counters_.bytes_retransmitted += length;
    domain_->statistics.retransmitted += count;
    recovery_.retransmitted(range, segment_size_, now);
  }
  writer.send(frame, range.begin, length);
  return true;
}

// "<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>"
void Connection::acknowledge_now(Nanoseconds now) {
  SegmentWriter writer(*this, now);
  writer.start(kAck, true);
  PacketBuffer* const frame = domain_->memory->allocate_control(writer.room());
  if (frame == nullptr) {
    // The data comes again, and so does the reason for this ACK.
    ++domain_->statistics.no_buffer;
    acknowledge_now_ = false;
    return;
  }
  writer.send(frame, send_next_, 0);
}

// An ACK with the number of a byte that the peer has, which it must answer
// (sections 3.8.4, 3.8.6.1).
void Connection::send_probe(Nanoseconds now) {
  SegmentWriter writer(*this, now);
  writer.start(kAck, false);
  PacketBuffer* const frame = domain_->memory->allocate_control(writer.room());
  if (frame == nullptr) {
    ++domain_->statistics.no_buffer;
    return;
  }
  writer.send(frame, send_unacknowledged_ - 1, 0);
}

// No memory for a frame: tried again when something was acknowledged, else soon.
void Connection::no_memory(Nanoseconds now) {
  ++domain_->statistics.no_buffer;
  if (probe_at_ == kNever) probe_at_ = now + kRetryTime;
  want_timer(probe_at_);
}

// The device is behind: what it has brings acknowledgements, and each of them leads back to
// output(). The timer is for a connection that has nothing with the device.
void Connection::wait_for_device(Nanoseconds now) {
  ++domain_->statistics.device_waits;
  if (probe_at_ == kNever) probe_at_ = now + kDeviceTime;
  want_timer(probe_at_);
}

void Connection::defer() {
  if (deferred_) return;
  deferred_ = true;
  next_deferred_ = domain_->deferred;
  domain_->deferred = this;
}

}  // namespace plumbline::net::tcp
