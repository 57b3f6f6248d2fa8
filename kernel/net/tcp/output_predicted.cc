// What most sends are: all that is queued, in one segment, and nothing unusual about it. Does what
// output() would do.
#include "net/tcp/short_way.hh"

namespace plumbline::net::tcp {

using namespace tcp_flags;

// False: nothing was done, output() is the way.
bool Connection::output_predicted(Nanoseconds now) {
  const uint32_t sent = in_flight();
  const uint32_t data = send_queue_.size() - sent;
  // Between one byte and a full segment, which the peer's window takes; in ESTABLISHED with nothing
  // out of order, so no SACK blocks but for duplicates.
  if (data - 1 >= segment_size_ || sent + data > send_window_ || predicted_flags_ != kAck ||
      duplicate_ || ecn_ || probe_at_ != kNever || !recovery_.plain())
    return false;
  if (data != segment_size_ && !small_segment_allowed()) return false;
  if (recovery_.in_flight() + data > recovery_.congestion().window()) return false;
  if (sent == 0) {
    if (now - progress_ > kIdleTime) return false;
    progress_ = now;
  }
  if (!recovery_.can_send()) return false;
  const uint32_t header = plain_header();
  Domain& domain = *domain_;
  PacketBuffer* const frame = send_queue_.make_frame(domain.header_room + header, sent, data);
  if (frame == nullptr) return false;
  frame->data += domain.header_room;
  frame->length -= domain.header_room;
  write_header(frame->data, kAck | kPsh, send_next_, header, now);
  const SequenceRange range{send_next_, send_next_ + data};
  send_next_ = range.end;
  if (data != segment_size_) small_end_ = range.end;
  recovery_.sent(range, segment_size_, now);
  want_timer(recovery_.deadline());
  ++counters_.segments_sent;
  ++domain.statistics.segments_sent;
  SegmentToSend segment;
  segment.payload = data;
  segment.header = static_cast<uint16_t>(header);
  segment.traffic_class = traffic_class_;
  segment.hop_limit = hop_limit_;
  segment.route = &route_;
  domain.send(domain.below, frame, key, segment);
  return true;
}

// More bytes were queued.
void Connection::push(bool more, Nanoseconds now) {
  if (left_ || !is_one_of(state_, state_sets::kSynchronized)) return;
  more_ = more;
  // A program that answers: ACKs can wait for its answers from now on.
  if (acknowledge_at_ != kNever) quick_segments_ = 0;
  if (!output_predicted(now)) output(now);
}

}  // namespace plumbline::net::tcp
