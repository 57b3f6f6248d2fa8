// What all connections of one queue pair share: settings, counters, and the way to the network.
//
// A Stack owns one Domain. Everything here belongs to whoever holds the queue pair; nothing is
// locked.
#pragma once

#include <cstdint>

#include "core/units.hh"
#include "net/packet_buffer.hh"
#include "net/queue_memory.hh"
#include "net/tcp/loss_recovery.hh"
#include "net/tcp/segment.hh"
#include "net/tcp/settings.hh"
#include "net/tcp/timer_wheel.hh"

namespace plumbline::net::tcp {

class Connection;

// Counters of one domain; they only grow.
struct Statistics {
  uint64_t active_opens = 0;
  uint64_t established = 0;         // either way
  uint64_t segments_received = 0;   // by connections, coalesced ones counted by their parts
  uint64_t segments_sent = 0;       // as on the wire: TSO frames by their pieces
  uint64_t predicted = 0;           // received segments that took the short way
  uint64_t retransmitted = 0;       // segments
  uint64_t timeouts = 0;            // retransmission time-outs
  uint64_t bad_timestamp = 0;       // dropped by PAWS
  uint64_t out_of_window = 0;       // unacceptable sequence numbers
  uint64_t out_of_order = 0;        // kept behind a gap
  uint64_t receive_full = 0;        // payload dropped: no room to keep it
  uint64_t challenges = 0;          // challenge ACKs sent (RFC 5961)
  uint64_t challenges_limited = 0;  // and not sent: too soon after the last
  uint64_t resets_sent = 0;
  uint64_t resets_received = 0;
  uint64_t keepalive_probes = 0;
  uint64_t window_probes = 0;
  uint64_t delayed_acknowledgements = 0;  // sent by their timer
  uint64_t no_buffer = 0;                 // something was not sent: no memory for its frame
  uint64_t device_waits = 0;              // data that the device did not take at once
  uint64_t black_holes = 0;               // segment sizes reduced after time-outs
  uint64_t aborted_data = 0;              // closed with data unread or received afterwards
  uint64_t aborted_timeout = 0;           // given up: retries, keep-alive or user time-out
};

// Where the IP layer remembers how to reach a connection's peer, so that it need not look it up for
// each segment. Opaque to TCP; zero: nothing is remembered.
struct RouteCache {
  uint64_t value = 0;
};

// What the IP layer must know of a frame besides its bytes. `frame->data` is the TCP header's first
// byte, with a checksum field of 0, and Domain::header_room bytes are free in front of it.
struct SegmentToSend {
  uint32_t payload = 0;       // bytes
  uint16_t header = 0;        // bytes of TCP header with options
  uint16_t segment_size = 0;  // not 0: payload is more than this, and cut into pieces of it (TSO)
  uint8_t ecn = 0;            // IP's ECN field (RFC 3168 section 5): 0, or 2 for ECT(0)
  uint8_t traffic_class = 0;  // upper six bits of TOS / traffic class (IP_TOS)
  uint8_t hop_limit = 64;
  RouteCache* route = nullptr;  // nullptr: the segment is no connection's
};

// Payload of one frame that the device cuts into segments (TSO), by the packet's family; 0: it does
// not do this.
struct SegmentedPayload {
  uint32_t v4 = 0, v6 = 0;

  uint32_t of(const FlowKey& key) const { return key.remote.is_v4() ? v4 : v6; }
};

struct Domain {
  Settings settings;
  Statistics statistics;
  QueueMemory* memory = nullptr;
  TimerWheel* timers = nullptr;
  RecoveryDomain* recovery = nullptr;

  // Sends a frame, which is taken over in any case; false when it was dropped at once.
  using Send = bool (*)(void* below, PacketBuffer* frame, const FlowKey& key,
                        const SegmentToSend& segment);
  Send send = nullptr;
  void* below = nullptr;
  // Whether the device takes more data now; nullptr: always. Data that it does not take would be
  // lost in its queue, and sent again.
  bool (*ready)(void* below) = nullptr;
  bool is_ready() const { return ready == nullptr || ready(below); }
  uint16_t header_room = 0;  // bytes the IP layer needs in front of the TCP header
  SegmentedPayload maximum_payload;
  // Bytes of an IP packet that the way to a peer takes; nullptr: 1500 for all.
  uint16_t (*mtu)(void* below, const FlowKey& key) = nullptr;
  uint16_t mtu_of(const FlowKey& key) const {
    return mtu == nullptr ? uint16_t{1500} : mtu(below, key);
  }

  // Whether one more challenge ACK may go out in this second (RFC 5961 section 7).
  bool take_challenge(Nanoseconds now);
  uint32_t challenges_left = 0;
  uint64_t challenge_second = ~uint64_t{0};

  // The connection needs no segments any more: it leaves the flow table. In TIME-WAIT
  // (connection.state()) a record is made that answers for it (RFC 9293 section 3.6). It stays
  // valid until `release`.
  void (*leave)(void* stack, Connection& connection, Nanoseconds now) = nullptr;
  // Neither a program nor the network needs it: its memory is free when this returns. Only called
  // by flush().
  void (*release)(void* stack, Connection& connection) = nullptr;
  void* stack = nullptr;

  // Sends what the connections of a burst of received segments want to send: one ACK for all of the
  // burst's data, and data in as large frames as the burst's ACKs allow. Call after each burst.
  void flush(Nanoseconds now) {
    if (deferred != nullptr) [[unlikely]]
      flush_deferred(now);
  }
  void flush_deferred(Nanoseconds now);
  void flush_once(Nanoseconds now);

  Connection* deferred = nullptr;  // connections with something to send, last come first
};

}  // namespace plumbline::net::tcp
