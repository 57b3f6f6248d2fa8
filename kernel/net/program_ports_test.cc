// What an interface does for programs' sockets: any port, broadcasts, closed ports, headers of
// their own, neighbours that stay known.
#include <doctest/doctest.h>

#include "net/interface.hh"
#include "net/test_network.hh"

namespace plumbline::net {
namespace {

struct Received {
  UdpEndpoint source, destination;
  std::string payload;
};

struct ProgramTestNetwork : TestNetwork {
  static InterfaceConfiguration with_broadcast() {
    auto configuration = standard();
    configuration.accept_broadcast = true;
    return configuration;
  }
  explicit ProgramTestNetwork(const InterfaceConfiguration& configuration = with_broadcast())
      : TestNetwork(configuration) {
    interface.set_default_handler(
        {.receive =
             [](void* self, const UdpDatagram& datagram, UdpResponder& responder) {
               static_cast<ProgramTestNetwork*>(self)->take(datagram, responder);
             },
         .context = this});
    interface.set_udp_error_handler({[](void* self, const IcmpError& error) {
                                       auto& net = *static_cast<ProgramTestNetwork*>(self);
                                       net.errors.push_back(error);
                                       return net.knows_socket;
                                     },
                                     this});
  }
  void take(const UdpDatagram& datagram, UdpResponder& responder) {
    if (datagram.destination.port == closed_port) {
      responder.refuse();
      return;
    }
    received.push_back({datagram.source, datagram.destination, text_of(datagram.payload)});
  }
  void know_peer() {
    feed(arp_frame({ArpPacket::kReply, kPeerMac, kPeerAddress, kGuestMac, kGuestAddress},
                   kGuestMac));
    (void)sent();
  }

  uint16_t closed_port = 9;
  std::vector<Received> received;
  std::vector<IcmpError> errors;
  bool knows_socket = true;
};

TEST_CASE("the default handler gets every port that is not bound") {
  ProgramTestNetwork net;
  int bound = 0;
  REQUIRE(net.interface.bind(7, {.receive = [](void* count, const UdpDatagram&,
                                               UdpResponder&) { ++*static_cast<int*>(count); },
                                 .context = &bound}));
  net.feed(udp_frame(1000, 7, "a"));
  net.feed(udp_frame(1000, 8, "b"));
  net.feed(udp_frame(1001, 65535, "c"));
  CHECK(bound == 1);
  REQUIRE(net.received.size() == 2);
  CHECK(net.received[0].payload == "b");
  CHECK(net.received[0].source == UdpEndpoint{kPeerAddress, 1000});
  CHECK(net.received[1].destination == UdpEndpoint{kGuestAddress, 65535});
  CHECK(net.sent().empty());
  CHECK(net.pool.in_use() == 0);
}

TEST_CASE("a refused datagram is answered with port unreachable") {
  ProgramTestNetwork net;
  net.feed(udp_frame(1000, 9, "nobody"));
  const auto sent = net.sent();
  REQUIRE(sent.size() == 1);
  const auto packet = std::span(sent[0]).subspan(EthernetHeader::kSize);
  const auto ip = Ipv4Header::parse(packet);
  REQUIRE(ip);
  CHECK(ip->protocol == Ipv4Header::kIcmp);
  const auto icmp = IcmpHeader::parse(packet.subspan(ip->header_length));
  REQUIRE(icmp);
  CHECK(icmp->type == IcmpHeader::kDestinationUnreachable);
  CHECK(icmp->code == IcmpHeader::kCodePortUnreachable);
  CHECK(net.interface.statistics().no_port == 1);
  CHECK(net.interface.statistics().udp_received == 0);
  CHECK(net.pool.in_use() == 0);
}

TEST_CASE("broadcasts are taken where that is wanted, and never refused") {
  for (const Ipv4Address to : {Ipv4Address::of(10, 9, 0, 255), Ipv4Address{~uint32_t{0}}}) {
    FrameOptions broadcast;
    broadcast.destination = MacAddress::broadcast();
    broadcast.to = to;
    ProgramTestNetwork net;
    net.feed(udp_frame(1, 5, "all", broadcast));
    net.feed(udp_frame(1, 9, "closed", broadcast));
    REQUIRE(net.received.size() == 1);
    CHECK(net.received[0].destination.address == to);
    CHECK(net.sent().empty());
    CHECK(net.pool.in_use() == 0);

    // A unicast packet in a broadcast frame is not for us, nor a broadcast packet in a unicast one.
    broadcast.to = kGuestAddress;
    net.feed(udp_frame(1, 5, "x", broadcast));
    FrameOptions unicast;
    unicast.to = to;
    net.feed(udp_frame(1, 5, "x", unicast));
    CHECK(net.received.size() == 1);

    ProgramTestNetwork deaf(TestNetwork::standard());
    broadcast.to = to;
    deaf.feed(udp_frame(1, 5, "all", broadcast));
    CHECK(deaf.received.empty());
  }
}

TEST_CASE("a broadcast is sent to everybody without asking") {
  ProgramTestNetwork net;
  REQUIRE(net.interface.send_udp(5, {Ipv4Address::of(10, 9, 0, 255), 6}, bytes_of("all"), net.out));
  net.out.flush();
  const auto sent = net.sent();
  REQUIRE(sent.size() == 1);
  const auto datagram = parse_sent(sent[0]);
  REQUIRE(datagram);
  CHECK(datagram->to_mac == MacAddress::broadcast());
  CHECK(datagram->payload == "all");
}

// An ICMP message about a datagram from port 40000 of ours to port 9 of `remote`.
Frame icmp_message(const IcmpHeader& header, Ipv4Address remote, size_t quoted_payload = 8) {
  const Frame quoted = udp_segment(40000, 9, bytes_of("lost"));
  Ipv4Header ip;
  ip.total_length = static_cast<uint16_t>(Ipv4Header::kSize + quoted.size());
  ip.protocol = Ipv4Header::kUdp;
  ip.source = kGuestAddress;
  ip.destination = remote;
  Frame message(IcmpHeader::kSize + Ipv4Header::kSize + quoted_payload);
  ip.emit(message.data() + IcmpHeader::kSize);
  std::memcpy(message.data() + IcmpHeader::kSize + Ipv4Header::kSize, quoted.data(),
              quoted_payload);
  header.emit(message);
  return message;
}

TEST_CASE("an ICMP message about a closed port names both ends") {
  ProgramTestNetwork net;
  constexpr IcmpHeader kClosed{IcmpHeader::kDestinationUnreachable,
                               IcmpHeader::kCodePortUnreachable, 0};
  const Frame message = icmp_message(kClosed, kPeerAddress);
  net.feed(ipv4_frame(Ipv4Header::kIcmp, message));
  REQUIRE(net.errors.size() == 1);
  CHECK(net.errors[0].error == Errno::kECONNREFUSED);
  CHECK(net.errors[0].hard);
  CHECK(net.errors[0].local == IpAddress::of(kGuestAddress));
  CHECK(net.errors[0].local_port == 40000);
  CHECK(net.errors[0].remote == IpAddress::of(kPeerAddress));
  CHECK(net.errors[0].remote_port == 9);
  CHECK(net.pool.in_use() == 0);

  // No shorter message says enough, and none is read beyond its end.
  for (size_t length = IcmpHeader::kSize; length < message.size(); ++length) {
    CAPTURE(length);
    Frame cut(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(length));
    kClosed.emit(cut);
    net.feed(ipv4_frame(Ipv4Header::kIcmp, cut));
    CHECK(net.errors.size() == 1);
  }
  CHECK(net.pool.in_use() == 0);
}

TEST_CASE("a path that is narrower than the link: datagrams to there are fragmented to its size") {
  PathMtus path_mtus;
  auto configuration = ProgramTestNetwork::with_broadcast();
  configuration.path_mtus = &path_mtus;
  ProgramTestNetwork net(configuration);
  const Ipv4Address far = Ipv4Address::of(192, 0, 2, 7);
  net.feed(arp_frame({ArpPacket::kReply, kPeerMac, configuration.gateway, kGuestMac, kGuestAddress},
                     kGuestMac));
  (void)net.sent();
  const auto packets = [&](Ipv4Address to) {
    const std::string payload(1400, 'x');
    REQUIRE(net.interface.send_udp(40000, {to, 9}, bytes_of(payload), net.out));
    net.out.flush();
    return net.sent().size();
  };
  constexpr IcmpHeader kTooBig{IcmpHeader::kDestinationUnreachable, 4, 1000};
  CHECK(packets(far) == 1);
  // What nobody here can have sent is not believed.
  net.knows_socket = false;
  net.feed(ipv4_frame(Ipv4Header::kIcmp, icmp_message(kTooBig, far)));
  CHECK(packets(far) == 1);
  net.knows_socket = true;
  net.feed(ipv4_frame(Ipv4Header::kIcmp, icmp_message(kTooBig, far)));
  CHECK(net.errors.back().error == Errno::kEMSGSIZE);
  CHECK(net.interface.path_mtu(IpAddress::of(far)) == 1000);
  CHECK(packets(far) == 2);
  CHECK(packets(Ipv4Address::of(192, 0, 2, 8)) == 1);
  // To a neighbour there is no path.
  net.know_peer();
  net.feed(ipv4_frame(Ipv4Header::kIcmp, icmp_message(kTooBig, kPeerAddress)));
  CHECK(packets(kPeerAddress) == 1);
  TestNetwork::time_ns += PathMtus::kLifetime;
  net.feed(arp_frame({ArpPacket::kReply, kPeerMac, configuration.gateway, kGuestMac, kGuestAddress},
                     kGuestMac));
  (void)net.sent();
  CHECK(packets(far) == 1);
  CHECK(net.pool.in_use() == 0);
}

TEST_CASE("time to live and type of service of one datagram") {
  ProgramTestNetwork net;
  net.know_peer();
  const UdpSendOptions options{.time_to_live = 3, .type_of_service = 0x10};
  const std::string large(4000, 'x');
  for (const std::string_view payload : {std::string_view("x"), std::string_view(large)}) {
    REQUIRE(net.interface.send_udp(5, {kPeerAddress, 6}, bytes_of(payload), net.out, options));
    net.out.flush();
    const auto sent = net.sent();
    REQUIRE(sent.size() == (payload.size() == 1 ? 1 : 3));
    for (const Frame& frame : sent) {
      const auto packet = std::span(frame).subspan(EthernetHeader::kSize);
      // parse() checks the header's checksum.
      REQUIRE(Ipv4Header::parse(packet));
      CHECK(static_cast<int>(packet[1]) == 0x10);
      CHECK(static_cast<int>(packet[8]) == 3);
    }
  }
}

TEST_CASE("a neighbour in use is asked again before it is forgotten") {
  ProgramTestNetwork net;
  TestNetwork::time_ns = 1;
  net.know_peer();
  const auto send = [&] {
    CHECK(net.interface.send_udp(5, {kPeerAddress, 6}, bytes_of("x"), net.out));
    net.out.flush();
    return net.sent();
  };
  CHECK(send().size() == 1);
  TestNetwork::time_ns = ArpTable::kLifetime / 2 + 2;
  const auto with_question = send();
  REQUIRE(with_question.size() == 2);
  const auto ethernet = EthernetHeader::parse(with_question[0]);
  REQUIRE(ethernet);
  CHECK(ethernet->type == EthernetHeader::kArp);
  CHECK(parse_sent(with_question[1]));
  // Once a second, and no more once it has answered.
  CHECK(send().size() == 1);
  TestNetwork::time_ns += ArpTable::kRetryInterval;
  CHECK(send().size() == 2);
  net.know_peer();
  TestNetwork::time_ns += ArpTable::kRetryInterval;
  CHECK(send().size() == 1);
  TestNetwork::time_ns = 0;
}

}  // namespace
}  // namespace plumbline::net
