// Whom a segment is for (RFC 9293, section 3.10.7).
#include "net/tcp/stack.hh"

#include "net/tcp/control_segment.hh"

namespace plumbline::net::tcp {

using namespace tcp_flags;

Stack::Stack(const StackConfiguration& configuration, Nanoseconds now)
    : configuration_(configuration),
      secrets_(configuration.secret),
      timers_(now),
      flows_(configuration.memory, secrets_.hash_keys()),
      connections_(configuration.memory, configuration.maximum_connections),
      half_opens_(configuration.memory, configuration.maximum_half_open),
      time_waits_(flows_, timers_, configuration.memory, configuration.maximum_time_wait,
                  configuration.time_wait),
      listeners_(configuration.memory),
      sent_segments_(configuration.memory, configuration.maximum_sent_segments,
                     static_cast<uint32_t>(secrets_.random())),
      recovery_{.segments = sent_segments_, .rto = configuration.rto, .counters = {}},
      port_choice_(secrets_),
      resets_(configuration.resets_per_second),
      record_answers_(configuration.record_answers_per_second),
      coalescing_(
          [](void* self, const FlowKey& key, Segment& segment) {
            auto& stack = *static_cast<Stack*>(self);
            stack.receive(key, segment, stack.burst_time_);
          },
          this) {
  ASSERT(configuration.number < Listener::kMaximumStacks);
  domain_.settings = configuration.settings;
  domain_.memory = configuration.queues;
  domain_.timers = &timers_;
  domain_.recovery = &recovery_;
  domain_.send = configuration.send;
  domain_.below = configuration.below;
  domain_.header_room = configuration.header_room;
  domain_.ready = configuration.ready;
  domain_.maximum_payload = configuration.maximum_payload;
  domain_.mtu = configuration.mtu;
  domain_.stack = this;
  domain_.leave = [](void* self, Connection& connection, Nanoseconds at) {
    static_cast<Stack*>(self)->left(connection, at);
  };
  domain_.release = [](void* self, Connection& connection) {
    static_cast<Stack*>(self)->release(connection);
  };
  timers_.set_handler(
      TimerKind::kConnection,
      [](void*, Timer& timer, Nanoseconds at) { Connection::of(timer).timeout(at); }, nullptr);
  timers_.set_handler(
      TimerKind::kHalfOpen,
      [](void* self, Timer& timer, Nanoseconds at) {
        static_cast<Stack*>(self)->half_open_timeout(*member_owner<&HalfOpen::timer>(&timer), at);
      },
      this);
  timers_.set_handler(
      TimerKind::kStack,
      [](void* self, Timer&, Nanoseconds at) { static_cast<Stack*>(self)->keep_house(at); }, this);
}

Stack::~Stack() {
  ASSERT(connections_.size() == 0 && half_opens_.size() == 0);
  timers_.cancel(housekeeping_);
}

void Stack::receive(PacketBuffer* frame, uint32_t offset, uint32_t length, FlowKey key,
                    bool congestion_experienced, Nanoseconds now) {
  Segment segment;
  if (!parse_segment(*frame, offset, length, segment, key)) [[unlikely]] {
    ++statistics_.malformed;
    release_chain(frame);
    return;
  }
  // Frames of the loopback, which begin with the segment, are never for another stack.
  if (configuration_.forward != nullptr && offset != 0 && may_be_elsewhere(key)) [[unlikely]] {
    if (forwarded_ ? has_moved_on(key, frame) : forward(key, frame)) return;
  }
  if (frame->checksum == ChecksumState::kUnknown && !verify_checksum(*frame, offset, length, key))
      [[unlikely]] {
    ++statistics_.bad_checksum;
    release_chain(frame);
    return;
  }
  segment.congestion_experienced = congestion_experienced;
  if (frame->checksum == ChecksumState::kJoined && segment.length > frame->segment_size &&
      frame->segment_size != 0) {
    segment.segment_size = frame->segment_size;
    segment.coalesced =
        static_cast<uint16_t>((segment.length + frame->segment_size - 1) / frame->segment_size);
  }
  if (!configuration_.coalesce) {
    receive(key, segment, now);
    return;
  }
  burst_time_ = now;
  coalescing_.add(key, segment);
}

void Stack::receive_other(Flow* flow, const FlowKey& key, Segment& segment, Nanoseconds now) {
  if (flow == nullptr)
    receive_unknown(key, segment, now);
  else if (flow->kind == FlowKind::kHalfOpen)
    receive_half_open(static_cast<HalfOpen&>(*flow), segment, now);
  else
    receive_time_wait(static_cast<TimeWait&>(*flow), segment, now);
}

void Stack::receive_time_wait(TimeWait& record, Segment& segment, Nanoseconds now) {
  const FlowKey key = record.key;
  switch (time_waits_.receive(record, segment, now)) {
    case TimeWaitVerdict::kNothing:
      drop(segment);
      return;
    case TimeWaitVerdict::kNewConnection:
      if (ListenerQueue* const queue = listeners_.find(key, flows_.hash(key))) {
        receive_syn(*queue, key, segment, &record, now);
      } else {
        reset(key, segment, now);
      }
      return;
    case TimeWaitVerdict::kAcknowledge:
      break;
  }
  if (!record_answers_.take(now, secrets_)) {
    drop(segment);
    return;
  }
  ++statistics_.record_answers;
  const TimeWaitState& state = record.state;
  ControlSegment answer(kAck, state.send_next, state.receive_next);
  answer.set_window(state.window);
  answer.set_type(state.traffic_class, SegmentToSend{}.hop_limit);
  if (state.timestamps)
    answer.add_timestamps(timestamp(state.timestamp_offset, now), state.recent_timestamp);
  answer.send(domain_, segment.frame, key);
}

// CLOSED and LISTEN (sections 3.10.7.1 and 3.10.7.2).
void Stack::receive_unknown(const FlowKey& key, Segment& segment, Nanoseconds now) {
  // Of our own class of ports nobody knows better: those are refused as usual.
  if (forwarded_ && !(is_own_port(key.local_port) && !listeners_.listens(key.local_port))) {
    ++statistics_.late_forward;
    drop(segment);
    return;
  }
  // Section 3.9.2.3: nothing is ever answered to such an address. Port 0 is nobody's (RFC 6335,
  // section 6).
  if (key.remote.is_never_a_source() || key.remote_port == 0 || key.local_port == 0) {
    ++statistics_.not_a_peer;
    drop(segment);
    return;
  }
  if (segment.has(kRst)) {
    drop(segment);
    return;
  }
  ListenerQueue* const queue = listeners_.find(key, flows_.hash(key));
  if (queue == nullptr) {
    ++statistics_.nobody;
    reset(key, segment, now);
    return;
  }
  if (segment.has(kAck)) {
    if (!segment.has(kSyn) && receive_cookie(*queue, key, segment, now)) return;
    reset(key, segment, now);
    return;
  }
  // A SYN with FIN begins and ends nothing that anybody asks for; without SYN "you are unlikely to
  // get here" (section 3.10.7.2).
  if ((segment.flags & (kSyn | kFin)) != kSyn) {
    drop(segment);
    return;
  }
  receive_syn(*queue, key, segment, nullptr, now);
}

void Stack::reset(const FlowKey& key, Segment& segment, Nanoseconds now) {
  if (segment.has(kRst)) {
    drop(segment);
    return;
  }
  if (!resets_.take(now, secrets_)) {
    ++statistics_.resets_limited;
    drop(segment);
    return;
  }
  ++statistics_.resets_sent;
  reset_for(segment).send(domain_, segment.frame, key);
}

void Stack::drop(Segment& segment) {
  release_chain(segment.frame);
  segment.frame = nullptr;
}

bool Stack::packet_too_big(const FlowKey& key, uint32_t mtu, Sequence sequence, Nanoseconds now) {
  Flow* const flow = flows_.find(key);
  return flow != nullptr && flow->kind == FlowKind::kConnection && has(*flow) &&
         static_cast<Connection*>(flow)->packet_too_big(mtu, sequence, now);
}

bool Stack::unreachable(const FlowKey& key, Errno error, bool hard, Sequence sequence,
                        Nanoseconds now) {
  Flow* const flow = flows_.find(key);
  return flow != nullptr && flow->kind == FlowKind::kConnection && has(*flow) &&
         static_cast<Connection*>(flow)->unreachable(error, hard, sequence, now);
}

// The connection has ended; its owner may still read what it received.
void Stack::left(Connection& connection, Nanoseconds now) {
  ++removals_;
  if (connection.maker != nullptr) [[unlikely]]
    forget_shared(connection);
  if (connection.state() != State::kTimeWait) {
    flows_.remove(connection);
    // From here on its ends may be used again. After TIME-WAIT's answers only.
    if (connection.maker != nullptr) [[unlikely]]
      connection.keeper.store(Flow::kEnded, std::memory_order_relaxed);
    return;
  }
  TimeWaitState state;
  state.send_next = connection.send_next();
  state.receive_next = connection.receive_next();
  state.window =
      static_cast<uint16_t>(connection.advertised_window() >> connection.receive_scale());
  state.timestamps = connection.uses_timestamps();
  state.recent_timestamp = connection.recent_timestamp();
  state.timestamp_offset = connection.timestamp_offset();
  state.traffic_class = connection.traffic_class();
  time_waits_.add(connection, state, now);
}

void Stack::release(Connection& connection) {
  // One that was never opened has not left.
  if (flows_.find(connection.key) == &connection) {
    flows_.remove(connection);
    ++removals_;
  }
  if (connection.maker != nullptr) [[unlikely]] {
    connection.strip();
    connection.keeper.store(Flow::kEnded, std::memory_order_relaxed);
    pass_on(connection);
    return;
  }
  connections_.destroy(&connection);
}

void Stack::keep_house(Nanoseconds now) {
  flows_.maintain();
  if (flows_.unfinished()) timers_.arm(housekeeping_, now + kHousekeeping);
}

void Stack::end(Nanoseconds now) {
  coalescing_.flush();
  // Ending one changes the table, so a few are found at a time.
  std::array<Connection*, 256> some;
  size_t count;
  do {
    count = 0;
    for_each_connection([&](Connection& connection) {
      if (count < some.size() && connection.orphaned()) some[count++] = &connection;
    });
    for (size_t i = 0; i < count; ++i) some[i]->abort(now);
    domain_.flush(now);
  } while (count != 0);
  time_waits_.clear();
}

}  // namespace plumbline::net::tcp
