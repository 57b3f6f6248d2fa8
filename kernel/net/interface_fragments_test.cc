#include <doctest/doctest.h>

#include <random>

#include "net/interface.hh"
#include "net/test_echo.hh"

namespace plumbline::net {
namespace {

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

}  // namespace
}  // namespace plumbline::net
