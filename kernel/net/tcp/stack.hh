// TCP of one queue pair: which connection a segment is for, and what is nobody's.
//
// Portable, without locks: all calls are made by whoever holds the queue pair (the domain), and
// none of them sleeps. Connections of one Stack are never seen by another; a Listener may be on
// all.
#pragma once

#include <cstdint>
#include <optional>

#include "core/result.hh"
#include "net/tcp/domain.hh"
#include "net/tcp/flow_table.hh"
#include "net/tcp/handshakes.hh"
#include "net/tcp/listener_table.hh"
#include "net/tcp/memory_source.hh"
#include "net/tcp/port_choice.hh"
#include "net/tcp/secrets.hh"
#include "net/tcp/slab.hh"
#include "net/tcp/stack_configuration.hh"
#include "net/tcp/time_wait.hh"
#include "net/tcp/timer_wheel.hh"

namespace plumbline::net::tcp {

class Stack {
 public:
  Stack(const StackConfiguration& configuration, Nanoseconds now);
  // Connections must be gone (abort_all()).
  ~Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  Domain& domain() { return domain_; }
  const StackConfiguration& configuration() const { return configuration_; }

  // ---- The network's side -----------------------------------------------------------------------

  // Handles a received TCP segment: `length` bytes from `offset` on in `frame`, which is taken
  // over. `key` has the addresses and the zone set, the IP layer having made sure that `local` is
  // ours. `congestion_experienced`: the IP header said CE. Verifies the checksum unless the frame's
  // is known to be valid.
  void receive(PacketBuffer* frame, uint32_t offset, uint32_t length, FlowKey key,
               bool congestion_experienced, Nanoseconds now);
  // The same for a segment that was parsed and verified (put together from several, say).
  void receive(const FlowKey& key, Segment& segment, Nanoseconds now);
  // Starts loading what receive() will look at: for all segments of a burst first, so that their
  // cache misses overlap.
  void prefetch(const FlowKey& key) const { flows_.prefetch(key); }
  // After a burst: what its segments made worth sending goes out.
  void flush(Nanoseconds now) { domain_.flush(now); }

  // ICMP's errors about a segment that was sent from `key`'s local end and started with `sequence`;
  // see Connection.
  void packet_too_big(const FlowKey& key, uint32_t mtu, Sequence sequence, Nanoseconds now);
  void unreachable(const FlowKey& key, Errno error, bool hard, Sequence sequence, Nanoseconds now);

  // Timers. True when there is more to do at once (the queue's other work should have its turn
  // before); followed by flush().
  bool run_timers(Nanoseconds now) { return timers_.run(now); }
  // When run_timers() is to be called next; nothing: no timer is armed.
  std::optional<Nanoseconds> next_timer() const { return timers_.next(); }

  // ---- The programs' side -----------------------------------------------------------------------

  // A connection that is about to be opened: set its owner and options, then call
  // connection->connect(initial, timestamp_offset, now), or close it.
  struct Opening {
    Connection* connection = nullptr;
    Sequence initial;
    uint32_t timestamp_offset = 0;
  };
  // A new connection between the ends of `key`; a local port of 0 is chosen (RFC 6056).
  // kEADDRINUSE: the pair of ends is taken; kEADDRNOTAVAIL: no port is left for this peer;
  // kENOBUFS: too many connections, or no memory.
  Result<Opening> open(FlowKey key, Nanoseconds now);

  // Accepts connections for `listener` from now on. kEADDRINUSE: the address and port are taken;
  // kENOBUFS: no memory.
  Status listen(Listener& listener);
  // No more: its half-open connections are forgotten, those that wait get a RST.
  void unlisten(Listener& listener, Nanoseconds now);
  // The connection that has waited longest on this stack; nullptr: none. It is the caller's now; it
  // may have ended already. Set its owner.
  Connection* accept(Listener& listener) { return listener.pop(configuration_.index); }

  // ---- For whoever shows figures
  // ------------------------------------------------------------------

  const StackStatistics& statistics() const { return statistics_; }
  uint32_t connections() const { return static_cast<uint32_t>(connections_.size()); }
  uint32_t half_open() const { return handshakes_.size(); }
  uint32_t time_waits() const { return time_waits_.size(); }
};

}  // namespace plumbline::net::tcp
