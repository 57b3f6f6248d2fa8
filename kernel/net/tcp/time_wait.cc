#include "net/tcp/time_wait.hh"

namespace plumbline::net::tcp {

using namespace tcp_flags;

namespace {

// RFC 6191, section 2: a SYN is a new connection's if no segment of the old one can be taken for
// the new one's, by its timestamp or its number. Otherwise it is an old duplicate: dropped.
bool is_new_connection(const TimeWaitState& state, const Segment& syn) {
  const bool above = syn.sequence > state.receive_next;
  if (!syn.options.has_timestamp) return above;
  if (!state.timestamps) return true;
  const auto later = static_cast<int32_t>(syn.options.timestamp_value - state.recent_timestamp);
  return later > 0 || (later == 0 && above);
}

}  // namespace

TimeWaits::TimeWaits(FlowTable& flows, TimerWheel& timers, const MemorySource& source,
                     uint32_t limit, Nanoseconds duration)
    : flows_(flows), timers_(timers), duration_(duration), records_(source, limit) {
  timers.set_handler(
      TimerKind::kTimeWait,
      [](void* self, Timer&, Nanoseconds now) { static_cast<TimeWaits*>(self)->expire(now); },
      this);
}

TimeWaits::~TimeWaits() { clear(); }

void TimeWaits::clear() {
  while (TimeWait* const record = oldest_first_.front()) remove(*record);
  timers_.cancel(timer_);
}

void TimeWaits::add(Flow& connection, const TimeWaitState& state, Nanoseconds now) {
  if (records_.size() == records_.limit() && records_.limit() != 0) {
    remove(*oldest_first_.front());
    ++evicted_;
  }
  TimeWait* const record = records_.make(connection.key, state, now + duration_);
  if (record == nullptr) {
    flows_.remove(connection);
    return;
  }
  flows_.replace(connection, *record);
  oldest_first_.push_back(record);
  if (!timer_.armed()) timers_.arm(timer_, record->expires);
}

void TimeWaits::remove(TimeWait& record) {
  flows_.remove(record);
  oldest_first_.remove(&record);
  records_.destroy(&record);
}

TimeWaitVerdict TimeWaits::receive(TimeWait& record, const Segment& segment, Nanoseconds now) {
  TimeWaitState& state = record.state;
  // RFC 1337, section 3, fix F1: a RST, which may be an old duplicate, must not end TIME-WAIT.
  if (segment.has(kRst)) return TimeWaitVerdict::kNothing;
  if (segment.has(kSyn)) {
    if (segment.has(kAck) || segment.has(kFin)) return TimeWaitVerdict::kAcknowledge;
    return is_new_connection(state, segment) ? TimeWaitVerdict::kNewConnection
                                             : TimeWaitVerdict::kNothing;
  }
  if (!segment.has(kAck)) return TimeWaitVerdict::kNothing;
  const Segment::Options& options = segment.options;
  if (state.timestamps && options.has_timestamp) {
    const auto later = static_cast<int32_t>(options.timestamp_value - state.recent_timestamp);
    // RFC 7323, section 5.3, R1.
    if (later < 0) return TimeWaitVerdict::kAcknowledge;
    if (segment.sequence <= state.receive_next) state.recent_timestamp = options.timestamp_value;
  }
  // The peer's FIN again: our ACK was lost. Both wait from now on.
  if (segment.has(kFin) && segment.end() == state.receive_next) {
    record.expires = now + duration_;
    oldest_first_.remove(&record);
    oldest_first_.push_back(&record);
    return TimeWaitVerdict::kAcknowledge;
  }
  // What is as it should be needs no answer, or two such ends would answer each other for ever.
  const bool expected = segment.sequence == state.receive_next && segment.sequence_length() == 0 &&
                        segment.acknowledgement <= state.send_next;
  return expected ? TimeWaitVerdict::kNothing : TimeWaitVerdict::kAcknowledge;
}

void TimeWaits::expire(Nanoseconds now) {
  for (unsigned i = 0; i < kAtOnce; ++i) {
    TimeWait* const record = oldest_first_.front();
    if (record == nullptr || record->expires > now) break;
    remove(*record);
  }
  if (TimeWait* const next = oldest_first_.front()) {
    timers_.arm(timer_, next->expires > now ? next->expires : now + kPause);
  } else {
    records_.trim();
  }
}

}  // namespace plumbline::net::tcp
