// Takes apart Ethernet frames with UDP datagrams from the server. The bytes are untrusted: every
// length is checked against the bytes that are there.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "network/address.hh"

namespace plumbline::generator {

struct UdpDatagram {
  uint16_t source_port;
  uint16_t destination_port;
  std::span<const uint8_t> payload;
};

// The datagram in the frame, when it is an unfragmented IPv4 UDP datagram from `peer` to `own` by
// its IP addresses.
std::optional<UdpDatagram> parse_udp(std::span<const uint8_t> frame, const Endpoint& own,
                                     const Endpoint& peer);

enum class UdpChecksum { kAbsent, kRight, kPartial, kWrong };

// Of a frame that parse_udp accepted. kPartial: the field holds the sum of the pseudo header, which
// a sender with checksum offload leaves for the next device to complete (virtio spec 1.2, 5.1.6.2);
// on a wire that is memory nobody has to.
UdpChecksum check_udp_checksum(std::span<const uint8_t> frame);

// Null when addresses and checksums of a frame that parse_udp accepted are right; otherwise what is
// wrong.
const char* check_headers(std::span<const uint8_t> frame, const Endpoint& own,
                          const Endpoint& peer);

}  // namespace plumbline::generator
