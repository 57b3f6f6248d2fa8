// What a Stack is made with, and what it counts.
#pragma once

#include "net/tcp/domain.hh"
#include "net/tcp/loss_recovery.hh"
#include "net/tcp/memory_source.hh"
#include "net/tcp/port_choice.hh"
#include "net/tcp/siphash.hh"

namespace plumbline::net::tcp {

enum class SynCookies : uint8_t {
  kNever,
  kWhenFull,  // once the half-open connections are as many as may be; Linux's default, hence ours
  kAlways,    // for tests
};

struct StackConfiguration {
  Settings settings;
  RtoLimits rto;

  // The IP layer below: see Domain.
  Domain::Send send = nullptr;
  void* below = nullptr;
  bool (*ready)(void* below) = nullptr;
  uint16_t header_room = 0;
  SegmentedPayload maximum_payload;
  uint16_t (*mtu)(void* below, const FlowKey& key) = nullptr;
  // Segments of a burst are joined (coalescing.hh), for devices that do not join them.
  bool coalesce = true;

  // Takes a frame to the stack of that number, which is used by another CPU. False: there is no way
  // to it, and the frame stays the caller's. nullptr: there is only this stack.
  bool (*forward)(void* below, PacketBuffer* frame, unsigned stack) = nullptr;

  QueueMemory* queues = nullptr;  // of payload and frames
  MemorySource memory;            // of connections, records and tables

  // 128 random bits, the same for all stacks of the host.
  SipHashKey secret;
  // Which of the host's stacks this is, below Listener::kMaximumStacks.
  uint16_t number = 0;

  // What one stack may have, and so what an attacker can make it take: a connection is 768 bytes
  // besides its data, a half-open one and a record in TIME-WAIT 192 and 96 bytes.
  uint32_t maximum_connections = 1 << 20;
  uint32_t maximum_half_open = 4096;
  uint32_t maximum_time_wait = 65536;
  uint32_t maximum_sent_segments = 1 << 18;  // records of segments in flight (SentSegmentPool)

  SynCookies syn_cookies = SynCookies::kWhenFull;
  uint8_t syn_ack_retries = 5;  // 63 s; Linux's
  // Twice the maximum segment lifetime. RFC 9293 (section 3.4.2) has four minutes; nobody keeps to
  // that, 60 s is Linux's.
  Nanoseconds time_wait = seconds(60);
  // Sent in a second to segments that are nobody's, or not acceptable to a record.
  uint32_t resets_per_second = 1000;
  uint32_t record_answers_per_second = 1000;

  PortRange ports;
};

// Counters of what happens outside of connections; they only grow.
struct StackStatistics {
  uint64_t malformed = 0;  // refused by the parser
  uint64_t bad_checksum = 0;
  uint64_t not_a_peer = 0;  // from an address that nobody can have
  uint64_t nobody = 0;      // for no connection, record or listener
  uint64_t resets_sent = 0;
  uint64_t resets_limited = 0;
  uint64_t syns = 0;  // for a listener
  uint64_t syns_repeated = 0;
  uint64_t syns_dropped = 0;  // no memory, or cookies are off
  uint64_t queue_full = 0;    // SYNs and last ACKs dropped: too many wait for accept()
  uint64_t syn_acks_repeated = 0;
  uint64_t half_open_reset = 0;
  uint64_t half_open_timed_out = 0;
  uint64_t half_open_challenged = 0;
  uint64_t cookies_sent = 0;
  uint64_t cookies_good = 0;
  uint64_t cookies_bad = 0;
  uint64_t passive_opens = 0;
  uint64_t no_memory = 0;           // a connection was not made
  uint64_t record_answers = 0;      // ACKs of records in TIME-WAIT
  uint64_t records_taken_over = 0;  // by a new connection of the same ends
  uint64_t ports_exhausted = 0;
  uint64_t moved_in = 0;      // connections that were taken over from other stacks
  uint64_t forwarded = 0;     // segments that another stack's connections were sent
  uint64_t late_forward = 0;  // ... and that came here when their connection was gone
};

}  // namespace plumbline::net::tcp
