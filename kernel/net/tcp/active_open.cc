// Opening connections to others.
#include "net/tcp/initial_sequence.hh"
#include "net/tcp/stack.hh"

namespace plumbline::net::tcp {

bool Stack::available(const FlowKey& key, Nanoseconds now) const {
  const Flow* const flow = flows_.find(key);
  if (flow == nullptr) return true;
  return flow->kind == FlowKind::kTimeWait &&
         time_waits_.may_open(static_cast<const TimeWait&>(*flow), now);
}

Result<Stack::Opening> Stack::open(FlowKey key, Nanoseconds now) {
  if (key.local_port == 0) {
    FlowKey candidate = key;
    const auto port =
        port_choice_.choose(key, configuration_.ports, removals_, [&](uint16_t number) {
          candidate.local_port = number;
          return !listeners_.listens(number) && available(candidate, now);
        });
    if (!port) {
      ++statistics_.ports_exhausted;
      return Errno::kEADDRNOTAVAIL;
    }
    key.local_port = *port;
  } else if (!available(key, now)) {
    return Errno::kEADDRINUSE;
  }
  Connection* const connection = connections_.make(domain_, key);
  if (connection == nullptr) {
    ++statistics_.no_memory;
    return Errno::kENOBUFS;
  }
  Opening opening{connection, initial_sequence(secrets_, key, now),
                  timestamp_offset(secrets_, key)};
  if (Flow* const record = flows_.find(key)) {
    auto& before = static_cast<TimeWait&>(*record);
    opening.initial = above(opening.initial, before.state.send_next);
    time_waits_.remove(before);
    ++statistics_.records_taken_over;
  }
  if (!flows_.insert(*connection)) {
    ++statistics_.no_memory;
    connections_.destroy(connection);
    return Errno::kENOBUFS;
  }
  return opening;
}

}  // namespace plumbline::net::tcp
