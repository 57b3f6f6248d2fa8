// A TCP segment as a bystander on the wire reads it.
//
// This is a parser of its own, on purpose: what judges the stack must not share its mistakes.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace plumbline::net::simulator {

struct ObservedSegment {
  static constexpr uint8_t kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16, kUrg = 32, kEce = 64,
                           kCwr = 128;
  // An address of 16 bytes, IPv4 as ::ffff:a.b.c.d, and a port.
  struct End {
    std::array<std::byte, 16> address{};
    uint16_t port = 0;
    auto operator<=>(const End&) const = default;
  };
  struct Block {
    uint32_t begin, end;
  };

  End source, destination;
  uint32_t sequence = 0;
  uint32_t acknowledgement = 0;
  uint16_t window = 0;
  uint8_t flags = 0;
  uint8_t ecn = 0;            // the IP header's two bits
  uint32_t ip_length = 0;     // bytes of the IP packet
  uint32_t header_bytes = 0;  // of the TCP header with options
  std::span<const std::byte> payload;

  uint16_t mss = 0;       // 0: no option
  int window_scale = -1;  // -1: no option
  bool sack_permitted = false;
  bool has_timestamp = false;
  uint32_t timestamp_value = 0, timestamp_echo = 0;
  unsigned sack_count = 0;
  std::array<Block, 4> sack{};

  bool has(uint8_t flag) const { return (flags & flag) != 0; }
  // Sequence numbers it takes: payload, SYN and FIN.
  uint32_t sequence_length() const {
    return static_cast<uint32_t>(payload.size()) + has(kSyn) + has(kFin);
  }

  // Reads an Ethernet frame into `to`, whose payload then lies in `frame`. An empty string, or what
  // is wrong with it: checksums, lengths and options are all looked at. "not TCP" for what is a
  // sound packet of another protocol.
  static std::string parse(std::span<const std::byte> frame, ObservedSegment& to);
  // "1234 > 80 PA 17:117 ack 5 win 100 ..." for messages.
  std::string describe() const;
};

}  // namespace plumbline::net::simulator
