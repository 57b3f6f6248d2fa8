#include "net/interface.hh"

#include <doctest/doctest.h>

#include <random>

#include "apps/echo/echo.hh"
#include "net/test_network.hh"

namespace plumbline::net {
namespace {

struct EchoNetwork : TestNetwork {
  explicit EchoNetwork(const InterfaceConfiguration& configuration = standard(),
                       size_t buffers = 256, size_t slots = 4)
      : TestNetwork(configuration, buffers, slots) {
    REQUIRE(interface.bind(7, echo::kHandler));
  }
};

// What the frames carry, put together by an independent reassembly: a map of offsets.
Frame reassemble(const std::vector<Frame>& frames) {
  Frame payload;
  for (const Frame& frame : frames) {
    const auto packet = std::span(frame).subspan(EthernetHeader::kSize);
    CHECK(packet.size() <= 1500);
    const auto ip = Ipv4Header::parse(packet);
    REQUIRE(ip);
    CHECK(ip->fragment_offset == payload.size());
    CHECK(ip->more_fragments == (&frame != &frames.back()));
    const auto part = packet.subspan(ip->header_length, ip->payload_length());
    payload.insert(payload.end(), part.begin(), part.end());
  }
  return payload;
}

std::vector<Frame> fragments(uint8_t protocol, const Frame& payload, size_t step,
                             uint16_t identification = 77) {
  std::vector<Frame> result;
  for (size_t offset = 0; offset < payload.size(); offset += step) {
    const size_t length = std::min(step, payload.size() - offset);
    result.push_back(ipv4_frame(protocol, std::span(payload).subspan(offset, length), {},
                                identification, offset, offset + length < payload.size()));
  }
  return result;
}

std::string pattern(size_t length) {
  std::string text(length, ' ');
  for (size_t i = 0; i < length; ++i) text[i] = static_cast<char>('a' + (i * 7 + i / 26) % 26);
  return text;
}

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
      CHECK(buffer->in_use);
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

TEST_CASE("ping, whole and in fragments") {
  EchoNetwork net;
  for (const size_t length : {0, 1, 56, 1472, 1473, 4000, 65000}) {
    CAPTURE(length);
    Frame message(IcmpHeader::kSize + length);
    const std::string text = pattern(length);
    std::memcpy(message.data() + IcmpHeader::kSize, text.data(), length);
    IcmpHeader{IcmpHeader::kEcho, 0, 0x12340001}.emit(message);
    for (const Frame& fragment : fragments(Ipv4Header::kIcmp, message, 1480)) net.feed(fragment);
    const Frame answer = reassemble(net.sent());
    REQUIRE(answer.size() == message.size());
    const auto icmp = IcmpHeader::parse(answer);
    REQUIRE(icmp);
    CHECK(icmp->type == IcmpHeader::kEchoReply);
    CHECK(icmp->rest == 0x12340001);
    CHECK(text_of(std::span(answer).subspan(8)) == text);
  }
  CHECK(net.pool.in_use() == 0);
}

TEST_CASE("fragmented datagrams are put together in any order and echoed in fragments") {
  EchoNetwork net;
  std::mt19937 random(1);
  for (const size_t length : {1473, 3000, 30000, 65507}) {
    for (const size_t step : {size_t{8} * 64, size_t{1480}}) {
      CAPTURE(length);
      const std::string text = pattern(length);
      auto parts = fragments(Ipv4Header::kUdp, udp_segment(5, 7, bytes_of(text)), step);
      std::shuffle(parts.begin(), parts.end(), random);
      // Repeated data is ignored.
      parts.insert(parts.begin() + 1, parts[0]);
      for (const Frame& part : parts) net.feed(part);
      const auto sent = net.sent();
      if (parts.size() > 130) continue;  // more holes than are kept, possibly
      const Frame answer = reassemble(sent);
      REQUIRE(answer.size() == 8 + length);
      CHECK(udp_checksum_valid(answer, kGuestAddress, kPeerAddress));
      CHECK(text_of(std::span(answer).subspan(8)) == text);
    }
  }
  CHECK(net.pool.in_use() == 0);
}

// Two queues of one host have an interface each, and a peer puts both's fragments together.
TEST_CASE("interfaces with one address number their datagrams apart") {
  std::vector<uint16_t> used;
  for (unsigned queue = 0; queue < 3; ++queue) {
    InterfaceConfiguration configuration = TestNetwork::standard();
    configuration.queue = static_cast<uint16_t>(queue);
    configuration.queues = 3;
    EchoNetwork net(configuration);
    for (unsigned i = 0; i < 100; ++i) {
      for (const Frame& part :
           fragments(Ipv4Header::kUdp, udp_segment(5, 7, bytes_of(pattern(2000))), 1480))
        net.feed(part);
      const auto sent = net.sent();
      REQUIRE(sent.size() == 2);
      const auto ip = Ipv4Header::parse(std::span(sent[0]).subspan(EthernetHeader::kSize));
      REQUIRE(ip);
      used.push_back(ip->identification);
    }
  }
  std::sort(used.begin(), used.end());
  CHECK(std::adjacent_find(used.begin(), used.end()) == used.end());
}

TEST_CASE("an empty datagram in fragments is answered though it has no buffer of its own") {
  EchoNetwork net;
  Frame segment = udp_segment(5, 7, {});
  // More bytes than the UDP length says: it takes two fragments and still carries nothing.
  segment.resize(segment.size() + 8);
  for (const Frame& part : fragments(Ipv4Header::kUdp, segment, 8)) net.feed(part);
  const auto sent = net.sent();
  REQUIRE(sent.size() == 1);
  CHECK(reassemble(sent).size() == UdpHeader::kSize);
  CHECK(net.pool.in_use() == 0);
}

TEST_CASE("overlapping fragments lose the datagram") {
  EchoNetwork net;
  const Frame segment = udp_segment(5, 7, bytes_of(pattern(100)));
  const std::span<const std::byte> all(segment);
  net.feed(ipv4_frame(17, all.first(48), {}, 9, 0, true));
  net.feed(ipv4_frame(17, all.subspan(40, 40), {}, 9, 40, true));
  CHECK(net.interface.reassembler().statistics().malformed == 1);
  net.feed(ipv4_frame(17, all.subspan(80), {}, 9, 80, false));
  CHECK(net.sent().empty());
}

// A sender that counts from one again while the first datagram of that number still misses a part.
TEST_CASE("an identification used again: the newer datagram is answered, as it was sent") {
  EchoNetwork net;
  const auto older = fragments(17, udp_segment(5, 7, bytes_of(std::string(4000, 'x'))), 1480, 9);
  REQUIRE(older.size() == 3);
  const std::string text = pattern(3500);
  const auto newer = fragments(17, udp_segment(6, 7, bytes_of(text)), 1480, 9);
  REQUIRE(newer.size() == 3);
  const auto answered = [&](std::initializer_list<size_t> left_behind) {
    for (const size_t part : left_behind) net.feed(older[part]);
    CHECK(net.sent().empty());
    for (const Frame& part : newer) net.feed(part);
    const Frame answer = reassemble(net.sent());
    REQUIRE(answer.size() == 8 + text.size());
    CHECK(load_be16(answer.data() + 2) == 6);
    CHECK(text_of(std::span(answer).subspan(8)) == text);
    CHECK(net.interface.reassembler().pending() == 0);
  };
  answered({0});
  answered({0, 1});
  answered({0, 2});
  CHECK(net.interface.reassembler().statistics().replaced == 3);
  // What the newer one has already is not taken from it by a true repetition.
  net.feed(newer[2]);
  net.feed(newer[1]);
  net.feed(newer[2]);
  net.feed(newer[1]);
  net.feed(newer[0]);
  CHECK(reassemble(net.sent()).size() == 8 + text.size());
  CHECK(net.interface.reassembler().statistics().replaced == 3);
}

TEST_CASE("a fragment that contradicts the datagram's end is no repetition") {
  EchoNetwork net;
  const std::string text = pattern(100);
  const Frame segment = udp_segment(5, 7, bytes_of(text));
  const std::span<const std::byte> all(segment);
  const Reassembler& reassembler = net.interface.reassembler();
  // Behind the end that is known.
  net.feed(ipv4_frame(17, all.subspan(80), {}, 9, 80, false));
  net.feed(ipv4_frame(17, all.first(16), {}, 9, 160, true));
  CHECK(reassembler.statistics().replaced == 1);
  // An end where there is data already, and data that went on where the end is.
  net.feed(ipv4_frame(17, all.subspan(40, 40), {}, 10, 40, true));
  net.feed(ipv4_frame(17, all.subspan(40, 40), {}, 10, 40, false));
  CHECK(reassembler.statistics().replaced == 2);
  net.feed(ipv4_frame(17, all.subspan(40, 40), {}, 10, 40, true));
  CHECK(reassembler.statistics().replaced == 3);
  CHECK(reassembler.pending() == 2);
  CHECK(net.sent().empty());
  // The last of them began a datagram, which goes on.
  net.feed(ipv4_frame(17, all.first(40), {}, 10, 0, true));
  net.feed(ipv4_frame(17, all.subspan(80), {}, 10, 80, false));
  const Frame answer = reassemble(net.sent());
  REQUIRE(answer.size() == 108);
  CHECK(text_of(std::span(answer).subspan(8)) == text);
  CHECK(net.pool.in_use() == 0);
}

TEST_CASE("fragments: bad lengths, an end before data, beyond the largest datagram, timeout") {
  EchoNetwork net;
  const Frame data(64);
  const std::span<const std::byte> all(data);
  net.feed(ipv4_frame(17, all.first(63), {}, 1, 0, true));
  net.feed(ipv4_frame(17, {}, {}, 2, 0, true));
  net.feed(ipv4_frame(17, all, {}, 3, 65472, false));
  CHECK(net.interface.reassembler().pending() == 0);
  CHECK(net.interface.reassembler().statistics().malformed == 3);
  net.feed(ipv4_frame(17, all, {}, 4, 128, true));
  CHECK(net.interface.reassembler().pending() == 1);
  net.feed(ipv4_frame(17, all, {}, 4, 8, false));
  CHECK(net.interface.reassembler().pending() == 0);
  // More datagrams than slots: the oldest goes.
  for (uint16_t id = 10; id < 20; ++id) {
    ++TestNetwork::time_ns;
    net.feed(ipv4_frame(17, all, {}, id, 0, true));
  }
  CHECK(net.interface.reassembler().pending() == 4);
  CHECK(net.interface.reassembler().statistics().evicted == 6);
  TestNetwork::time_ns += Reassembler::kTimeout + 1;
  net.interface.tick(net.out);
  CHECK(net.interface.reassembler().pending() == 0);
  CHECK(net.pool.in_use() == 0);
}

TEST_CASE("a scrambled flood of fragments is cut off") {
  EchoNetwork net;
  const Frame data(8);
  for (size_t i = 0; i < 200; ++i) net.feed(ipv4_frame(17, data, {}, 5, i * 16, true));
  CHECK(net.interface.reassembler().statistics().malformed >= 1);
}

TEST_CASE("ARP: requests are answered, neighbours learnt, others' ignored") {
  EchoNetwork net;
  net.feed(arp_frame({ArpPacket::kRequest, kPeerMac, kPeerAddress, {}, kGuestAddress}));
  auto sent = net.sent();
  REQUIRE(sent.size() == 1);
  const auto reply = ArpPacket::parse(std::span(sent[0]).subspan(EthernetHeader::kSize));
  REQUIRE(reply);
  CHECK(reply->operation == ArpPacket::kReply);
  CHECK(reply->sender == kGuestAddress);
  CHECK(reply->sender_mac == kGuestMac);
  CHECK(reply->target == kPeerAddress);
  CHECK(reply->target_mac == kPeerMac);
  CHECK(EthernetHeader::parse(sent[0])->destination == kPeerMac);
  CHECK(net.interface.arp_table().lookup(kPeerAddress, TestNetwork::time_ns) == kPeerMac);

  const Ipv4Address other = Ipv4Address::of(10, 9, 0, 77);
  net.feed(arp_frame({ArpPacket::kRequest, kPeerMac, other, {}, Ipv4Address::of(10, 9, 0, 78)}));
  CHECK(net.sent().empty());
  CHECK_FALSE(net.interface.arp_table().lookup(other, TestNetwork::time_ns));
  // An address probe (no sender address) is answered, not learnt.
  net.feed(arp_frame({ArpPacket::kRequest, kPeerMac, {}, {}, kGuestAddress}));
  CHECK(net.sent().size() == 1);
  CHECK(net.interface.arp_table().size() == 1);
  // Nobody becomes us.
  net.feed(arp_frame({ArpPacket::kReply, kPeerMac, kGuestAddress, kGuestMac, kGuestAddress}));
  CHECK(net.interface.arp_table().size() == 1);
  CHECK(net.pool.in_use() == 0);
}

TEST_CASE("sending resolves the neighbour, keeps a few frames meanwhile, and gives up") {
  EchoNetwork net;
  const UdpEndpoint to{Ipv4Address::of(10, 9, 0, 50), 53};
  CHECK(net.interface.send_udp(1000, to, bytes_of("one"), net.out));
  CHECK(net.interface.send_udp(1000, to, bytes_of("two"), net.out));
  CHECK(net.interface.send_udp(1000, to, bytes_of("three"), net.out));
  CHECK_FALSE(net.interface.send_udp(1000, to, bytes_of("four"), net.out));
  net.out.flush();
  auto sent = net.sent();
  REQUIRE(sent.size() == 1);
  CHECK(ArpPacket::parse(std::span(sent[0]).subspan(14))->target == to.address);
  CHECK(net.pool.in_use() == 3);
  const MacAddress mac{{2, 0, 0, 0, 0, 50}};
  net.feed(arp_frame({ArpPacket::kReply, mac, to.address, kGuestMac, kGuestAddress}, kGuestMac));
  sent = net.sent();
  REQUIRE(sent.size() == 3);
  CHECK(parse_sent(sent[0])->payload == "one");
  CHECK(parse_sent(sent[2])->payload == "three");
  CHECK(parse_sent(sent[1])->to_mac == mac);
  CHECK(net.pool.in_use() == 0);
  CHECK(net.interface.send_udp(1000, to, bytes_of(pattern(5000)), net.out));
  net.out.flush();
  CHECK(reassemble(net.sent()).size() == 5008);

  // Through the gateway, which never answers: three requests, then the frames are released.
  CHECK(net.interface.send_udp(1000, {Ipv4Address::of(1, 2, 3, 4), 53}, bytes_of("x"), net.out));
  net.out.flush();
  CHECK(net.sent().size() == 1);
  for (int i = 0; i < 5; ++i) {
    TestNetwork::time_ns += ArpTable::kSecond;
    net.interface.tick(net.out);
  }
  net.out.flush();
  CHECK(net.sent().size() == 2);
  CHECK(net.pool.in_use() == 0);
  // Entries age.
  TestNetwork::time_ns += ArpTable::kLifetime + 1;
  CHECK_FALSE(net.interface.arp_table().lookup(to.address, TestNetwork::time_ns));
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
