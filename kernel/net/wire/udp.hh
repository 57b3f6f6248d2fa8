// User Datagram Protocol header (RFC 768).
#pragma once

#include <optional>
#include <span>

#include "core/byte_order.hh"
#include "net/wire/ipv4.hh"

namespace plumbline::net {

struct UdpHeader {
  static constexpr size_t kSize = 8;
  static constexpr size_t kChecksumOffset = 6;

  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  uint16_t length = 0;       // bytes, header included
  bool checksummed = false;  // false: the sender made no checksum (field 0)

  size_t payload_length() const { return size_t{length} - kSize; }

  // The header at the start of an IPv4 payload, or nothing when it or the length it states does not
  // fit. Does not look at the checksum: see udp_checksum_valid().
  static std::optional<UdpHeader> parse(std::span<const std::byte> segment) {
    if (segment.size() < kSize) return std::nullopt;
    const std::byte* const at = segment.data();
    const uint16_t length = load_be16(at + 4);
    if (length < kSize || length > segment.size()) return std::nullopt;
    return UdpHeader{load_be16(at), load_be16(at + 2), length,
                     load_native16(at + kChecksumOffset) != 0};
  }
  // Writes kSize bytes with a checksum field of 0.
  void emit(std::byte* at) const {
    store_be16(at, source_port);
    store_be16(at + 2, destination_port);
    store_be16(at + 4, length);
    store_be16(at + kChecksumOffset, 0);
  }
};

// Checksum of a UDP segment (header and payload) whose checksum field is 0. A computed 0 is sent as
// 0xffff, because 0 says "none" (RFC 768).
inline uint16_t udp_checksum(std::span<const std::byte> segment, Ipv4Address source,
                             Ipv4Address destination) {
  const uint64_t pseudo = pseudo_header_sum(source, destination, Ipv4Header::kUdp,
                                            static_cast<uint16_t>(segment.size()));
  const uint16_t checksum = finish_checksum(sum_bytes(segment, pseudo));
  return checksum == 0 ? 0xffff : checksum;
}

// True when the segment's checksum is right. `segment` must end where the UDP length says.
inline bool udp_checksum_valid(std::span<const std::byte> segment, Ipv4Address source,
                               Ipv4Address destination) {
  const uint64_t pseudo = pseudo_header_sum(source, destination, Ipv4Header::kUdp,
                                            static_cast<uint16_t>(segment.size()));
  return finish_checksum(sum_bytes(segment, pseudo)) == 0;
}

// What UDP's checksum covers besides the segment (RFC 768), from words as they lie on the wire:
// both addresses and the UDP length.
inline uint64_t udp_pseudo_sum(uint64_t addresses, uint16_t length) {
  const auto protocol = byte_swap(uint16_t{Ipv4Header::kUdp});
  return add_with_carry(addresses, uint64_t{protocol} + length);
}

}  // namespace plumbline::net
