// Messages of neighbour discovery (RFC 4861, section 4): ICMPv6 between hosts and routers of one
// link.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "net/wire/icmp.hh"
#include "net/wire/ipv6.hh"

namespace plumbline::net {

// What a message said. `mac` is the link-layer address option that goes with it: the source's in
// solicitations and router advertisements, the target's in the others; zero: there was none.
struct NeighbourSolicitation {
  IpAddress target;
  MacAddress mac;
};
struct NeighbourAdvertisement {
  IpAddress target;
  MacAddress mac;
  bool router = false;
  bool solicited = false;
  bool overrides = false;
};
struct Redirect {
  IpAddress target;  // where packets go from now on; the destination itself: it is a neighbour
  IpAddress destination;
  MacAddress mac;
};
struct RouterAdvertisement {
  static constexpr uint32_t kForever = ~uint32_t{0};
  static constexpr size_t kMostPrefixes = 8;

  struct Prefix {
    IpAddress address;
    uint8_t length = 0;
    bool on_link = false;
    bool autonomous = false;
    uint32_t valid = 0;      // seconds
    uint32_t preferred = 0;  // seconds
  };

  uint8_t hop_limit = 0;    // 0: not said
  int8_t preference = 0;    // -1, 0, 1 (RFC 4191)
  uint16_t lifetime = 0;    // seconds as a default router; 0: it is none
  uint32_t reachable = 0;   // milliseconds; 0: not said
  uint32_t retransmit = 0;  // milliseconds; 0: not said
  uint32_t mtu = 0;         // 0: not said
  MacAddress mac;
  size_t prefix_count = 0;  // the first ones of the message
  std::array<Prefix, kMostPrefixes> prefixes{};
};

// `message` is a whole ICMPv6 message of the type in question, its checksum verified, in a packet
// with this header. Nothing when a receiver must not believe it (sections 6.1, 7.1 and 8.1): a
// router would have let it in from elsewhere, lengths are wrong, or addresses make no sense.
std::optional<NeighbourSolicitation> parse_neighbour_solicitation(
    const Ipv6Header& ip, std::span<const std::byte> message);
std::optional<NeighbourAdvertisement> parse_neighbour_advertisement(
    const Ipv6Header& ip, std::span<const std::byte> message);
std::optional<RouterAdvertisement> parse_router_advertisement(const Ipv6Header& ip,
                                                              std::span<const std::byte> message);
std::optional<Redirect> parse_redirect(const Ipv6Header& ip, std::span<const std::byte> message);

// Write a message without its checksum, of at most kMostNeighbourMessage bytes; return its length.
// A zero `mac` is left out.
inline constexpr size_t kMostNeighbourMessage = 32;
size_t emit_neighbour_solicitation(std::byte* at, const IpAddress& target, MacAddress mac);
size_t emit_neighbour_advertisement(std::byte* at, const NeighbourAdvertisement& advertisement);
size_t emit_router_solicitation(std::byte* at, MacAddress mac);

// ff02::1:ffXX:XXXX, which a host listens to for each of its addresses (RFC 4291, section 2.7.1).
constexpr IpAddress solicited_node(const IpAddress& address) {
  return IpAddress::of_v6(0xff02'0000'0000'0000,
                          0x0000'0001'ff00'0000 | (byte_swap(address.words[1]) & 0xff'ffff));
}
inline constexpr IpAddress kAllNodes = IpAddress::of_v6(0xff02'0000'0000'0000, 1);
inline constexpr IpAddress kAllRouters = IpAddress::of_v6(0xff02'0000'0000'0000, 2);
// The Ethernet address that a multicast address goes to (RFC 2464, section 7).
constexpr MacAddress multicast_mac(const IpAddress& group) {
  const uint64_t low = byte_swap(group.words[1]);
  return {{0x33, 0x33, static_cast<uint8_t>(low >> 24), static_cast<uint8_t>(low >> 16),
           static_cast<uint8_t>(low >> 8), static_cast<uint8_t>(low)}};
}

}  // namespace plumbline::net
