// UDP sockets and the network device.
#include <doctest/doctest.h>

#include "linux/sockets/control_buffer.hh"
#include "linux/sockets/test_udp.hh"
#include "linux/sockets/udp_socket.hh"

namespace plumbline::linux_abi {
namespace {

using namespace test;

TEST_CASE("the closest socket gets a datagram from the device") {
  Program program(true);
  const auto any = make_udp();
  const auto own = make_udp();
  const auto connected = make_udp();
  for (const auto& socket : {any, own, connected}) REQUIRE(set(*socket, 1, 2, 1) == "0");
  REQUIRE(bind(*any, kAny, 6000) == "0");
  CHECK(arrive({kPeer, 1}, {kGuest, 6000}, "any") == Delivery::kTaken);
  CHECK(take(*any) == "any");
  REQUIRE(bind(*own, kGuest, 6000) == "0");
  arrive({kPeer, 1}, {kGuest, 6000}, "own");
  CHECK(take(*own) == "own");
  REQUIRE(bind(*connected, kGuest, 6000) == "0");
  REQUIRE(connected->connect(internet_address(kPeer, 1)));
  arrive({kPeer, 1}, {kGuest, 6000}, "connected");
  arrive({kPeer, 2}, {kGuest, 6000}, "own");
  CHECK(take(*connected) == "connected");
  CHECK(take(*own) == "own");
  CHECK(take(*any) == "EAGAIN");
  CHECK(arrive({kPeer, 1}, {kGuest, 6001}, "nobody") == Delivery::kNobody);
  // A broadcast is for all that listen to all addresses.
  const net::Ipv4Address everybody = net::Ipv4Address::of(10, 9, 0, 255);
  const auto second = make_udp();
  REQUIRE(set(*second, 1, 2, 1) == "0");
  REQUIRE(bind(*second, kAny, 6000) == "0");
  arrive({kPeer, 1}, {everybody, 6000}, "all", true);
  CHECK(take(*any) == "all");
  CHECK(take(*second) == "all");
  CHECK(take(*own) == "EAGAIN");
}

TEST_CASE("SO_REUSEPORT spreads peers, one peer stays where it is") {
  Program program(true);
  std::vector<Ref<Socket>> sockets;
  for (int i = 0; i < 4; ++i) {
    sockets.push_back(make_udp());
    REQUIRE(set(*sockets.back(), 1, 15, 1) == "0");
    REQUIRE(bind(*sockets.back(), kAny, 7000) == "0");
  }
  std::array<int, 4> counts{};
  constexpr int kPeers = 1000;
  for (std::uint16_t peer = 1; peer <= kPeers; ++peer) {
    int owner = -1;
    for (int repeat = 0; repeat < 2; ++repeat) {
      arrive({kPeer, peer}, {kGuest, 7000}, "x");
      for (int i = 0; i < 4; ++i) {
        if (take(*sockets[static_cast<std::size_t>(i)]) != "x") continue;
        CHECK((owner == -1 || owner == i));
        owner = i;
      }
      REQUIRE(owner != -1);
    }
    ++counts[static_cast<std::size_t>(owner)];
  }
  for (const int count : counts) {
    CHECK(count > kPeers / 8);
    CHECK(count < kPeers / 2);
  }
}

TEST_CASE("to the device: routes, options of one datagram, broadcasts") {
  Program program(true);
  const auto socket = make_udp();
  REQUIRE(bind(*socket, kAny, 8000) == "0");
  CHECK(text(send_to(*socket, "out", internet_address(kPeer, 9))) == "3");
  REQUIRE(program.hosted.sent.size() == 1);
  CHECK(program.hosted.sent[0].source_port == 8000);
  CHECK(program.hosted.sent[0].to == net::UdpEndpoint{kPeer, 9});
  CHECK(program.hosted.sent[0].options == net::UdpSendOptions{});
  // To a neighbour, from one piece of memory or several, without a second copy.
  CHECK(program.hosted.sent[0].at_once);
  const std::string first = "two ", second = "pieces";
  const std::array<IoSegment, 3> pieces{
      IoSegment{reinterpret_cast<std::uint64_t>(first.data()), first.size()}, IoSegment{0, 0},
      IoSegment{reinterpret_cast<std::uint64_t>(second.data()), second.size()}};
  const auto peer = internet_address(kPeer, 9);
  IoCursor cursor(pieces, first.size() + second.size());
  CHECK(text(socket->send(cursor, {.to = &peer})) == "10");
  CHECK(cursor.remaining() == 0);
  const auto last = program.hosted.sent.back();
  CHECK(std::string(reinterpret_cast<const char*>(last.payload.data()), last.payload.size()) ==
        "two pieces");
  CHECK(last.at_once);
  // From the program's own list; nothing is copied of it.
  const auto at = [](const void* object) { return reinterpret_cast<std::uint64_t>(object); };
  ProgramMessage message{at(peer.bytes), kInternetAddressSize, at(pieces.data()), pieces.size()};
  CHECK(socket->send_at_once(message, 0) == 10);
  CHECK(program.hosted.sent.back().payload == last.payload);
  CHECK(program.hosted.sent.back().to == net::UdpEndpoint{kPeer, 9});
  message.segment_count = 0;
  CHECK(socket->send_at_once(message, 0) == 0);
  CHECK(program.hosted.sent.back().payload.empty());
  message.segment_count = 1;
  const std::size_t sent_before = program.hosted.sent.size();
  // Whatever is wrong or unusual is left to send().
  CHECK(socket->send_at_once(message, kMessageOutOfBand) < 0);
  message.name_length = 8;
  CHECK(socket->send_at_once(message, 0) < 0);
  message.name_length = kInternetAddressSize;
  for (const std::uint64_t bad_address :
       {std::uint64_t{16}, kApplicationEnd - 8, ~std::uint64_t{0}}) {
    ProgramMessage bad_message = message;
    bad_message.segments = bad_address;
    if (bad_address == 16) CHECK(socket->send_at_once(bad_message, 0) < 0);
    bad_message = message;
    bad_message.name = bad_address;
    CHECK(socket->send_at_once(bad_message, 0) < 0);
  }
  message.name = 0;  // not connected
  CHECK(socket->send_at_once(message, 0) < 0);
  // A bad piece: nothing is sent.
  const std::array<IoSegment, 2> bad{pieces[0], IoSegment{16, 4}};
  IoCursor bad_cursor(bad, first.size() + 4);
  CHECK(text(socket->send(bad_cursor, {.to = &peer})) == "EFAULT");
  CHECK(program.hosted.sent.size() == sent_before);
  // Too long for one packet.
  CHECK(text(send_to(*socket, std::string(1473, 'x'), peer)) == "1473");
  CHECK(!program.hosted.sent.back().at_once);
  // Beyond the network there must be a gateway.
  const auto far = internet_address(net::Ipv4Address::of(192, 0, 2, 1), 9);
  CHECK(text(send_to(*socket, "x", far)) == "ENETUNREACH");
  program.hosted.device.gateway = net::Ipv4Address::of(10, 9, 0, 254);
  CHECK(text(send_to(*socket, "x", far)) == "1");
  CHECK(text(send_to(*socket, std::string(20000, 'x'), far)) == "20000");
  CHECK(program.hosted.sent.back().payload.size() == 20000);
  // To the own address and back.
  CHECK(text(send_to(*socket, "self", internet_address(kGuest, 8000))) == "4");
  const auto self = receive(*socket);
  CHECK(self.bytes == "self");
  CHECK(internet_endpoint(self.from) == net::UdpEndpoint{kGuest, 8000});

  REQUIRE(set(*socket, kLevelIp, 2, 7) == "0");
  REQUIRE(set(*socket, kLevelIp, 1, std::uint8_t{16}) == "0");
  CHECK(get(*socket, kLevelIp, 1) == "16");
  CHECK(set(*socket, kLevelIp, 2, 0) == "EINVAL");
  CHECK(set(*socket, kLevelIp, 2, 256) == "EINVAL");
  REQUIRE(send_to(*socket, "x", internet_address(kPeer, 9)));
  CHECK(program.hosted.sent.back().options ==
        net::UdpSendOptions{.time_to_live = 7, .type_of_service = 16});

  const auto everybody = internet_address(net::Ipv4Address::of(10, 9, 0, 255), 8000);
  CHECK(text(send_to(*socket, "all", everybody)) == "EACCES");
  REQUIRE(set(*socket, 1, 6, 1) == "0");
  CHECK(text(send_to(*socket, "all", everybody)) == "3");
  CHECK(program.hosted.sent.back().to.address == net::Ipv4Address::of(10, 9, 0, 255));
  // The sender is one of all.
  CHECK(take(*socket) == "all");

  const auto local = make_udp();
  REQUIRE(bind(*local, kLoopbackAddress, 0) == "0");
  CHECK(text(send_to(*local, "x", internet_address(kPeer, 9))) == "EINVAL");
}

TEST_CASE("a closed port of a peer is an error of the socket connected to it") {
  Program program(true);
  const auto socket = make_udp();
  REQUIRE(socket->connect(internet_address(kPeer, 9)));
  CHECK(name(*socket).address == kGuest);
  CHECK_FALSE(report_udp_error(name(*socket), {kPeer, 10}, Errno::kECONNREFUSED, true));
  CHECK(take(*socket) == "EAGAIN");
  CHECK(report_udp_error(name(*socket), {kPeer, 9}, Errno::kECONNREFUSED, true));
  CHECK(take(*socket) == "ECONNREFUSED");
}

TEST_CASE("errors that may pass, and errors of sockets that are not connected: IP_RECVERR") {
  Program program(true);
  const auto connected = make_udp(), open = make_udp();
  REQUIRE(connected->connect(internet_address(kPeer, 9)));
  REQUIRE(bind(*open, kAny, 8101) == "0");
  const net::UdpEndpoint peer{kPeer, 9}, from{kGuest, 8101};
  CHECK(report_udp_error(name(*connected), peer, Errno::kEHOSTUNREACH, false));
  CHECK(take(*connected) == "EAGAIN");
  CHECK(report_udp_error(from, peer, Errno::kECONNREFUSED, true));
  CHECK(take(*open) == "EAGAIN");
  constexpr int kReceiveErrors = 11, kPathMtuDiscovery = 10;
  for (const auto& socket : {connected, open})
    CHECK(set(*socket, kLevelIp, kReceiveErrors, 1) == "0");
  CHECK(report_udp_error(name(*connected), peer, Errno::kEHOSTUNREACH, false));
  CHECK(take(*connected) == "error 113");  // EHOSTUNREACH
  CHECK(report_udp_error(from, peer, Errno::kECONNREFUSED, true));
  CHECK(take(*open) == "ECONNREFUSED");
  // Too large for the path: who finds its size wants to know, who does not care about it does not.
  CHECK(report_udp_error(name(*connected), peer, Errno::kEMSGSIZE, false));
  CHECK(take(*connected) == "EMSGSIZE");
  CHECK(set(*connected, kLevelIp, kPathMtuDiscovery, 0) == "0");
  CHECK(report_udp_error(name(*connected), peer, Errno::kEMSGSIZE, false));
  CHECK(take(*connected) == "EAGAIN");
  CHECK(set(*connected, kLevelIp, kPathMtuDiscovery, 2) == "0");
  CHECK(text(send(*connected, std::string(1473, 'x'))) == "EMSGSIZE");
  CHECK(text(send(*connected, std::string(1472, 'x'))) == "1472");
  CHECK(set(*connected, kLevelIp, kPathMtuDiscovery, 6) == "EINVAL");
}

TEST_CASE("where a datagram came to: IP_PKTINFO, IP_RECVTTL, IP_RECVTOS") {
  Program program(true);
  const auto socket = make_udp();
  REQUIRE(bind(*socket, kAny, 8100) == "0");
  for (const int option : {8, 12, 13}) REQUIRE(set(*socket, kLevelIp, option, 1) == "0");
  const DatagramHeader header{{kPeer, 1}, {kGuest, 8100}, 4, 33, kDeviceIndex};
  deliver_udp(header, {}, nullptr, false, 0);
  tell_udp_receivers(0);
  alignas(8) std::array<std::byte, 128> bytes{};
  ControlWriter control(reinterpret_cast<std::uint64_t>(bytes.data()), bytes.size());
  REQUIRE(receive(*socket, 10, 0, &control).result);
  std::span<const std::byte> rest(bytes.data(), control.used());
  ControlMessage message;
  REQUIRE(*next_control(rest, message));
  CHECK(message.type == 8);
  CHECK(load_unaligned<std::int32_t>(message.data.data()) == kDeviceIndex);
  CHECK(load_be32(message.data.data() + 4) == kGuest.value);
  CHECK(load_be32(message.data.data() + 8) == kGuest.value);
  REQUIRE(*next_control(rest, message));
  CHECK(message.type == 2);
  CHECK(load_unaligned<std::int32_t>(message.data.data()) == 33);
  REQUIRE(*next_control(rest, message));
  CHECK(message.type == 1);
  CHECK(message.data.size() == 1);
  CHECK(static_cast<int>(message.data[0]) == 4);
}

TEST_CASE("what lies at the device is let in before a read gives up") {
  Program program(true);
  const auto socket = make_udp();
  REQUIRE(bind(*socket, kAny, 8200) == "0");
  int bursts = 2;
  program.hosted.arrivals = [&] {
    if (bursts == 0) return false;
    arrive({kPeer, 1}, {kGuest, static_cast<std::uint16_t>(bursts == 2 ? 8201 : 8200)}, "x");
    --bursts;
    return true;
  };
  CHECK(take(*socket) == "x");
  CHECK(take(*socket) == "EAGAIN");
}

}  // namespace
}  // namespace plumbline::linux_abi
