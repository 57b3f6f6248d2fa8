#include <doctest/doctest.h>

#include "net/emit_udp.hh"
#include "net/interface.hh"
#include "net/test_echo.hh"

namespace plumbline::net {
namespace {

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

// Writes `text` where it is told, or refuses.
struct Writer {
  std::string_view text;
  bool good = true;
  static std::byte* write(void* self, std::byte* to, size_t room) {
    const auto& writer = *static_cast<Writer*>(self);
    if (!writer.good || writer.text.size() > room) return nullptr;
    std::memcpy(to, writer.text.data(), writer.text.size());
    return to + writer.text.size();
  }
};

TEST_CASE("a datagram to a neighbour that was sent to before is made in one step") {
  EchoNetwork net;
  const UdpEndpoint to{Ipv4Address::of(10, 9, 0, 60), 53};
  const MacAddress mac{{2, 0, 0, 0, 0, 60}};
  const auto make = [&](Writer writer) {
    return net.interface.make_datagram(1000, to, Writer::write, &writer);
  };
  const auto learn = [&] {
    net.feed(arp_frame({ArpPacket::kReply, mac, to.address, kGuestMac, kGuestAddress}, kGuestMac));
  };
  const auto send = [&](std::string_view text) {
    CHECK(net.interface.send_udp(1000, to, bytes_of(text), net.out));
    net.out.flush();
  };
  CHECK(make({"nobody yet"}) == nullptr);
  learn();
  // Known, but not sent to: nothing is remembered from what others say.
  CHECK(make({"not yet"}) == nullptr);
  send("first");
  net.sent();
  PacketBuffer* const made = make({"second"});
  REQUIRE(made != nullptr);
  net.out.push(made);
  send("second");
  const auto sent = net.sent();
  REQUIRE(sent.size() == 2);
  // To the byte what send_udp() sends.
  CHECK(sent[0] == sent[1]);
  CHECK(parse_sent(sent[0])->to_mac == mac);

  CHECK(make({"refused", false}) == nullptr);
  const std::string long_text(1473, 'x');
  CHECK(make({long_text}) == nullptr);
  PacketBuffer* const longest = make({std::string_view(long_text).substr(1)});
  REQUIRE(longest != nullptr);
  net.pool.release(longest);
  CHECK(net.pool.in_use() == 0);

  // Another answer to the question who it is: asked again before it is believed.
  learn();
  CHECK(make({"x"}) == nullptr);
  send("x");
  // In the second half of its life a neighbour is asked again, which send_udp() does.
  TestNetwork::time_ns += ArpTable::kLifetime / 2;
  CHECK(make({"x"}) == nullptr);
  send("x");
  CHECK(make({"x"}) == nullptr);
  net.sent();
  learn();
  send("x");
  PacketBuffer* const last = make({"x"});
  REQUIRE(last != nullptr);
  net.pool.release(last);
  net.interface.forget();
  CHECK(make({"x"}) == nullptr);
  CHECK(net.pool.in_use() == 0);
}

}  // namespace
}  // namespace plumbline::net
