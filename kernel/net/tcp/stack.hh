// TCP of one queue pair: whom a segment is for, and what is nobody's.
//
// Portable, without locks: all calls are made by whoever holds the queue pair (the domain), and
// none of them sleeps. A Stack's connections are never seen by another; a Listener may be on all
// (see there for what several CPUs may do).
//
// The files behind it, each one idea: stack.cc (who a segment is for), passive_open.cc (SYNs and
// the rest of their handshakes), listening.cc, active_open.cc.
#pragma once

#include <array>
#include <atomic>
#include <optional>

#include "core/result.hh"
#include "net/tcp/coalescing.hh"
#include "net/tcp/flow_table.hh"
#include "net/tcp/listener_table.hh"
#include "net/tcp/rate_limit.hh"
#include "net/tcp/slab.hh"
#include "net/tcp/stack_configuration.hh"
#include "net/tcp/time_wait.hh"

namespace plumbline::net::tcp {

class Stack {
 public:
  Stack(const StackConfiguration& configuration, Nanoseconds now);
  // Connections must have been released, and listeners taken off: see end().
  ~Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  Domain& domain() { return domain_; }
  const StackConfiguration& configuration() const { return configuration_; }

  // ---- The network's side -----------------------------------------------------------------------

  // Handles a received TCP segment: `length` bytes from `offset` on in `frame`, which is taken
  // over. `key` has the addresses and the zone set; the IP layer has made sure that `local` is
  // ours. `congestion_experienced`: the IP header said CE. The checksum is verified where the
  // frame's state is unknown.
  void receive(PacketBuffer* frame, uint32_t offset, uint32_t length, FlowKey key,
               bool congestion_experienced, Nanoseconds now);
  // The same for a segment that was parsed and verified (put together from several, say).
  void receive(const FlowKey& key, Segment& segment, Nanoseconds now) {
    Flow* const flow = flows_.find(key);
    if (flow != nullptr && flow->kind == FlowKind::kConnection) [[likely]]
      static_cast<Connection*>(flow)->receive(segment, now);
    else
      receive_other(flow, key, segment, now);
  }
  // Start loading what receive() looks at: for all segments of a burst the first, then for all the
  // second, so that their cache misses overlap. With 50 connections there are none worth it; with
  // thousands they are most of what a segment takes.
  void prefetch(const FlowKey& key) const { flows_.prefetch(key); }
  void prefetch_flow(const FlowKey& key) const { flows_.prefetch_flow(key); }
  // While this holds, what is received was forwarded by another stack: it goes no further, and what
  // is nobody's is dropped, since its stack may be about to learn that its connection has gone.
  void set_forwarded(bool on) { forwarded_ = on; }

  // After a burst, and after calls of the programs' side: what they made worth sending goes out.
  void flush(Nanoseconds now) {
    coalescing_.flush();
    domain_.flush(now);
    if (returned_.load(std::memory_order_relaxed) != nullptr) [[unlikely]]
      take_returned();
    if (flows_.unfinished() && !housekeeping_.armed()) [[unlikely]]
      timers_.arm(housekeeping_, now + kHousekeeping);
  }

  // ICMP's errors about a segment that `key`'s local end sent and that started with `sequence`; see
  // Connection. Records do not care: RFC 5927 (section 4) counts such errors as passing.
  bool packet_too_big(const FlowKey& key, uint32_t mtu, Sequence sequence, Nanoseconds now);
  bool unreachable(const FlowKey& key, Errno error, bool hard, Sequence sequence, Nanoseconds now);

  // Timers that are due, and what they made worth sending. True when there is more to do at once,
  // by another call; the queue's other work should have its turn before.
  bool run_timers(Nanoseconds now) {
    const bool more = timers_.run(now);
    flush(now);
    return more;
  }
  // When run_timers() is to be called next; nothing: no timer is armed.
  std::optional<Nanoseconds> next_timer() { return timers_.next(); }
  Nanoseconds soonest_timer() const { return timers_.soonest(); }

  // ---- The programs' side -----------------------------------------------------------------------

  // A connection that is about to be opened: set its owner and options and call
  // connection->connect(initial, timestamp_offset, now), or close() it.
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
  Connection* accept(Listener& listener) { return listener.pop(configuration_.number); }

  // ---- Connections that are used on another CPU (moving.cc)
  // ---------------------------------------

  // The host's other stacks, by their numbers; before any is used.
  static constexpr unsigned kMostPeers = 8;
  void set_peer(unsigned number, Stack& peer) { peers_[number] = &peer; }
  // Takes a connection over from the stack that has it, so that its reader's CPU does all of its
  // work; segments that stacks receive which had it before are forwarded. Both stacks must be held.
  // False: it is not at rest, or there is no memory; then nothing has changed.
  bool move_here(Stack& from, Connection& connection, Nanoseconds now);

  // Ends everything that has no owner, and all records, as if the host were switched off; what has
  // an owner must have been closed before.
  void end(Nanoseconds now);

  // ---- For whoever shows figures
  // -----------------------------------------------------------------

  const StackStatistics& statistics() const { return statistics_; }
  const CoalescingStatistics& coalescing() const { return coalescing_.statistics(); }
  // In any state, those that nobody has accepted or closed yet included.
  uint32_t connections() const { return connections_.size(); }
  uint32_t half_open() const { return half_opens_.size(); }
  uint32_t time_waits() const { return time_waits_.size(); }
  // What connections, records and tables have of StackConfiguration::memory.
  size_t memory() const {
    return connections_.bytes() + half_opens_.bytes() + time_waits_.bytes() + flows_.bytes();
  }
  // Calls visit(Connection&) for each that segments can reach; it must not change the stack.
  template <typename Visit>
  void for_each_connection(Visit&& visit) {
    flows_.for_each([&](Flow& flow) {
      if (flow.kind == FlowKind::kConnection && has(flow)) visit(static_cast<Connection&>(flow));
    });
  }

 private:
  // Whether this stack has a connection of its table, and not another one.
  bool has(const Flow& flow) const {
    const uint8_t keeper = flow.keeper.load(std::memory_order_relaxed);
    return keeper == 0 || keeper == configuration_.number + 1;
  }

  static constexpr Nanoseconds kHousekeeping = milliseconds(50);
  // So many half-open connections a listener may have even with a smaller backlog.
  static constexpr uint32_t kLeastHalfOpen = 128;

  // stack.cc
  void receive_other(Flow* flow, const FlowKey& key, Segment& segment, Nanoseconds now);
  void receive_time_wait(TimeWait& record, Segment& segment, Nanoseconds now);
  void receive_unknown(const FlowKey& key, Segment& segment, Nanoseconds now);
  void reset(const FlowKey& key, Segment& segment, Nanoseconds now);
  static void drop(Segment& segment);
  void left(Connection& connection, Nanoseconds now);
  void release(Connection& connection);
  void keep_house(Nanoseconds now);
  uint32_t timestamp(uint32_t offset, Nanoseconds now) const {
    return Connection::timestamp(now, offset);
  }

  // passive_open.cc
  Handshake agree(const ListenerQueue& queue, const FlowKey& key, const Segment& syn) const;
  bool is_full(const ListenerQueue& queue) const;
  // `after`: the record of the ends' last connection, which is removed.
  void receive_syn(ListenerQueue& queue, const FlowKey& key, Segment& segment, TimeWait* after,
                   Nanoseconds now);
  void send_cookie(ListenerQueue& queue, const FlowKey& key, Segment& segment, Handshake& agreed,
                   TimeWait* after, Nanoseconds now);
  void receive_half_open(HalfOpen& record, Segment& segment, Nanoseconds now);
  void challenge(HalfOpen& record, Segment& segment, Nanoseconds now);
  // False: the segment brings no cookie, and is still the caller's.
  bool receive_cookie(ListenerQueue& queue, const FlowKey& key, Segment& segment, Nanoseconds now);
  // The handshake is over, with `segment` (taken over); `record`: what the table has, or nullptr.
  void complete(ListenerQueue& queue, const FlowKey& key, const Handshake& agreed, HalfOpen* record,
                Segment& segment, Nanoseconds now);
  void send_syn_ack(const ListenerQueue& queue, const FlowKey& key, const Handshake& agreed,
                    uint32_t timestamp, PacketBuffer* received);
  void half_open_timeout(HalfOpen& record, Nanoseconds now);
  // Forgets a record that is in the table no more.
  void destroy(HalfOpen& record);
  void forget(HalfOpen& record) {
    flows_.remove(record);
    destroy(record);
  }

  // moving.cc
  // Whether a segment may be for another stack: worth a look before it is joined with others.
  bool may_be_elsewhere(const FlowKey& key) const {
    return shared_ != 0 || is_port_elsewhere(key.local_port);
  }
  // Ports that other stacks choose for what they open.
  bool is_port_elsewhere(uint16_t port) const {
    const PortRange& ports = configuration_.ports;
    return port >= ports.first && port <= ports.last && port % ports.stacks != ports.stack;
  }
  bool is_own_port(uint16_t port) const {
    const PortRange& ports = configuration_.ports;
    return port >= ports.first && port <= ports.last && port % ports.stacks == ports.stack;
  }
  bool has_moved_on(const FlowKey& key, PacketBuffer* frame);
  bool forward(const FlowKey& key, PacketBuffer* frame);
  uint64_t own_bit() const { return uint64_t{1} << configuration_.number; }
  // The connection has gone from this table, by whatever way.
  void forget_shared(Connection& connection);
  void pass_on(Connection& connection);
  void take_returned();

  // active_open.cc
  bool available(const FlowKey& key, Nanoseconds now) const;

  StackConfiguration configuration_;
  Secrets secrets_;
  TimerWheel timers_;
  FlowTable flows_;
  Slab<Connection> connections_;
  Slab<HalfOpen> half_opens_;
  TimeWaits time_waits_;
  ListenerTable listeners_;
  SentSegmentPool sent_segments_;
  RecoveryDomain recovery_;
  Domain domain_;
  PortChoice port_choice_;
  RateLimit resets_;
  RateLimit record_answers_;
  Coalescing coalescing_;
  Nanoseconds burst_time_;  // when what waits in coalescing_ came
  Timer housekeeping_{TimerKind::kStack};
  uint64_t removals_ = 0;  // flows that made their pair of ends free
  StackStatistics statistics_;
  bool forwarded_ = false;
  uint32_t shared_ = 0;  // connections of the table that have ever moved
  std::array<Stack*, kMostPeers> peers_{};
  // Connections that have ended and are to be forgotten: other stacks push, this one takes all.
  std::atomic<Connection*> returned_{nullptr};
};

}  // namespace plumbline::net::tcp
