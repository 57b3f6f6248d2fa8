#include "net/interface.hh"

#include <doctest/doctest.h>

#include "net/test_echo.hh"

namespace plumbline::net {
namespace {

TEST_CASE("a datagram is echoed in its own buffer, with correct headers") {
  for (const bool offload : {false, true}) {
    auto configuration = EchoNetwork::standard();
    configuration.transmit_checksum = offload;
    EchoNetwork net(configuration);
    for (const size_t length : {0, 1, 2, 7, 8, 100, 1471, 1472}) {
      CAPTURE(length);
      const std::string text = pattern(length);
      PacketBuffer* const buffer = net.load(udp_frame(4000, 7, text));
      net.interface.receive(buffer, net.out);
      REQUIRE(net.out.size() == 1);
      CHECK(buffer->references == 1);
      CHECK((buffer->checksum == ChecksumState::kPartial) == offload);
      net.out.flush();
      const auto sent = net.sent();
      REQUIRE(sent.size() == 1);
      const auto answer = parse_sent(sent[0]);
      REQUIRE(answer);
      CHECK(answer->payload == text);
      CHECK(answer->to_mac == kPeerMac);
      CHECK(answer->to == kPeerAddress);
      CHECK(answer->source_port == 7);
      CHECK(answer->destination_port == 4000);
      CHECK(answer->checksummed);
      CHECK(net.pool.in_use() == 0);
    }
  }
}

TEST_CASE("IPv4 options are accepted and not sent back") {
  EchoNetwork net;
  FrameOptions options;
  for (options.option_bytes = 4; options.option_bytes <= 40; options.option_bytes += 4) {
    net.feed(udp_frame(4000, 7, "with options", options));
    const auto sent = net.sent();
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].size() == Interface::kUdpHeaders + 12);
    const auto answer = parse_sent(sent[0]);
    REQUIRE(answer);
    CHECK(answer->payload == "with options");
  }
  CHECK(net.pool.in_use() == 0);
}

TEST_CASE("UDP checksums: zero is none, wrong is dropped, the device's word counts") {
  EchoNetwork net;
  net.feed(udp_frame(1, 7, "none", {.checksum = false}));
  CHECK(net.sent().size() == 1);
  Frame wrong = udp_frame(1, 7, "wrong");
  wrong.back() ^= std::byte{1};
  net.feed(wrong);
  CHECK(net.sent().empty());
  CHECK(net.interface.statistics().bad_checksum == 1);
  net.feed(wrong, ChecksumState::kValid);
  CHECK(net.sent().size() == 1);

  auto configuration = EchoNetwork::standard();
  configuration.udp_checksum = UdpChecksum::kZero;
  EchoNetwork zero(configuration);
  zero.feed(udp_frame(1, 7, "zero"));
  const auto sent = zero.sent();
  REQUIRE(sent.size() == 1);
  REQUIRE(parse_sent(sent[0]));
  CHECK_FALSE(parse_sent(sent[0])->checksummed);
}

TEST_CASE("a computed checksum of zero is sent as 0xffff") {
  // Two bytes of payload run through all values, so one of the sums is 0xffff.
  EchoNetwork net;
  bool seen = false;
  for (unsigned value = 0; value < 65536; ++value) {
    const char text[] = {static_cast<char>(value >> 8), static_cast<char>(value)};
    net.feed(udp_frame(9, 7, {text, 2}));
    const auto sent = net.sent();
    REQUIRE(sent.size() == 1);
    const uint16_t checksum =
        load_be16(sent[0].data() + EthernetHeader::kSize + Ipv4Header::kSize + 6);
    REQUIRE(checksum != 0);
    seen |= checksum == 0xffff;
  }
  CHECK(seen);
}

TEST_CASE("what is not for us is dropped and counted") {
  EchoNetwork net;
  FrameOptions other_mac;
  other_mac.destination = MacAddress{{2, 0, 0, 0, 0, 9}};
  net.feed(udp_frame(1, 7, "x", other_mac));
  FrameOptions broadcast;
  broadcast.destination = MacAddress::broadcast();
  net.feed(udp_frame(1, 7, "x", broadcast));
  FrameOptions other_ip;
  other_ip.to = Ipv4Address::of(10, 9, 0, 3);
  net.feed(udp_frame(1, 7, "x", other_ip));
  for (const Ipv4Address martian :
       {Ipv4Address{}, kGuestAddress, Ipv4Address::of(127, 0, 0, 1), Ipv4Address::of(224, 0, 0, 1),
        Ipv4Address::of(255, 255, 255, 255), Ipv4Address::of(10, 9, 0, 255)}) {
    FrameOptions from;
    from.from = martian;
    net.feed(udp_frame(1, 7, "x", from));
  }
  CHECK(net.sent().empty());
  CHECK(net.interface.statistics().not_for_us == 9);
  CHECK(net.pool.in_use() == 0);
}

TEST_CASE("truncated frames of every length are dropped") {
  EchoNetwork net;
  const Frame frame = udp_frame(1, 7, "some payload");
  for (size_t length = 0; length < frame.size(); ++length) net.feed(std::span(frame).first(length));
  CHECK(net.sent().empty());
  CHECK(net.interface.statistics().malformed == frame.size());
  CHECK(net.pool.in_use() == 0);
}

TEST_CASE("Ethernet padding is not data") {
  EchoNetwork net;
  Frame frame = udp_frame(1, 7, "ab");
  frame.resize(60, std::byte{0xee});
  net.feed(frame);
  const auto sent = net.sent();
  REQUIRE(sent.size() == 1);
  REQUIRE(parse_sent(sent[0]));
  CHECK(parse_sent(sent[0])->payload == "ab");
}

TEST_CASE("a chained frame is dropped whole") {
  EchoNetwork net;
  PacketBuffer* const first = net.load(udp_frame(1, 7, "x"));
  first->next = net.load(udp_frame(1, 7, "y"));
  net.interface.receive(first, net.out);
  CHECK(net.out.size() == 0);
  CHECK(net.interface.statistics().chained == 1);
  CHECK(net.pool.in_use() == 0);
}

TEST_CASE("an unbound port is answered with port unreachable, at a limited rate") {
  EchoNetwork net;
  TestNetwork::time_ns = 5'000'000'000;
  const Frame request = udp_frame(4000, 9999, "nobody");
  net.feed(request);
  const auto sent = net.sent();
  REQUIRE(sent.size() == 1);
  const auto packet = std::span(sent[0]).subspan(EthernetHeader::kSize);
  const auto ip = Ipv4Header::parse(packet);
  REQUIRE(ip);
  CHECK(ip->protocol == Ipv4Header::kIcmp);
  const auto message = packet.subspan(ip->header_length);
  const auto icmp = IcmpHeader::parse(message);
  REQUIRE(icmp);
  CHECK(icmp->type == 3);
  CHECK(icmp->code == 3);
  const auto quoted = message.subspan(IcmpHeader::kSize);
  REQUIRE(quoted.size() == 28);
  CHECK(std::equal(quoted.begin(), quoted.end(), request.begin() + 14));
  for (int i = 0; i < 5000; ++i) net.feed(request);
  CHECK(net.sent().size() < 1001);
  TestNetwork::time_ns += 2'000'000'000;
  net.feed(request);
  CHECK(net.sent().size() == 1);
  CHECK(net.pool.in_use() == 0);
}

TEST_CASE("ports are bound once") {
  EchoNetwork net;
  CHECK_FALSE(net.interface.bind(7, echo::kHandler));
  CHECK_FALSE(net.interface.bind(0, echo::kHandler));
  for (uint16_t port = 100; port < 107; ++port) CHECK(net.interface.bind(port, echo::kHandler));
  CHECK_FALSE(net.interface.bind(200, echo::kHandler));
}

TEST_CASE("a burst runs in three passes and keeps the order") {
  struct Recorder {
    std::string log;
  } recorder;
  TestNetwork net;
  net.interface.bind(9, {[](void* self, const UdpDatagram& datagram, UdpResponder& responder) {
                           static_cast<Recorder*>(self)->log +=
                               "r" + std::to_string(datagram.hint) + text_of(datagram.payload);
                           responder.reply_in_place(datagram.payload.size());
                         },
                         &recorder,
                         [](void* self, std::span<const std::byte> payload) -> uint64_t {
                           static_cast<Recorder*>(self)->log += "p" + text_of(payload);
                           return static_cast<uint64_t>(payload[0]) - '0';
                         },
                         [](void* self, uint64_t hint) {
                           static_cast<Recorder*>(self)->log += "f" + std::to_string(hint);
                         }});
  PacketBuffer* burst[] = {net.load(udp_frame(1, 9, "1")), net.load(udp_frame(1, 9, "2"))};
  net.interface.receive(burst, net.out);
  net.out.flush();
  CHECK(recorder.log == "p1p2f1f2r11r22");
  CHECK(net.sent().size() == 2);
  // More frames than one burst or one Transmit holds.
  std::vector<PacketBuffer*> many;
  for (int i = 0; i < 200; ++i) many.push_back(net.load(udp_frame(1, 9, "3")));
  net.interface.receive(many, net.out);
  net.out.flush();
  CHECK(net.sent().size() == 200);
  CHECK(net.pool.in_use() == 0);
}

}  // namespace
}  // namespace plumbline::net
