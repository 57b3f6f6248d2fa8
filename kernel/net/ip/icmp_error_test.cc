#include "net/ip/icmp_error.hh"

#include <doctest/doctest.h>

#include <vector>

#include "net/wire/ipv4.hh"
#include "net/wire/ipv6.hh"

namespace plumbline::net {
namespace {

const Ipv4Address kLocal = Ipv4Address::of(10, 9, 0, 2), kRemote = Ipv4Address::of(192, 0, 2, 1);
const IpAddress kLocal6 = IpAddress::of_v6(0x2001'0db8'0000'0000, 2);
const IpAddress kRemote6 = IpAddress::of_v6(0x2001'0db8'0000'0001, 1);

void put_transport(std::byte* at) {
  store_be16(at, 40000);
  store_be16(at + 2, 80);
  store_be32(at + 4, 0x1234'5678);
}

std::vector<std::byte> quote4(uint8_t protocol, uint16_t fragment_offset = 0) {
  std::vector<std::byte> bytes(Ipv4Header::kSize + 8);
  Ipv4Header ip;
  ip.total_length = 1500;
  ip.fragment_offset = fragment_offset;
  ip.protocol = protocol;
  ip.source = kLocal;
  ip.destination = kRemote;
  ip.emit(bytes.data());
  put_transport(bytes.data() + Ipv4Header::kSize);
  return bytes;
}

std::vector<std::byte> quote6(uint8_t protocol, bool fragmented = false) {
  std::vector<std::byte> bytes(Ipv6Header::kSize + (fragmented ? 8 : 0) + 8);
  Ipv6Header ip;
  ip.payload_length = 1400;
  ip.next_header = fragmented ? uint8_t{44} : protocol;
  ip.source = kLocal6;
  ip.destination = kRemote6;
  ip.emit(bytes.data());
  if (fragmented) bytes[Ipv6Header::kSize] = std::byte{protocol};
  put_transport(bytes.data() + bytes.size() - 8);
  return bytes;
}

TEST_CASE("ICMP: whose packet, and what became of it") {
  const auto tcp = quote4(Ipv4Header::kTcp);
  const auto error = parse_icmp_error({IcmpHeader::kDestinationUnreachable, 1, 0}, tcp);
  REQUIRE(error);
  CHECK(error->local == IpAddress::of(kLocal));
  CHECK(error->remote == IpAddress::of(kRemote));
  CHECK(error->local_port == 40000);
  CHECK(error->remote_port == 80);
  CHECK(error->sequence == 0x1234'5678);
  CHECK(error->error == Errno::kEHOSTUNREACH);
  CHECK_FALSE(error->hard);
  CHECK(parse_icmp_error({IcmpHeader::kDestinationUnreachable, 3, 0}, tcp)->hard);
  CHECK(parse_icmp_error({IcmpHeader::kTimeExceeded, 0, 0}, tcp)->error == Errno::kEHOSTUNREACH);
  CHECK(parse_icmp_error({IcmpHeader::kParameterProblem, 0, 0}, tcp)->error == Errno::kEPROTO);
  CHECK_FALSE(parse_icmp_error({IcmpHeader::kDestinationUnreachable, 16, 0}, tcp));
  CHECK_FALSE(parse_icmp_error({5, 0, 0}, tcp));
  CHECK_FALSE(parse_icmp_error({IcmpHeader::kDestinationUnreachable, 1, 0}, quote4(47)));
  CHECK_FALSE(
      parse_icmp_error({IcmpHeader::kDestinationUnreachable, 1, 0}, quote4(Ipv4Header::kTcp, 8)));
  for (size_t length = 0; length < tcp.size(); ++length)
    CHECK_FALSE(parse_icmp_error({IcmpHeader::kDestinationUnreachable, 1, 0},
                                 std::span(tcp).first(length)));
}

TEST_CASE("ICMP: a path's MTU, said or guessed") {
  const auto udp = quote4(Ipv4Header::kUdp);
  const auto said =
      parse_icmp_error({IcmpHeader::kDestinationUnreachable, 4, 0xabcd'0000 | 1400}, udp);
  REQUIRE(said);
  CHECK(said->error == Errno::kEMSGSIZE);
  CHECK(said->mtu == 1400);
  // A packet of 1500 bytes was too long: the next size in use (RFC 1191, table 7-1).
  CHECK(parse_icmp_error({IcmpHeader::kDestinationUnreachable, 4, 0}, udp)->mtu == 1492);
}

TEST_CASE("ICMPv6: whose packet, and what became of it") {
  for (const bool fragmented : {false, true}) {
    const auto tcp = quote6(Ipv4Header::kTcp, fragmented);
    const auto error = parse_icmpv6_error({icmpv6_types::kDestinationUnreachable, 4, 0}, tcp);
    REQUIRE(error);
    CHECK(error->local == kLocal6);
    CHECK(error->remote == kRemote6);
    CHECK(error->remote_port == 80);
    CHECK(error->sequence == 0x1234'5678);
    CHECK(error->error == Errno::kECONNREFUSED);
    for (size_t length = 0; length < tcp.size(); ++length)
      CHECK_FALSE(parse_icmpv6_error({icmpv6_types::kDestinationUnreachable, 4, 0},
                                     std::span(tcp).first(length)));
    CHECK(parse_icmpv6_error({icmpv6_types::kPacketTooBig, 0, 1400}, tcp)->mtu == 1400);
    // Every link takes 1,280 bytes (RFC 8200, section 5).
    CHECK_FALSE(parse_icmpv6_error({icmpv6_types::kPacketTooBig, 0, 1279}, tcp));
  }
  CHECK_FALSE(parse_icmpv6_error({icmpv6_types::kEcho, 0, 0}, quote6(Ipv4Header::kTcp)));
}

}  // namespace
}  // namespace plumbline::net
