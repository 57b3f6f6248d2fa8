// Internet Control Message Protocol: the common 8-byte header (RFC 792; RFC 4443 for IPv6).
#pragma once

#include <optional>
#include <span>

#include "core/byte_order.hh"
#include "net/checksum.hh"

namespace plumbline::net {

// Types of ICMPv6 messages: RFC 4443, and of neighbour discovery RFC 4861.
namespace icmpv6_types {
inline constexpr uint8_t kDestinationUnreachable = 1;
inline constexpr uint8_t kPacketTooBig = 2;
inline constexpr uint8_t kTimeExceeded = 3;
inline constexpr uint8_t kParameterProblem = 4;
inline constexpr uint8_t kEcho = 128;
inline constexpr uint8_t kEchoReply = 129;
inline constexpr uint8_t kRouterSolicitation = 133;
inline constexpr uint8_t kRouterAdvertisement = 134;
inline constexpr uint8_t kNeighbourSolicitation = 135;
inline constexpr uint8_t kNeighbourAdvertisement = 136;
inline constexpr uint8_t kRedirect = 137;
// The lowest of those that are no errors (RFC 4443, section 2.1).
inline constexpr uint8_t kFirstInformational = 128;
}  // namespace icmpv6_types

struct IcmpHeader {
  static constexpr size_t kSize = 8;
  static constexpr uint8_t kEchoReply = 0;
  static constexpr uint8_t kDestinationUnreachable = 3;
  static constexpr uint8_t kEcho = 8;
  static constexpr uint8_t kTimeExceeded = 11;
  static constexpr uint8_t kParameterProblem = 12;
  static constexpr uint8_t kCodePortUnreachable = 3;

  uint8_t type = 0;
  uint8_t code = 0;
  uint32_t rest = 0;  // echo: identifier and sequence number

  // The header of `message` (a whole ICMP message), or nothing when it is short or its checksum is
  // wrong.
  static std::optional<IcmpHeader> parse(std::span<const std::byte> message) {
    if (message.size() < kSize || internet_checksum(message) != 0) return std::nullopt;
    const std::byte* const at = message.data();
    return IcmpHeader{static_cast<uint8_t>(at[0]), static_cast<uint8_t>(at[1]), load_be32(at + 4)};
  }
  // Writes the header in front of a message's data and the checksum over all of `message`, which
  // must hold at least kSize bytes.
  void emit(std::span<std::byte> message) const {
    std::byte* const at = message.data();
    at[0] = std::byte{type};
    at[1] = std::byte{code};
    store_be16(at + 2, 0);
    store_be32(at + 4, rest);
    store_native16(at + 2, internet_checksum(message));
  }
};

}  // namespace plumbline::net
