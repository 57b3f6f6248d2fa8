// A received segment, parsed: what the state machine works on.
#pragma once

#include <cstdint>

#include "net/packet_buffer.hh"
#include "net/tcp/sequence.hh"
#include "net/wire/ip_address.hh"
#include "net/wire/tcp.hh"

namespace plumbline::net::tcp {

// Names both ends of a connection, seen from this host.
struct FlowKey {
  IpAddress local;
  IpAddress remote;
  uint16_t local_port = 0;
  uint16_t remote_port = 0;
  // Which link a link-local IPv6 address lies on: the interface's number (RFC 4007, section 6). 0
  // for all other addresses, which mean the same everywhere.
  uint32_t zone = 0;

  // Everything but the addresses, in one word.
  uint64_t ports_and_zone() const { return load_unaligned<uint64_t>(&local_port); }
  friend bool operator==(const FlowKey& a, const FlowKey& b) {
    return ((a.local.words[0] ^ b.local.words[0]) | (a.local.words[1] ^ b.local.words[1]) |
            (a.remote.words[0] ^ b.remote.words[0]) | (a.remote.words[1] ^ b.remote.words[1]) |
            (a.ports_and_zone() ^ b.ports_and_zone())) == 0;
  }
};
static_assert(sizeof(FlowKey) == 40);

struct Segment {
  struct Options {
    static constexpr unsigned kMaximumSackBlocks = 4;  // all that 40 bytes of options can hold

    uint16_t mss = 0;          // 0: not there
    int8_t window_scale = -1;  // -1: not there; else 0 to 14
    bool sack_permitted = false;
    bool has_timestamp = false;
    uint8_t sack_count = 0;
    uint32_t timestamp_value = 0;
    uint32_t timestamp_echo = 0;
    SequenceRange sack[kMaximumSackBlocks];  // the first sack_count are set
  };

  Sequence sequence;
  Sequence acknowledgement;             // means something when kAck is set
  uint16_t window = 0;                  // as in the header, not scaled
  uint8_t flags = 0;                    // tcp_flags
  bool congestion_experienced = false;  // the IP header's ECN field said CE (RFC 3168, section 5)
  Options options;
  // Owned by whoever holds the Segment. The payload lies in it, and in what is chained behind it.
  PacketBuffer* frame = nullptr;
  uint32_t payload_offset = 0;  // bytes from frame->data to the payload
  uint32_t length = 0;          // bytes of payload
  uint16_t coalesced = 1;       // segments of the wire in it (GRO, LRO)
  // Payload of the first and largest of them; 0: it was not joined, or nobody knows.
  uint16_t segment_size = 0;

  bool has(uint8_t flag) const { return (flags & flag) != 0; }
  // Sequence numbers it takes up (SEG.LEN of RFC 9293, section 3.3.1): SYN and FIN count.
  uint32_t sequence_length() const {
    return length + ((flags & tcp_flags::kSyn) != 0) + ((flags & tcp_flags::kFin) != 0);
  }
  // The number behind its last.
  Sequence end() const { return sequence + sequence_length(); }
};

// Reads the TCP header that starts `offset` bytes into `frame` into `segment`, and both ports into
// `key`. `length`: bytes of header and payload by the IP header; the header must lie in the frame's
// first buffer, the payload may go on behind it. The frame is not taken over and segment.frame set
// to it. False, with `segment` undefined, when the header or the frame is too short for what they
// state. Options that are malformed end the list (what precedes them counts), unknown ones are
// skipped (RFC 9293, section 3.2, MUST-6 and MUST-7); of one given twice the last counts.
bool parse_segment(PacketBuffer& frame, uint32_t offset, uint32_t length, Segment& segment,
                   FlowKey& key);

// True when the checksum over pseudo header, TCP header and payload is right, whichever buffers
// they lie in. Arguments as above, with `key`'s addresses set.
bool verify_checksum(const PacketBuffer& frame, uint32_t offset, uint32_t length,
                     const FlowKey& key);

}  // namespace plumbline::net::tcp
