#include "net/wire/ipv6.hh"

#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "net/wire/ipv6_extensions.hh"

namespace plumbline::net {
namespace {

using namespace ipv6_headers;

const IpAddress kSource = IpAddress::of_v6(0x2001'0db8'0000'0000, 1);
const IpAddress kDestination = IpAddress::of_v6(0x2001'0db8'0000'0000, 2);

TEST_CASE("addresses of both families") {
  const IpAddress four = IpAddress::of(Ipv4Address::of(10, 9, 0, 2));
  CHECK(four.is_v4());
  CHECK(four.v4() == Ipv4Address::of(10, 9, 0, 2));
  std::byte bytes[16];
  four.store_v6(bytes);
  CHECK(bytes[10] == std::byte{0xff});
  CHECK(bytes[11] == std::byte{0xff});
  CHECK(bytes[12] == std::byte{10});
  CHECK(bytes[15] == std::byte{2});
  CHECK(IpAddress::load_v4(bytes + 12) == four);
  CHECK(IpAddress::load_v6(bytes) == four);
  CHECK(!kSource.is_v4());
  kSource.store_v6(bytes);
  CHECK(bytes[0] == std::byte{0x20});
  CHECK(bytes[3] == std::byte{0xb8});
  CHECK(bytes[15] == std::byte{1});
  CHECK(IpAddress::load_v6(bytes) == kSource);
  CHECK(IpAddress::any_v4().is_unspecified());
  CHECK(IpAddress::any_v6().is_unspecified());
  CHECK(!kSource.is_unspecified());
  CHECK(IpAddress::of_v6(0, 1).is_loopback());
  CHECK(IpAddress::of(Ipv4Address::of(127, 1, 2, 3)).is_loopback());
  CHECK(!four.is_loopback());
  CHECK(IpAddress::of_v6(0xff02'0000'0000'0000, 1).is_multicast());
  CHECK(IpAddress::of(Ipv4Address::of(224, 0, 0, 1)).is_multicast());
  CHECK(IpAddress::of(Ipv4Address::of(255, 255, 255, 255)).is_never_a_source());
  CHECK(!four.is_never_a_source());
  CHECK(!kSource.is_never_a_source());
  CHECK(IpAddress::of_v6(0xfe80'0000'0000'0000, 1).is_link_local_v6());
  CHECK(IpAddress::of_v6(0xfebf'0000'0000'0000, 1).is_link_local_v6());
  CHECK(!IpAddress::of_v6(0xfec0'0000'0000'0000, 1).is_link_local_v6());
  CHECK(!four.is_link_local_v6());
}

// A packet of these bytes behind the header, of exactly that size on the heap.
std::vector<std::byte> packet_of(uint8_t next, std::initializer_list<unsigned> bytes,
                                 const IpAddress& to = kDestination) {
  Ipv6Header header;
  header.traffic_class = 0xb9;
  header.flow_label = 0x12345;
  header.payload_length = static_cast<uint16_t>(bytes.size());
  header.next_header = next;
  header.hop_limit = 7;
  header.source = kSource;
  header.destination = to;
  std::vector<std::byte> packet(Ipv6Header::kSize + bytes.size());
  header.emit(packet.data());
  size_t at = Ipv6Header::kSize;
  for (const unsigned byte : bytes) packet[at++] = static_cast<std::byte>(byte);
  return packet;
}
Ipv6Payload find(const std::vector<std::byte>& packet) {
  const auto header = Ipv6Header::parse(packet);
  REQUIRE(header);
  return find_ipv6_payload(*header, packet);
}

TEST_CASE("a header is written and read; what does not fit is refused") {
  auto packet = packet_of(kTcp, {1, 2, 3, 4});
  CHECK(packet[0] == std::byte{0x6b});
  CHECK(packet[1] == std::byte{0x91});
  const auto header = Ipv6Header::parse(packet);
  REQUIRE(header);
  CHECK(header->traffic_class == 0xb9);
  CHECK(header->flow_label == 0x12345);
  CHECK(header->payload_length == 4);
  CHECK(header->next_header == kTcp);
  CHECK(header->hop_limit == 7);
  CHECK(header->source == kSource);
  CHECK(header->destination == kDestination);
  packet.push_back(std::byte{0});  // padding
  CHECK(Ipv6Header::parse(packet));
  CHECK(!Ipv6Header::parse(std::span(packet).first(43)));
  CHECK(!Ipv6Header::parse(std::span(packet).first(39)));
  packet[0] = std::byte{0x4b};
  CHECK(!Ipv6Header::parse(packet));
}

TEST_CASE("a payload is found, behind any extension headers that say nothing to us") {
  Ipv6Payload found = find(packet_of(kTcp, {1, 2, 3}));
  CHECK(found.verdict == Ipv6Verdict::kPayload);
  CHECK(found.protocol == kTcp);
  CHECK(found.offset == 40);
  CHECK(found.length == 3);
  CHECK(found.pointer == 6);
  // Hop-by-hop with a router alert, destination options of 16 bytes, a used-up routing header, a
  // fragment header of a whole packet.
  found = find(packet_of(kHopByHop, {60, 0, 5,    2, 0, 0, 1, 0,                          //
                                     43, 1, 0x1e, 3, 9, 9, 9, 0, 1, 6, 0, 0, 0, 0, 0, 0,  //
                                     44, 0, 4,    0, 0, 0, 0, 0,                          //
                                     17, 0, 0,    0, 1, 2, 3, 4,                          //
                                     7,  7}));
  CHECK(found.verdict == Ipv6Verdict::kPayload);
  CHECK(found.protocol == kUdp);
  CHECK(found.offset == 40 + 40);
  CHECK(found.length == 2);
  CHECK(found.pointer == 40 + 32);
  CHECK(find(packet_of(kNone, {1})).verdict == Ipv6Verdict::kDrop);
  // Somebody else's problem.
  found = find(packet_of(200, {1}));
  CHECK(found.verdict == Ipv6Verdict::kPayload);
  CHECK(found.protocol == 200);
}

TEST_CASE("fragments") {
  Ipv6Payload found =
      find(packet_of(kFragment, {6, 0, 0x05, 0xa9, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0}));
  CHECK(found.verdict == Ipv6Verdict::kFragment);
  CHECK(found.protocol == kTcp);
  CHECK(found.offset == 48);
  CHECK(found.length == 8);
  CHECK(found.fragment.identification == 0x01020304);
  CHECK(found.fragment.offset == 0x5a8);
  CHECK(found.fragment.more);
  // One in the middle that is no multiple of 8; one that ends beyond 65,535.
  found = find(packet_of(kFragment, {6, 0, 0, 1, 1, 2, 3, 4, 0}));
  CHECK(found.verdict == Ipv6Verdict::kReport);
  CHECK(found.code == Ipv6Payload::kErroneousField);
  CHECK(found.pointer == 4);
  found = find(packet_of(kFragment, {6, 0, 0xff, 0xf8, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0}));
  CHECK(found.verdict == Ipv6Verdict::kReport);
  CHECK(found.pointer == 42);
  CHECK(find(packet_of(kFragment, {6, 0, 0, 1})).verdict == Ipv6Verdict::kDrop);
}

TEST_CASE("unknown options, routes and places") {
  const auto option = [](unsigned type, bool multicast = false) {
    return find(packet_of(kDestinationOptions, {6, 0, type, 0, 1, 2, 0, 0},
                          multicast ? IpAddress::of_v6(0xff02'0000'0000'0000, 1) : kDestination));
  };
  CHECK(option(0x1e).verdict == Ipv6Verdict::kPayload);
  CHECK(option(0x5e).verdict == Ipv6Verdict::kDrop);
  CHECK(option(0x9e).verdict == Ipv6Verdict::kReport);
  CHECK(option(0x9e).code == Ipv6Payload::kUnknownOption);
  CHECK(option(0x9e).pointer == 42);
  CHECK(option(0x9e, true).verdict == Ipv6Verdict::kReport);
  CHECK(option(0xde).verdict == Ipv6Verdict::kReport);
  CHECK(option(0xde, true).verdict == Ipv6Verdict::kDrop);
  Ipv6Payload found = find(packet_of(kRouting, {6, 0, 0, 1, 0, 0, 0, 0}));
  CHECK(found.verdict == Ipv6Verdict::kReport);
  CHECK(found.code == Ipv6Payload::kErroneousField);
  CHECK(found.pointer == 42);
  found = find(packet_of(kDestinationOptions, {0, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0}));
  CHECK(found.verdict == Ipv6Verdict::kReport);
  CHECK(found.code == Ipv6Payload::kUnknownHeader);
  CHECK(found.pointer == 40);
  // Longer than the packet; an option longer than its header.
  CHECK(find(packet_of(kDestinationOptions, {6, 1, 1, 4, 0, 0, 0, 0})).verdict ==
        Ipv6Verdict::kDrop);
  CHECK(find(packet_of(kDestinationOptions, {6, 0, 1, 5, 0, 0, 0, 0})).verdict ==
        Ipv6Verdict::kDrop);
  CHECK(find(packet_of(kDestinationOptions, {6, 0, 0, 0, 0, 0, 0, 1})).verdict ==
        Ipv6Verdict::kDrop);
}

TEST_CASE("more extension headers than anybody needs are too many") {
  std::vector<std::byte> packet(40 + 9 * 8 + 4);
  Ipv6Header header;
  header.next_header = kDestinationOptions;
  header.payload_length = static_cast<uint16_t>(packet.size() - 40);
  header.emit(packet.data());
  const auto chain = [&](unsigned count) {
    for (unsigned i = 0; i < 9; ++i) {
      std::byte* const at = &packet[40 + i * 8];
      at[0] = std::byte{i + 1 < count ? kDestinationOptions : kTcp};
      at[2] = std::byte{1};
      at[3] = std::byte{4};
    }
    return find(packet).verdict;
  };
  CHECK(chain(8) == Ipv6Verdict::kPayload);
  CHECK(chain(9) == Ipv6Verdict::kDrop);
}

TEST_CASE("no bytes make the walk read outside, and what it finds lies inside") {
  std::mt19937 random(4);
  constexpr uint8_t kHeaders[] = {0, 6, 43, 44, 59, 60};
  for (int round = 0; round < 200'000; ++round) {
    std::vector<std::byte> packet(40 + random() % 80);
    for (std::byte& byte : packet) byte = static_cast<std::byte>(random() % 4 == 0 ? random() : 0);
    Ipv6Header header;
    header.next_header = kHeaders[random() % 6];
    header.payload_length = static_cast<uint16_t>(packet.size() - 40);
    header.emit(packet.data());
    for (size_t at = 40; at < packet.size(); at += 8)
      packet[at] = std::byte{kHeaders[random() % 6]};
    const Ipv6Payload found = find(packet);
    if (found.verdict == Ipv6Verdict::kPayload || found.verdict == Ipv6Verdict::kFragment)
      REQUIRE(size_t{found.offset} + found.length == packet.size());
    REQUIRE(found.pointer < packet.size());
  }
}

}  // namespace
}  // namespace plumbline::net
