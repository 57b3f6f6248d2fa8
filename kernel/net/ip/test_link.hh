// For tests and fuzzers: an interface that speaks IPv6, and frames of a neighbour and a router.
#pragma once

#include <vector>

#include "net/test_network.hh"
#include "net/wire/ipv6_extensions.hh"

namespace plumbline::net {

inline const IpAddress kPeer6 = IpAddress::of_v6(0xfe80'0000'0000'0000, 0x99);
inline const IpAddress kGuest6 = interface_identifier(kGuestMac, kLinkLocalPrefix);
inline const IpAddress kGlobal6 = IpAddress::of_v6(0x2001'0db8'0000'0000, 2);

struct TestLink {
  static Ipv6Configuration standard() {
    Ipv6Configuration configuration;
    configuration.address = kGlobal6;
    return configuration;
  }
  static InterfaceConfiguration with(Ipv6Host& host, PathMtus& path_mtus) {
    InterfaceConfiguration configuration = TestNetwork::standard();
    configuration.ipv6 = &host;
    configuration.path_mtus = &path_mtus;
    return configuration;
  }

  explicit TestLink(const Ipv6Configuration& configuration = standard())
      : host(kGuestMac, configuration), net(with(host, path_mtus)) {
    TestNetwork::time_ns += Neighbours::kSecond;
    net.interface.set_udp6_handler({[](void* self, const Udp6Datagram& datagram) {
                                      auto& link = *static_cast<TestLink*>(self);
                                      if (datagram.destination_port != 7) return false;
                                      link.received.push_back(text_of(datagram.payload));
                                      return true;
                                    },
                                    this});
    net.interface.set_udp_error_handler({[](void* self, const IcmpError& error) {
                                           static_cast<TestLink*>(self)->errors.push_back(error);
                                           return true;
                                         },
                                         this});
  }

  void tick() {
    TestNetwork::time_ns += Neighbours::kSecond;
    net.interface.tick(net.out);
    net.out.flush();
  }
  // Our addresses are surely ours.
  void settle() {
    while (host.busy()) tick();
    (void)net.sent();
  }

  PathMtus path_mtus;
  Ipv6Host host;
  TestNetwork net;
  std::vector<std::string> received;
  std::vector<IcmpError> errors;
};

struct Ipv6FrameOptions {
  IpAddress from = kPeer6;
  IpAddress to = kGuest6;
  uint8_t hop_limit = 255;
  MacAddress destination = kGuestMac;
};

inline Frame ipv6_frame(uint8_t next_header, std::span<const std::byte> payload,
                        const Ipv6FrameOptions& options = {}) {
  Frame frame(Ipv6Layer::kHeaders + payload.size());
  const MacAddress to = options.to.is_multicast() ? multicast_mac(options.to) : options.destination;
  EthernetHeader{to, kPeerMac, EthernetHeader::kIpv6}.emit(frame.data());
  Ipv6Header ip;
  ip.payload_length = static_cast<uint16_t>(payload.size());
  ip.next_header = next_header;
  ip.hop_limit = options.hop_limit;
  ip.source = options.from;
  ip.destination = options.to;
  ip.emit(frame.data() + EthernetHeader::kSize);
  if (!payload.empty())
    std::memcpy(frame.data() + Ipv6Layer::kHeaders, payload.data(), payload.size());
  return frame;
}

// With its checksum put right.
inline Frame icmpv6_frame(Frame message, const Ipv6FrameOptions& options = {}) {
  store_be16(message.data() + 2, 0);
  const uint64_t pseudo = ipv6_pseudo_sum(options.from, options.to, ipv6_headers::kIcmp,
                                          static_cast<uint32_t>(message.size()));
  store_native16(message.data() + 2, finish_checksum(sum_bytes(message, pseudo)));
  return ipv6_frame(ipv6_headers::kIcmp, message, options);
}

inline Frame solicitation(const IpAddress& target, MacAddress mac) {
  Frame message(kMostNeighbourMessage);
  message.resize(emit_neighbour_solicitation(message.data(), target, mac));
  return message;
}
inline Frame advertisement(const NeighbourAdvertisement& what) {
  Frame message(kMostNeighbourMessage);
  message.resize(emit_neighbour_advertisement(message.data(), what));
  return message;
}

inline Frame udp6_segment(uint16_t from_port, uint16_t to_port, std::string_view payload,
                          const Ipv6FrameOptions& options = {}) {
  Frame segment(UdpHeader::kSize + payload.size());
  UdpHeader{from_port, to_port, static_cast<uint16_t>(segment.size()), true}.emit(segment.data());
  if (!payload.empty())
    std::memcpy(segment.data() + UdpHeader::kSize, payload.data(), payload.size());
  const uint64_t pseudo = ipv6_pseudo_sum(options.from, options.to, ipv6_headers::kUdp,
                                          static_cast<uint32_t>(segment.size()));
  const uint16_t checksum = finish_checksum(sum_bytes(segment, pseudo));
  store_native16(segment.data() + 6, checksum == 0 ? 0xffff : checksum);
  return segment;
}

// A frame that was sent: from us, with a right ICMPv6 checksum where it is ICMPv6.
struct SentPacket {
  MacAddress mac;
  Ipv6Header ip;
  uint8_t protocol = 0;
  Frame payload;
  bool fragment = false;
};
inline std::optional<SentPacket> parse_sent6(const Frame& frame) {
  const auto ethernet = EthernetHeader::parse(frame);
  if (!ethernet || ethernet->type != EthernetHeader::kIpv6 || ethernet->source != kGuestMac)
    return std::nullopt;
  const auto packet = std::span(frame).subspan(EthernetHeader::kSize);
  const auto ip = Ipv6Header::parse(packet);
  if (!ip || Ipv6Header::kSize + ip->payload_length != packet.size()) return std::nullopt;
  const Ipv6Payload found = find_ipv6_payload(*ip, packet);
  if (found.verdict != Ipv6Verdict::kPayload && found.verdict != Ipv6Verdict::kFragment)
    return std::nullopt;
  const auto payload = packet.subspan(found.offset, found.length);
  const bool fragment = found.verdict == Ipv6Verdict::kFragment;
  if (found.protocol == ipv6_headers::kIcmp && !fragment &&
      finish_checksum(sum_bytes(payload, ipv6_pseudo_sum(ip->source, ip->destination,
                                                         ipv6_headers::kIcmp, found.length))) != 0)
    return std::nullopt;
  return SentPacket{ethernet->destination, *ip, found.protocol,
                    Frame(payload.begin(), payload.end()), fragment};
}

}  // namespace plumbline::net
