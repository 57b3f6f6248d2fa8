// Connections that others open: SYNs, and the rest of their handshakes (RFC 9293, section 3.10.7.2
// and SYN-RECEIVED in 3.10.7.4; RFC 4987).
#include <algorithm>

#include "net/tcp/control_segment.hh"
#include "net/tcp/initial_sequence.hh"
#include "net/tcp/stack.hh"
#include "net/tcp/syn_cookie.hh"

namespace plumbline::net::tcp {

using namespace tcp_flags;

// What our SYN says, and what holds when it arrives.
Handshake Stack::agree(const ListenerQueue& queue, const FlowKey& key, const Segment& syn) const {
  const Settings& settings = domain_.settings;
  const Listener::Configuration& wanted = queue.listener->configuration();
  const Segment::Options& options = syn.options;
  const uint16_t unspecified = key.remote.is_v4() ? 536 : 1220;  // RFC 9293, section 3.7.1
  Handshake agreed;
  agreed.initial_receive = syn.sequence;
  agreed.send_window = syn.window;
  agreed.peer_mss = std::max(options.mss != 0 ? options.mss : unspecified, settings.minimum_mss);
  agreed.timestamps = settings.timestamps && options.has_timestamp;
  agreed.recent_timestamp = options.timestamp_value;
  agreed.timestamp_offset = timestamp_offset(secrets_, key);
  agreed.selective = settings.selective && options.sack_permitted;
  if (settings.window_scaling) agreed.send_scale = options.window_scale;
  agreed.receive_scale = Connection::window_scale(
      wanted.receive_buffer != 0 ? wanted.receive_buffer : settings.receive_buffer_maximum);
  const uint32_t buffer =
      wanted.receive_buffer != 0 ? wanted.receive_buffer : settings.receive_buffer;
  agreed.receive_window = std::min(buffer, uint32_t{65535});
  // RFC 3168, section 6.1.1: both bits ask for ECN.
  agreed.ecn = settings.ecn != EcnMode::kOff && syn.has(kEce) && syn.has(kCwr);
  return agreed;
}

bool Stack::is_full(const ListenerQueue& queue) const {
  return half_opens_.size() >= half_opens_.limit() ||
         queue.half_open_count >= std::max(queue.listener->backlog(), kLeastHalfOpen);
}

void Stack::receive_syn(ListenerQueue& queue, const FlowKey& key, Segment& segment, TimeWait* after,
                        Nanoseconds now) {
  ++statistics_.syns;
  if (queue.listener->full()) {
    ++statistics_.queue_full;
    drop(segment);
    return;
  }
  Handshake agreed = agree(queue, key, segment);
  const SynCookies cookies = configuration_.syn_cookies;
  if (cookies == SynCookies::kAlways || is_full(queue)) {
    if (cookies == SynCookies::kNever) {
      ++statistics_.syns_dropped;
      drop(segment);
    } else {
      send_cookie(queue, key, segment, agreed, after, now);
    }
    return;
  }
  agreed.initial_send = initial_sequence(secrets_, key, now);
  if (after != nullptr) {
    agreed.initial_send = above(agreed.initial_send, after->state.send_next);
    time_waits_.remove(*after);
    ++statistics_.records_taken_over;
  }
  agreed.answered = now;
  HalfOpen* const record = half_opens_.make(key, agreed);
  if (record == nullptr || !flows_.insert(*record)) {
    if (record != nullptr) half_opens_.destroy(record);
    ++statistics_.syns_dropped;
    drop(segment);
    return;
  }
  record->queue = &queue;
  queue.half_open.push_back(record);
  ++queue.half_open_count;
  queue.listener->half_open_.fetch_add(1, std::memory_order_relaxed);
  timers_.arm(record->timer, now + domain_.settings.initial_timeout);
  send_syn_ack(queue, key, agreed, timestamp(agreed.timestamp_offset, now), segment.frame);
}

void Stack::send_syn_ack(const ListenerQueue& queue, const FlowKey& key, const Handshake& agreed,
                         uint32_t timestamp, PacketBuffer* received) {
  const Listener::Configuration& wanted = queue.listener->configuration();
  const auto flags = static_cast<uint8_t>(agreed.ecn ? kSyn | kAck | kEce : kSyn | kAck);
  ControlSegment answer(flags, agreed.initial_send, agreed.initial_receive + 1);
  answer.set_window(static_cast<uint16_t>(agreed.receive_window));
  answer.set_type(wanted.traffic_class, wanted.hop_limit);
  answer.add_agreed(agreed, own_mss(key, domain_.mtu_of(key), wanted.maximum_segment), timestamp);
  answer.send(domain_, received, key);
}

// No record is kept: what it would hold comes back with the ACK.
void Stack::send_cookie(ListenerQueue& queue, const FlowKey& key, Segment& segment,
                        Handshake& agreed, TimeWait* after, Nanoseconds now) {
  // Without timestamps there is no place for what else was agreed.
  if (!agreed.timestamps) {
    agreed.send_scale = -1;
    agreed.selective = false;
    agreed.ecn = false;
  }
  const auto cookie = SynCookie::make(secrets_, key, agreed.initial_receive, agreed.peer_mss, now);
  // Where the ends' last connection lingers, its record may only go if the cookie lies above its
  // numbers; else the peer's next attempt may be luckier.
  if (!cookie || (after != nullptr && *cookie <= after->state.send_next)) {
    ++statistics_.syns_dropped;
    drop(segment);
    return;
  }
  agreed.initial_send = *cookie;
  if (after != nullptr) time_waits_.remove(*after);
  queue.cookie_sent = true;
  queue.last_cookie = now;
  ++statistics_.cookies_sent;
  const uint32_t clock = SynCookie::timestamp(agreed, timestamp(0, now));
  send_syn_ack(queue, key, agreed, clock + agreed.timestamp_offset, segment.frame);
}

bool Stack::receive_cookie(ListenerQueue& queue, const FlowKey& key, Segment& segment,
                           Nanoseconds now) {
  // Where none was sent lately no guess can be good.
  if (!queue.cookie_sent || now - queue.last_cookie > SynCookie::kLifetime) return false;
  const auto mss =
      SynCookie::check(secrets_, key, segment.sequence - 1, segment.acknowledgement - 1, now);
  if (!mss) {
    ++statistics_.cookies_bad;
    return false;
  }
  // What the SYN said that the cookie does not hold is taken from the ACK or not agreed.
  Handshake agreed = agree(queue, key, segment);
  agreed.initial_send = segment.acknowledgement - 1;
  agreed.initial_receive = segment.sequence - 1;
  agreed.peer_mss = *mss;
  agreed.send_scale = -1;
  agreed.selective = false;
  agreed.ecn = false;
  if (agreed.timestamps) {
    const uint32_t echo = segment.options.timestamp_echo - agreed.timestamp_offset;
    if (!SynCookie::read_timestamp(echo, timestamp(0, now), agreed)) {
      ++statistics_.cookies_bad;
      return false;
    }
  }
  ++statistics_.cookies_good;
  complete(queue, key, agreed, nullptr, segment, now);
  return true;
}

void Stack::receive_half_open(HalfOpen& record, Segment& segment, Nanoseconds now) {
  Handshake& agreed = record.handshake;
  const FlowKey key = record.key;
  const Sequence expected = agreed.initial_receive + 1;
  if ((segment.flags & (kSyn | kAck | kRst)) == kSyn &&
      segment.sequence == agreed.initial_receive) {
    // The same SYN: ours was lost, or is late. Section 3.8.1; one answer each, none is larger.
    ++statistics_.syns_repeated;
    agreed.retransmitted = true;
    send_syn_ack(*record.queue, key, agreed, timestamp(agreed.timestamp_offset, now),
                 segment.frame);
    return;
  }
  // RFC 7323, section 5.3, R1.
  const bool old =
      agreed.timestamps && segment.options.has_timestamp &&
      static_cast<int32_t>(segment.options.timestamp_value - agreed.recent_timestamp) < 0;
  // First: what the window takes (section 3.10.7.4, table 6); the window is never 0 here.
  const uint32_t length = segment.sequence_length();
  const SequenceRange window{expected, expected + agreed.receive_window};
  const bool acceptable =
      window.contains(segment.sequence) || (length != 0 && window.contains(segment.end() - 1));
  const bool is_reset = segment.has(kRst);
  if (!acceptable || (old && !is_reset)) {
    if (is_reset)
      drop(segment);
    else
      challenge(record, segment, now);
    return;
  }
  // Second and fourth: RFC 5961, sections 3.2 and 4.2.
  if (is_reset && segment.sequence == expected) {
    ++statistics_.half_open_reset;
    forget(record);
    drop(segment);
    return;
  }
  if (is_reset || segment.has(kSyn)) {
    challenge(record, segment, now);
    return;
  }
  // Fifth.
  if (!segment.has(kAck)) {
    drop(segment);
    return;
  }
  if (segment.acknowledgement != agreed.initial_send + 1) {
    reset(key, segment, now);
    return;
  }
  complete(*record.queue, key, agreed, &record, segment, now);
}

// Tells a peer that may be genuine where we are (RFC 5961, section 3.2).
void Stack::challenge(HalfOpen& record, Segment& segment, Nanoseconds now) {
  if (!record_answers_.take(now, secrets_)) {
    drop(segment);
    return;
  }
  ++statistics_.half_open_challenged;
  const Handshake& agreed = record.handshake;
  ControlSegment answer(kAck, agreed.initial_send + 1, agreed.initial_receive + 1);
  answer.set_window(static_cast<uint16_t>(agreed.receive_window >>
                                          (agreed.send_scale >= 0 ? agreed.receive_scale : 0)));
  if (agreed.timestamps)
    answer.add_timestamps(timestamp(agreed.timestamp_offset, now), agreed.recent_timestamp);
  answer.send(domain_, segment.frame, record.key);
}

void Stack::complete(ListenerQueue& queue, const FlowKey& key, const Handshake& agreed,
                     HalfOpen* record, Segment& segment, Nanoseconds now) {
  Listener& listener = *queue.listener;
  // The peer believes in the connection; its data, or our SYN again, makes it come back. By then
  // somebody may have accepted.
  if (listener.full()) {
    ++statistics_.queue_full;
    drop(segment);
    return;
  }
  Connection* const connection = record != nullptr || flows_.has_room()
                                     ? connections_.make(domain_, key, agreed, now)
                                     : nullptr;
  if (connection == nullptr) {
    ++statistics_.no_memory;
    drop(segment);
    return;
  }
  if (record != nullptr) {
    flows_.replace(*record, *connection);
    destroy(*record);
  } else {
    flows_.insert(*connection);
  }
  ++statistics_.passive_opens;
  const Listener::Configuration& wanted = listener.configuration();
  if (wanted.prepare != nullptr) wanted.prepare(wanted.owner, *connection);
  connection->receive(segment, now);
  listener.push(configuration_.number, *connection);
}

void Stack::half_open_timeout(HalfOpen& record, Nanoseconds now) {
  // While half of the room is taken, whoever did not answer twice is more likely an attacker than a
  // peer behind a bad link, who can do with a cookie.
  const bool crowded = half_opens_.size() > half_opens_.limit() / 2;
  if (record.retries >= (crowded ? 1 : configuration_.syn_ack_retries)) {
    ++statistics_.half_open_timed_out;
    forget(record);
    return;
  }
  ++record.retries;
  record.handshake.retransmitted = true;
  ++statistics_.syn_acks_repeated;
  timers_.arm(record.timer,
              now + domain_.settings.initial_timeout * (uint64_t{1} << record.retries));
  send_syn_ack(*record.queue, record.key, record.handshake,
               timestamp(record.handshake.timestamp_offset, now), nullptr);
}

void Stack::destroy(HalfOpen& record) {
  ListenerQueue& queue = *record.queue;
  queue.half_open.remove(&record);
  --queue.half_open_count;
  queue.listener->half_open_.fetch_sub(1, std::memory_order_relaxed);
  timers_.cancel(record.timer);
  half_opens_.destroy(&record);
}

}  // namespace plumbline::net::tcp
