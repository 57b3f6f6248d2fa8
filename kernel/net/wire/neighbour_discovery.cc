#include "net/wire/neighbour_discovery.hh"

#include <algorithm>

namespace plumbline::net {

namespace {

// Section 4.6.
enum Option : uint8_t { kSourceMac = 1, kTargetMac = 2, kPrefix = 3, kMtu = 5 };
constexpr size_t kUnit = 8;  // options are multiples of it
constexpr size_t kPrefixOption = 32;
constexpr size_t kTargetAt = 8;
constexpr uint8_t kHopLimit = 255;  // nobody between us has forwarded the packet

// Calls take(type, option) for each option in `options`, all of its bytes with it. False: one has
// no length or does not fit, and the message is to be dropped.
template <typename Take>
bool for_each_option(std::span<const std::byte> options, Take&& take) {
  while (!options.empty()) {
    if (options.size() < kUnit) return false;
    const size_t length = size_t{static_cast<uint8_t>(options[1])} * kUnit;
    if (length == 0 || length > options.size()) return false;
    take(static_cast<uint8_t>(options[0]), options.first(length));
    options = options.subspan(length);
  }
  return true;
}

// The link-layer address of this kind; none is no error.
bool find_mac(std::span<const std::byte> options, Option kind, MacAddress& mac) {
  return for_each_option(options, [&](uint8_t type, std::span<const std::byte> option) {
    if (type != kind) return;
    const MacAddress found = MacAddress::load(option.data() + 2);
    if (!found.is_group()) mac = found;
  });
}

bool acceptable(const Ipv6Header& ip, std::span<const std::byte> message, size_t least) {
  return ip.hop_limit == kHopLimit && message.size() >= least && message[1] == std::byte{0};
}

void emit_mac(std::byte* at, Option kind, MacAddress mac) {
  at[0] = static_cast<std::byte>(kind);
  at[1] = std::byte{1};
  mac.store(at + 2);
}

}  // namespace

std::optional<NeighbourSolicitation> parse_neighbour_solicitation(
    const Ipv6Header& ip, std::span<const std::byte> message) {
  constexpr size_t kLeast = 24;
  if (!acceptable(ip, message, kLeast)) return std::nullopt;
  NeighbourSolicitation solicitation;
  solicitation.target = IpAddress::load_v6(&message[kTargetAt]);
  if (solicitation.target.is_multicast() ||
      !find_mac(message.subspan(kLeast), kSourceMac, solicitation.mac))
    return std::nullopt;
  // Who has no address yet asks everybody who may have it, and cannot be answered by itself.
  if (ip.source.is_unspecified() &&
      (!solicitation.mac.is_zero() || ip.destination != solicited_node(solicitation.target)))
    return std::nullopt;
  return solicitation;
}

std::optional<NeighbourAdvertisement> parse_neighbour_advertisement(
    const Ipv6Header& ip, std::span<const std::byte> message) {
  constexpr size_t kLeast = 24;
  if (!acceptable(ip, message, kLeast)) return std::nullopt;
  NeighbourAdvertisement advertisement;
  const auto flags = static_cast<uint8_t>(message[4]);
  advertisement.router = (flags & 0x80) != 0;
  advertisement.solicited = (flags & 0x40) != 0;
  advertisement.overrides = (flags & 0x20) != 0;
  advertisement.target = IpAddress::load_v6(&message[kTargetAt]);
  if (advertisement.target.is_multicast() ||
      (advertisement.solicited && ip.destination.is_multicast()) ||
      !find_mac(message.subspan(kLeast), kTargetMac, advertisement.mac))
    return std::nullopt;
  return advertisement;
}

std::optional<RouterAdvertisement> parse_router_advertisement(const Ipv6Header& ip,
                                                              std::span<const std::byte> message) {
  constexpr size_t kLeast = 16;
  if (!acceptable(ip, message, kLeast) || !ip.source.is_link_local_v6()) return std::nullopt;
  RouterAdvertisement result;
  result.hop_limit = static_cast<uint8_t>(message[4]);
  // Two bits, signed; the value that is reserved counts as 0 (RFC 4191, section 2.2).
  const auto preference = static_cast<uint8_t>(message[5]) >> 3 & 3;
  result.preference = static_cast<int8_t>(preference == 1 ? 1 : preference == 3 ? -1 : 0);
  result.lifetime = load_be16(&message[6]);
  result.reachable = load_be32(&message[8]);
  result.retransmit = load_be32(&message[12]);
  const bool good = for_each_option(
      message.subspan(kLeast), [&](uint8_t type, std::span<const std::byte> option) {
        if (type == kSourceMac) {
          const MacAddress mac = MacAddress::load(option.data() + 2);
          if (!mac.is_group()) result.mac = mac;
        } else if (type == kMtu) {
          result.mtu = load_be32(&option[4]);
        } else if (type == kPrefix && option.size() == kPrefixOption &&
                   result.prefix_count < RouterAdvertisement::kMostPrefixes) {
          RouterAdvertisement::Prefix prefix;
          prefix.length = static_cast<uint8_t>(option[2]);
          prefix.on_link = (static_cast<uint8_t>(option[3]) & 0x80) != 0;
          prefix.autonomous = (static_cast<uint8_t>(option[3]) & 0x40) != 0;
          prefix.valid = load_be32(&option[4]);
          prefix.preferred = load_be32(&option[8]);
          prefix.address = IpAddress::load_v6(&option[16]);
          // Section 6.3.4; RFC 4862, section 5.5.3.
          if (prefix.length > 128 || prefix.preferred > prefix.valid ||
              prefix.address.is_link_local_v6() || prefix.address.is_multicast())
            return;
          result.prefixes[result.prefix_count++] = prefix;
        }
      });
  return good ? std::optional(result) : std::nullopt;
}

std::optional<Redirect> parse_redirect(const Ipv6Header& ip, std::span<const std::byte> message) {
  constexpr size_t kLeast = 40;
  constexpr size_t kDestinationAt = 24;
  if (!acceptable(ip, message, kLeast) || !ip.source.is_link_local_v6()) return std::nullopt;
  Redirect redirect;
  redirect.target = IpAddress::load_v6(&message[kTargetAt]);
  redirect.destination = IpAddress::load_v6(&message[kDestinationAt]);
  if (redirect.destination.is_multicast() ||
      (!redirect.target.is_link_local_v6() && redirect.target != redirect.destination) ||
      !find_mac(message.subspan(kLeast), kTargetMac, redirect.mac))
    return std::nullopt;
  return redirect;
}

size_t emit_neighbour_solicitation(std::byte* at, const IpAddress& target, MacAddress mac) {
  store_be32(at, uint32_t{icmpv6_types::kNeighbourSolicitation} << 24);
  store_be32(at + 4, 0);
  target.store_v6(at + kTargetAt);
  if (mac.is_zero()) return 24;
  emit_mac(at + 24, kSourceMac, mac);
  return 32;
}

size_t emit_neighbour_advertisement(std::byte* at, const NeighbourAdvertisement& advertisement) {
  store_be32(at, uint32_t{icmpv6_types::kNeighbourAdvertisement} << 24);
  store_be32(at + 4, (advertisement.router ? 0x8000'0000u : 0) |
                         (advertisement.solicited ? 0x4000'0000u : 0) |
                         (advertisement.overrides ? 0x2000'0000u : 0));
  advertisement.target.store_v6(at + kTargetAt);
  if (advertisement.mac.is_zero()) return 24;
  emit_mac(at + 24, kTargetMac, advertisement.mac);
  return 32;
}

size_t emit_router_solicitation(std::byte* at, MacAddress mac) {
  store_be32(at, uint32_t{icmpv6_types::kRouterSolicitation} << 24);
  store_be32(at + 4, 0);
  if (mac.is_zero()) return 8;
  emit_mac(at + 8, kSourceMac, mac);
  return 16;
}

}  // namespace plumbline::net
