// What an interface that speaks IPv6 answers and sends.
#include <doctest/doctest.h>

#include "net/ip/test_link.hh"

namespace plumbline::net {
namespace {

using namespace icmpv6_types;

std::vector<SentPacket> sent(TestLink& link) {
  std::vector<SentPacket> packets;
  for (const Frame& frame : link.net.sent()) {
    const auto packet = parse_sent6(frame);
    REQUIRE(packet);
    packets.push_back(*packet);
  }
  return packets;
}
uint8_t type_of(const SentPacket& packet) { return static_cast<uint8_t>(packet.payload.at(0)); }

void introduce_peer(TestLink& link) {
  link.net.feed(icmpv6_frame(solicitation(kGuest6, kPeerMac), {.to = solicited_node(kGuest6)}));
  (void)link.net.sent();
}

TEST_CASE("at first: groups are reported, addresses probed, routers asked for") {
  TestLink link;
  link.tick();
  const auto packets = sent(link);
  REQUIRE(packets.size() == 4);
  CHECK(type_of(packets[0]) == 143);
  CHECK(packets[0].ip.hop_limit == 1);
  CHECK(type_of(packets[1]) == kRouterSolicitation);
  for (const size_t i : {size_t{2}, size_t{3}}) {
    CHECK(type_of(packets[i]) == kNeighbourSolicitation);
    CHECK(packets[i].ip.source.is_unspecified());
    CHECK(packets[i].ip.hop_limit == 255);
    const IpAddress target = IpAddress::load_v6(&packets[i].payload[8]);
    CHECK(target == (i == 2 ? kGuest6 : kGlobal6));
    CHECK(packets[i].ip.destination == solicited_node(target));
    CHECK(packets[i].mac == multicast_mac(solicited_node(target)));
  }
  link.tick();
  CHECK(link.host.state().find_own(kGlobal6)->unique);
  for (int i = 0; i < 20; ++i) link.tick();
  // Three questions for a router in all, and then silence.
  CHECK(sent(link).size() == 2);
  CHECK_FALSE(link.net.interface.busy());
}

TEST_CASE("an address that another station has is given up") {
  for (const bool asks : {false, true}) {
    TestLink link;
    link.tick();
    if (asks) {
      link.net.feed(
          icmpv6_frame(solicitation(kGlobal6, {}), {.from = {}, .to = solicited_node(kGlobal6)}));
    } else {
      link.net.feed(
          icmpv6_frame(advertisement({kGlobal6, kPeerMac, false, false, true}), {.to = kAllNodes}));
    }
    CHECK(link.host.state().find_own(kGlobal6) == nullptr);
    CHECK(link.host.take_duplicate() == kGlobal6);
    CHECK_FALSE(link.host.take_duplicate());
    CHECK(link.host.state().find_own(kGuest6) != nullptr);
  }
  // Later nobody takes one away.
  TestLink link;
  link.settle();
  link.net.feed(
      icmpv6_frame(advertisement({kGlobal6, kPeerMac, false, false, true}), {.to = kAllNodes}));
  CHECK(link.host.state().find_own(kGlobal6) != nullptr);
}

TEST_CASE("who asks where we are is told") {
  TestLink link;
  link.settle();
  link.net.feed(icmpv6_frame(solicitation(kGlobal6, kPeerMac), {.to = solicited_node(kGlobal6)}));
  auto packets = sent(link);
  REQUIRE(packets.size() == 1);
  CHECK(packets[0].mac == kPeerMac);
  CHECK(packets[0].ip.source == kGlobal6);
  CHECK(packets[0].ip.destination == kPeer6);
  const auto told = parse_neighbour_advertisement(packets[0].ip, packets[0].payload);
  REQUIRE(told);
  CHECK(told->solicited);
  CHECK(told->overrides);
  CHECK(told->mac == kGuestMac);
  CHECK(told->target == kGlobal6);
  CHECK(link.net.interface.ipv6()->neighbours().state(kPeer6) == Neighbours::State::kStale);
  // Whoever probes one of ours is told by a message to all.
  link.net.feed(
      icmpv6_frame(solicitation(kGlobal6, {}), {.from = {}, .to = solicited_node(kGlobal6)}));
  packets = sent(link);
  REQUIRE(packets.size() == 1);
  CHECK(packets[0].ip.destination == kAllNodes);
  CHECK_FALSE(parse_neighbour_advertisement(packets[0].ip, packets[0].payload)->solicited);
  // From beyond a router, for others, or with a wrong checksum: silence.
  link.net.feed(icmpv6_frame(solicitation(kGlobal6, kPeerMac), {.to = kGlobal6, .hop_limit = 254}));
  link.net.feed(icmpv6_frame(solicitation(kPeer6, kPeerMac), {.to = kGuest6}));
  Frame wrong = icmpv6_frame(solicitation(kGlobal6, kPeerMac), {.to = kGlobal6});
  wrong.back() ^= std::byte{1};
  link.net.feed(wrong);
  CHECK(link.net.sent().empty());
  CHECK(link.net.pool.in_use() == 0);
}

TEST_CASE("ping over IPv6, whole and in fragments") {
  TestLink link;
  link.settle();
  Frame echo(8 + 56, std::byte{0x5a});
  echo[0] = std::byte{kEcho};
  echo[1] = std::byte{0};
  link.net.feed(icmpv6_frame(echo));
  auto packets = sent(link);
  REQUIRE(packets.size() == 1);
  CHECK(type_of(packets[0]) == kEchoReply);
  CHECK(packets[0].ip.source == kGuest6);
  CHECK(packets[0].payload.size() == echo.size());
  CHECK(text_of(std::span(packets[0].payload).subspan(4)) == text_of(std::span(echo).subspan(4)));
  // To all nodes: answered from an address of ours.
  link.net.feed(icmpv6_frame(echo, {.to = kAllNodes}));
  packets = sent(link);
  REQUIRE(packets.size() == 1);
  CHECK(packets[0].ip.source == kGuest6);

  // 3,000 bytes in three pieces.
  introduce_peer(link);
  Frame large(3000, std::byte{0x42});
  large[0] = std::byte{kEcho};
  large[1] = std::byte{0};
  const Frame whole = icmpv6_frame(large);
  const auto message = std::span(whole).subspan(Ipv6Layer::kHeaders);
  for (const size_t from : {size_t{2400}, size_t{0}, size_t{1200}}) {
    const size_t length = std::min<size_t>(1200, message.size() - from);
    Frame piece(8 + length);
    piece[0] = std::byte{ipv6_headers::kIcmp};
    store_be16(piece.data() + 2, static_cast<uint16_t>(from | (from == 2400 ? 0 : 1)));
    store_be32(piece.data() + 4, 77);
    std::memcpy(piece.data() + 8, message.data() + from, length);
    link.net.feed(ipv6_frame(ipv6_headers::kFragment, piece));
  }
  packets = sent(link);
  REQUIRE(packets.size() == 3);
  Frame answer;
  for (const SentPacket& packet : packets) {
    CHECK(packet.fragment);
    CHECK(packet.mac == kPeerMac);
    CHECK(packet.ip.payload_length <= 1460);
    answer.insert(answer.end(), packet.payload.begin(), packet.payload.end());
  }
  REQUIRE(answer.size() == 3000);
  CHECK(answer[0] == std::byte{kEchoReply});
  CHECK(finish_checksum(
            sum_bytes(answer, ipv6_pseudo_sum(kGuest6, kPeer6, ipv6_headers::kIcmp, 3000))) == 0);
  CHECK(link.net.pool.in_use() == 0);
}

TEST_CASE("fragments that overlap lose the datagram (RFC 5722)") {
  TestLink link;
  link.settle();
  const Frame segment = udp6_segment(5, 7, std::string(40, 'x'));
  const auto feed = [&](size_t from, size_t length, bool more) {
    Frame piece(8 + length);
    piece[0] = std::byte{ipv6_headers::kUdp};
    store_be16(piece.data() + 2, static_cast<uint16_t>(from | (more ? 1 : 0)));
    store_be32(piece.data() + 4, 5);
    std::memcpy(piece.data() + 8, segment.data() + from, length);
    link.net.feed(ipv6_frame(ipv6_headers::kFragment, piece));
  };
  feed(0, 24, true);
  feed(16, 16, true);
  feed(24, 24, false);
  CHECK(link.received.empty());
  // The rest of the second attempt completes nothing of the first.
  TestNetwork::time_ns += Reassembler::kTimeout + 1;
  link.tick();
  feed(0, 24, true);
  feed(24, 24, false);
  CHECK(link.received.size() == 1);
  CHECK(link.net.pool.in_use() == 0);
}

TEST_CASE("UDP: taken, refused, and refused silently") {
  TestLink link;
  link.settle();
  link.net.feed(ipv6_frame(ipv6_headers::kUdp, udp6_segment(5, 7, "hello")));
  REQUIRE(link.received.size() == 1);
  CHECK(link.received[0] == "hello");
  Frame none = udp6_segment(5, 7, "no checksum");
  store_be16(none.data() + 6, 0);
  link.net.feed(ipv6_frame(ipv6_headers::kUdp, none));
  CHECK(link.received.size() == 1);
  CHECK(link.net.sent().empty());

  const Frame refused = ipv6_frame(ipv6_headers::kUdp, udp6_segment(5, 8, "nobody"));
  link.net.feed(refused);
  const auto packets = sent(link);
  REQUIRE(packets.size() == 1);
  CHECK(type_of(packets[0]) == kDestinationUnreachable);
  CHECK(packets[0].payload[1] == std::byte{4});
  CHECK(text_of(std::span(packets[0].payload).subspan(8)) ==
        text_of(std::span(refused).subspan(EthernetHeader::kSize)));
  const Ipv6FrameOptions group{.to = kAllNodes};
  link.net.feed(ipv6_frame(ipv6_headers::kUdp, udp6_segment(5, 8, "all", group), group));
  CHECK(link.net.sent().empty());
  // An unknown header is a problem that the sender is told of.
  link.net.feed(ipv6_frame(200, bytes_of("?")));
  const auto problem = sent(link);
  REQUIRE(problem.size() == 1);
  CHECK(type_of(problem[0]) == kParameterProblem);
  CHECK(load_be32(&problem[0].payload[4]) == 6);
  CHECK(link.net.pool.in_use() == 0);
}

TEST_CASE("a datagram waits for its neighbour, who is asked again while it is used") {
  TestLink link;
  link.settle();
  const std::string text = "to a neighbour";
  const Udp6Datagram datagram{kGuest6, kPeer6, 5, 9, 64, 0, bytes_of(text)};
  const auto send = [&] {
    const bool taken = link.net.interface.send_udp6(datagram, link.net.out);
    link.net.out.flush();
    return taken;
  };
  CHECK(send());
  auto packets = sent(link);
  REQUIRE(packets.size() == 1);
  CHECK(type_of(packets[0]) == kNeighbourSolicitation);
  CHECK(packets[0].ip.destination == solicited_node(kPeer6));
  link.net.feed(icmpv6_frame(advertisement({kPeer6, kPeerMac, false, true, true})));
  packets = sent(link);
  REQUIRE(packets.size() == 1);
  CHECK(packets[0].mac == kPeerMac);
  CHECK(text_of(std::span(packets[0].payload).subspan(8)) == text);

  // 30 s later it is used once more, and asked 5 s after that whether it is still there.
  TestNetwork::time_ns += 31 * Neighbours::kSecond;
  CHECK(send());
  CHECK(sent(link).size() == 1);
  for (int i = 0; i < 4; ++i) link.tick();
  CHECK(sent(link).empty());
  link.tick();
  packets = sent(link);
  REQUIRE(packets.size() == 1);
  CHECK(packets[0].mac == kPeerMac);
  CHECK(packets[0].ip.destination == kPeer6);
  for (int i = 0; i < 3; ++i) link.tick();
  (void)link.net.sent();
  CHECK(link.net.interface.ipv6()->neighbours().state(kPeer6) == Neighbours::State::kFree);
  // Nobody answers: what waited is given back.
  CHECK(send());
  for (int i = 0; i < 5; ++i) link.tick();
  CHECK(sent(link).size() == 3);
  CHECK(link.net.pool.in_use() == 0);
}

Frame router_advertisement(uint16_t lifetime, uint32_t valid) {
  Frame message(16 + 32 + 8, std::byte{0});
  message[0] = std::byte{kRouterAdvertisement};
  message[4] = std::byte{61};
  store_be16(&message[6], lifetime);
  std::byte* const prefix = message.data() + 16;
  prefix[0] = std::byte{3};
  prefix[1] = std::byte{4};
  prefix[2] = std::byte{64};
  prefix[3] = std::byte{0xc0};
  store_be32(prefix + 4, valid);
  store_be32(prefix + 8, valid);
  IpAddress::of_v6(0x2001'0db8'0000'00aa, 0).store_v6(prefix + 16);
  std::byte* const mac = prefix + 32;
  mac[0] = std::byte{1};
  mac[1] = std::byte{1};
  kPeerMac.store(mac + 2);
  return message;
}

TEST_CASE("a router: an address by its prefix, a way to elsewhere, and their end") {
  TestLink link(Ipv6Configuration{});
  link.settle();
  const IpAddress far = IpAddress::of_v6(0x2001'0db8'ffff'0000, 1);
  CHECK_FALSE(link.net.interface.ipv6()->source_for(far));
  const Ipv6FrameOptions all{.to = kAllNodes};
  link.net.feed(icmpv6_frame(router_advertisement(1800, 7200), all));
  const IpAddress own = interface_identifier(kGuestMac, IpAddress::of_v6(0x2001'0db8'0000'00aa, 0));
  REQUIRE(link.host.state().find_own(own) != nullptr);
  CHECK(link.net.interface.ipv6()->source_for(far) == own);
  CHECK(link.host.state().next_hop(far, TestNetwork::time_ns) == kPeer6);
  const IpAddress near = IpAddress::of_v6(0x2001'0db8'0000'00aa, 99);
  CHECK(link.host.state().next_hop(near, TestNetwork::time_ns) == near);
  CHECK(link.host.state().hop_limit == 61);
  link.settle();
  CHECK(link.host.state().find_own(own)->unique);
  // Packets go to the router, whose address came with its message.
  CHECK(link.net.interface.send_udp6({own, far, 5, 9, 64, 0, {}}, link.net.out));
  link.net.out.flush();
  auto packets = sent(link);
  REQUIRE(packets.size() == 1);
  CHECK(packets[0].mac == kPeerMac);

  // It says that another host is the better way.
  Frame redirect(40, std::byte{0});
  redirect[0] = std::byte{kRedirect};
  const IpAddress better = IpAddress::of_v6(0xfe80'0000'0000'0000, 0x77);
  better.store_v6(&redirect[8]);
  far.store_v6(&redirect[24]);
  link.net.feed(icmpv6_frame(redirect, {.from = better}));
  CHECK(link.host.state().next_hop(far, TestNetwork::time_ns) == kPeer6);
  link.net.feed(icmpv6_frame(redirect));
  CHECK(link.host.state().next_hop(far, TestNetwork::time_ns) == better);

  // An MTU that is less than the link's, from beyond the router.
  Frame too_big(8 + Ipv6Header::kSize + 8, std::byte{0});
  too_big[0] = std::byte{kPacketTooBig};
  store_be32(&too_big[4], 1300);
  Ipv6Header quoted;
  quoted.payload_length = 1400;
  quoted.next_header = ipv6_headers::kUdp;
  quoted.source = own;
  quoted.destination = far;
  quoted.emit(&too_big[8]);
  link.net.feed(icmpv6_frame(too_big, {.from = far, .to = own, .hop_limit = 60}));
  REQUIRE(link.errors.size() == 1);
  CHECK(link.errors[0].mtu == 1300);
  CHECK(link.net.interface.path_mtu(far) == 1300);
  CHECK(link.net.interface.path_mtu(near) == 1500);

  // Its end, said and not said.
  link.net.feed(icmpv6_frame(router_advertisement(0, 7200), all));
  CHECK_FALSE(link.net.interface.ipv6()->source_for(IpAddress::of_v6(0x2001'0db8'eeee'0000, 1)));
  TestNetwork::time_ns += 7201 * Neighbours::kSecond;
  link.tick();
  CHECK(link.host.state().find_own(own) == nullptr);
  CHECK(link.net.pool.in_use() == 0);
}

}  // namespace
}  // namespace plumbline::net
