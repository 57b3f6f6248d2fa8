// Internet Protocol version 6 header (RFC 8200, section 3).
#pragma once

#include <optional>
#include <span>

#include "core/byte_order.hh"
#include "net/checksum.hh"
#include "net/wire/ip_address.hh"

namespace plumbline::net {

struct Ipv6Header {
  static constexpr size_t kSize = 40;
  static constexpr uint8_t kDefaultHopLimit = 64;
  static constexpr uint16_t kLeastMtu = 1280;  // section 5

  uint8_t traffic_class = 0;
  uint32_t flow_label = 0;      // 20 bits (RFC 6437)
  uint16_t payload_length = 0;  // bytes behind this header, extension headers included
  uint8_t next_header = 0;
  uint8_t hop_limit = kDefaultHopLimit;
  IpAddress source;
  IpAddress destination;

  // The header at the start of `packet`, or nothing when the version is another or the length it
  // states does not fit (packets may be padded behind). Packets of more than 65,535 bytes
  // (RFC 2675) are none.
  static std::optional<Ipv6Header> parse(std::span<const std::byte> packet) {
    return parse(packet, packet.size());
  }
  // The same for a packet of `whole` bytes of which only the first are in `packet`.
  static std::optional<Ipv6Header> parse(std::span<const std::byte> packet, size_t whole) {
    if (packet.size() < kSize || whole < kSize) return std::nullopt;
    const std::byte* const at = packet.data();
    const uint32_t first = load_be32(at);
    const uint16_t payload_length = load_be16(at + 4);
    if (first >> 28 != 6 || payload_length > whole - kSize) return std::nullopt;
    Ipv6Header header;
    header.traffic_class = static_cast<uint8_t>(first >> 20);
    header.flow_label = first & 0xf'ffff;
    header.payload_length = payload_length;
    header.next_header = static_cast<uint8_t>(at[6]);
    header.hop_limit = static_cast<uint8_t>(at[7]);
    header.source = IpAddress::load_v6(at + 8);
    header.destination = IpAddress::load_v6(at + 24);
    return header;
  }
  // Writes kSize bytes.
  void emit(std::byte* at) const {
    store_be32(at, uint32_t{6} << 28 | uint32_t{traffic_class} << 20 | (flow_label & 0xf'ffff));
    store_be16(at + 4, payload_length);
    at[6] = std::byte{next_header};
    at[7] = std::byte{hop_limit};
    source.store_v6(at + 8);
    destination.store_v6(at + 24);
  }
};

// What the checksums of UDP and ICMPv6 cover besides the message (RFC 8200, section 8.1), in the
// form that sum_bytes() continues.
inline uint64_t ipv6_pseudo_sum(const IpAddress& source, const IpAddress& destination,
                                uint8_t protocol, uint32_t length) {
  uint64_t sum = add_with_carry(source.words[0], source.words[1]);
  sum = add_with_carry(add_with_carry(sum, destination.words[0]), destination.words[1]);
  return add_with_carry(sum, uint64_t{byte_swap(length)} + byte_swap(uint32_t{protocol}));
}

}  // namespace plumbline::net
