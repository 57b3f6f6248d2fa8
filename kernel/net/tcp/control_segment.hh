// Segments without payload that are no connection's (yet): RST, SYN-ACK, and the ACKs of records.
#pragma once

#include <array>

#include "net/tcp/domain.hh"
#include "net/tcp/owner.hh"
#include "net/tcp/segment.hh"

namespace plumbline::net::tcp {

class ControlSegment {
 public:
  ControlSegment(uint8_t flags, Sequence sequence, Sequence acknowledgement) {
    header_.flags = flags;
    header_.sequence = sequence.value;
    header_.acknowledgement = acknowledgement.value;
  }

  // The header's field.
  void set_window(uint16_t window) { header_.window = window; }
  void set_type(uint8_t traffic_class, uint8_t hop_limit) {
    traffic_class_ = traffic_class;
    hop_limit_ = hop_limit;
  }
  void add_timestamps(uint32_t value, uint32_t echo);
  // The options of our SYN: `mss` and what was agreed. `timestamp`: of our clock.
  void add_agreed(const Handshake& agreed, uint16_t mss, uint32_t timestamp);

  // Sends it from `key`'s local end. `received`, which may be nullptr, is taken over: an answer is
  // written into the frame that it answers, so that no flood of segments takes buffers.
  void send(Domain& domain, PacketBuffer* received, const FlowKey& key);

 private:
  // 20 bytes are the most that our SYNs have.
  static constexpr unsigned kMostOptions = 20;

  TcpHeader header_;
  uint8_t traffic_class_ = 0;
  uint8_t hop_limit_ = 64;
  uint8_t options_length_ = 0;
  std::array<std::byte, kMostOptions> options_;
};

// The RST for a segment that is nobody's (RFC 9293, section 3.10.7.1), which is no RST itself.
ControlSegment reset_for(const Segment& segment);

// The MSS option of our SYNs to a peer: what fits into packets of `mtu` bytes (RFC 6691), at most
// `most` unless that is 0.
uint16_t own_mss(const FlowKey& key, uint16_t mtu, uint16_t most);

}  // namespace plumbline::net::tcp
