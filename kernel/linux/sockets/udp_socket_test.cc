// UDP sockets against what Linux does; the errors and events are those that a C program showed
// there (kernel/linux/conformance/udp_sockets.c asks for most of them end to end).
#include "linux/sockets/udp_socket.hh"

#include <doctest/doctest.h>

#include <set>
#include <thread>

#include "linux/sockets/interface_requests.hh"
#include "linux/sockets/test_udp.hh"

namespace plumbline::linux_abi {
namespace {

using namespace test;

TEST_CASE("a socket without a name or a peer") {
  const Program program;
  const auto socket = make_udp();
  CHECK(socket->poll() == kWritable);
  CHECK(take(*socket) == "EAGAIN");
  SocketAddress address;
  CHECK(text(socket->peer_name(address)) == "ENOTCONN");
  CHECK(name(*socket) == net::UdpEndpoint{});
  CHECK(text(send(*socket, "x")) == "EDESTADDRREQ");
  // It has a port from now on, as on Linux.
  CHECK(name(*socket).port >= 32768);
  CHECK(name(*socket).address.is_zero());
  CHECK(text(socket->listen(1)) == "EOPNOTSUPP");
  CHECK(error_of(socket->accept(0, nullptr)) == "EOPNOTSUPP");
  CHECK(text(socket->shutdown(kShutBoth)) == "ENOTCONN");
  CHECK(socket->poll() == 9045);
}

TEST_CASE("binding") {
  const Program program;
  const auto socket = make_udp();
  SocketAddress address = internet_address(kLoopbackAddress, 0);
  address.length = 15;
  CHECK(text(socket->bind(address)) == "EINVAL");
  address = internet_address(kLoopbackAddress, 0);
  store_unaligned(address.bytes, std::uint16_t{kFamilyUnix});
  CHECK(text(socket->bind(address)) == "EAFNOSUPPORT");
  store_unaligned(address.bytes, std::uint16_t{0});
  CHECK(text(socket->bind(address)) == "EAFNOSUPPORT");
  CHECK(bind(*socket, net::Ipv4Address::of(8, 8, 8, 8), 0) == "EADDRNOTAVAIL");
  CHECK(bind(*socket, kGuest, 0) == "EADDRNOTAVAIL");
  CHECK(bind(*socket, kLoopbackAddress, 0) == "0");
  CHECK(bind(*socket, kLoopbackAddress, 0) == "EINVAL");
  const std::uint16_t port = name(*socket).port;
  CHECK(bind(*make_udp(), kLoopbackAddress, port) == "EADDRINUSE");
  CHECK(bind(*make_udp(), kAny, port) == "EADDRINUSE");
  CHECK(bind(*make_udp(), net::Ipv4Address::of(127, 0, 0, 2), port) == "0");

  // Shared only when both agree.
  const auto first = make_udp();
  const auto second = make_udp();
  REQUIRE(set(*first, 1, 2, 1) == "0");
  REQUIRE(bind(*first, kAny, 4000) == "0");
  CHECK(bind(*second, kAny, 4000) == "EADDRINUSE");
  REQUIRE(set(*second, 1, 2, 1) == "0");
  CHECK(bind(*second, kAny, 4000) == "0");

  HostedProgram::instance().credentials.user = 1000;
  CHECK(bind(*make_udp(), kAny, 53) == "EACCES");
}

TEST_CASE("a closed socket's port is free again") {
  const Program program;
  for (int i = 0; i < 3; ++i) CHECK(bind(*make_udp(), kAny, 5000) == "0");
}

TEST_CASE("every ephemeral port is found, and then there is none") {
  const Program program;
  std::vector<Ref<Socket>> sockets;
  std::set<std::uint16_t> ports;
  for (;;) {
    sockets.push_back(make_udp());
    const std::string bound = bind(*sockets.back(), kAny, 0);
    if (bound != "0") {
      CHECK(bound == "EADDRINUSE");
      break;
    }
    ports.insert(name(*sockets.back()).port);
  }
  CHECK(ports.size() == 60999 - 32768 + 1);
}

TEST_CASE("through the loopback") {
  const Program program;
  const Server server;
  const auto client = make_udp();
  CHECK(text(send_to(*client, "hello", server.address)) == "5");
  CHECK(server.socket->poll() == (kReadable | kWritable));
  auto received = receive(*server.socket, 2, kMessagePeek | kMessageTruncated);
  CHECK(*received.result == 5);
  received = receive(*server.socket, 2);
  CHECK(received.bytes == "he");
  CHECK(received.flags == kMessageTruncated);
  CHECK(internet_endpoint(received.from) == net::UdpEndpoint{kLoopbackAddress, name(*client).port});
  CHECK(text(send_to(*server.socket, "back", received.from)) == "4");
  CHECK(take(*client) == "back");
  CHECK(take(*client) == "EAGAIN");
  CHECK(text(send_to(*client, "", server.address)) == "0");
  CHECK(take(*server.socket) == "");
  // 0.0.0.0 is this host.
  CHECK(text(send_to(*client, "any", internet_address(kAny, name(*server.socket).port))) == "3");
  CHECK(take(*server.socket) == "any");
}

TEST_CASE("sizes") {
  const Program program;
  const Server server;
  const auto client = make_udp();
  CHECK(text(send_to(*client, std::string(65508, 'x'), server.address)) == "EMSGSIZE");
  CHECK(text(send_to(*client, std::string(65507, 'x'), server.address)) == "65507");
  CHECK(take(*server.socket) == std::string(65507, 'x'));
}

TEST_CASE("wrong addresses") {
  const Program program;
  const auto socket = make_udp();
  CHECK(text(send_to(*socket, "x", internet_address(kLoopbackAddress, 0))) == "EINVAL");
  SocketAddress address = internet_address(kLoopbackAddress, 9);
  address.length = 15;
  CHECK(text(send_to(*socket, "x", address)) == "EINVAL");
  CHECK(text(socket->connect(address)) == "EINVAL");
  address.length = 1;
  CHECK(text(socket->connect(address)) == "EINVAL");
  address.length = 16;
  store_unaligned(address.bytes, std::uint16_t{kFamilyUnix});
  CHECK(text(send_to(*socket, "x", address)) == "EAFNOSUPPORT");
  CHECK(text(socket->connect(address)) == "EAFNOSUPPORT");
  CHECK(text(send_to(*socket, "x", internet_address({~0u}, 9))) == "EACCES");
  CHECK(text(send_to(*socket, "x", internet_address(kPeer, 9))) == "ENETUNREACH");
  SendRequest request{.flags = kMessageOutOfBand};
  CHECK(text(send(*socket, "x", request)) == "EOPNOTSUPP");
  CHECK(take(*socket, 1, kMessageErrorQueue) == "EAGAIN");
}

TEST_CASE("connected sockets: whom they hear, and closed ports") {
  const Program program;
  const Server server;
  const auto client = make_udp();
  REQUIRE(client->connect(server.address));
  CHECK(name(*client).address == kLoopbackAddress);
  SocketAddress peer;
  REQUIRE(client->peer_name(peer));
  CHECK(internet_endpoint(peer) == internet_endpoint(server.address));
  const auto stranger = make_udp();
  const auto to_client = internet_address(kLoopbackAddress, name(*client).port);
  CHECK(text(send_to(*stranger, "x", to_client)) == "1");
  CHECK(take(*client) == "EAGAIN");
  CHECK(text(send_to(*server.socket, "x", to_client)) == "1");
  CHECK(take(*client) == "x");

  REQUIRE(client->connect(internet_address(kLoopbackAddress, 1)));
  CHECK(text(send(*client, "x")) == "1");
  CHECK(client->poll() == (kWritable | kPollError));
  CHECK(text(send(*client, "x")) == "ECONNREFUSED");
  CHECK(text(send(*client, "x")) == "1");
  CHECK(take(*client) == "ECONNREFUSED");
  CHECK(get(*client, 1, 4) == "0");
  CHECK(text(send(*client, "x")) == "1");
  CHECK(get(*client, 1, 4) == "111");

  // Unconnected again; without bind(2) it loses its port as well.
  SocketAddress nowhere;
  store_unaligned(nowhere.bytes, std::uint16_t{kFamilyUnspecified});
  nowhere.length = 16;
  REQUIRE(client->connect(nowhere));
  CHECK(text(client->peer_name(peer)) == "ENOTCONN");
  CHECK(text(send(*client, "x")) == "EDESTADDRREQ");
}

TEST_CASE("a full buffer drops, as many datagrams fit as on Linux") {
  const Program program;
  const Server server;
  const auto client = make_udp();
  for (int i = 0; i < 400; ++i) CHECK(text(send_to(*client, "x", server.address)) == "1");
  int count = 0;
  while (take(*server.socket) == "x") ++count;
  CHECK(count == 277);
  REQUIRE(set(*server.socket, 1, 8, 1) == "0");
  for (int i = 0; i < 400; ++i) (void)send_to(*client, "x", server.address);
  count = 0;
  while (take(*server.socket) == "x") ++count;
  CHECK(count >= 1);
  CHECK(count <= 4);
}

TEST_CASE("options as Linux has them") {
  const Program program;
  const auto socket = make_udp();
  CHECK(get(*socket, kLevelIp, 2) == "64");
  CHECK(get(*socket, kLevelIp, 10) == "1");
  CHECK(get(*socket, kLevelIp, 14) == "ENOTCONN");
  CHECK(get(*socket, kLevelIp, 999) == "ENOPROTOOPT");
  CHECK(get(*socket, kLevelUdp, 1) == "0");
  CHECK(get(*socket, kLevelUdp, 999) == "ENOPROTOOPT");
  CHECK(get(*socket, kLevelTcp, 1) == "EOPNOTSUPP");
  CHECK(get(*socket, kLevelIpv6, 1) == "EOPNOTSUPP");
  CHECK(set(*socket, kLevelIp, 999, 1) == "ENOPROTOOPT");
  CHECK(set(*socket, kLevelTcp, 1, 1) == "ENOPROTOOPT");
  CHECK(set(*socket, kLevelIpv6, 26, 1) == "ENOPROTOOPT");
  CHECK(get(*socket, 1, 3) == "2");
  CHECK(get(*socket, 1, 38) == "17");
}

TEST_CASE("interfaces by ioctl") {
  Program program(true);
  struct Request {
    char name[16];
    std::byte value[24];
  } request{};
  const auto ask = [&](const char* interface, std::uint32_t number) {
    std::memset(&request, 0, sizeof request);
    std::strcpy(request.name, interface);
    return text(interface_request(number, reinterpret_cast<std::uint64_t>(&request)));
  };
  CHECK(ask("eth0", 0x8915) == "0");
  CHECK(load_be32(request.value + 4) == kGuest.value);
  CHECK(ask("eth0", 0x891b) == "0");
  CHECK(load_be32(request.value + 4) == 0xffffff00);
  CHECK(ask("eth0", 0x8919) == "0");
  CHECK(load_be32(request.value + 4) == 0x0a0900ff);
  CHECK(ask("lo", 0x8913) == "0");
  CHECK(load_unaligned<std::uint16_t>(request.value) == 0x49);
  CHECK(ask("eth0", 0x8933) == "0");
  CHECK(load_unaligned<std::int32_t>(request.value) == 2);
  CHECK(ask("eth9", 0x8933) == "ENODEV");
  CHECK(ask("eth0", 0x8914) == "EPERM");
  CHECK(ask("eth0", 0x1234) == "ENOTTY");
  CHECK(text(interface_request(0x8913, 0)) == "EFAULT");

  Request all[3];
  struct {
    std::int32_t length;
    std::uint64_t array;
  } list{sizeof all, reinterpret_cast<std::uint64_t>(all)};
  CHECK(text(interface_request(0x8912, reinterpret_cast<std::uint64_t>(&list))) == "0");
  CHECK(list.length == 80);
  CHECK(std::string(all[1].name) == "eth0");
  list.length = 79;
  CHECK(text(interface_request(0x8912, reinterpret_cast<std::uint64_t>(&list))) == "0");
  CHECK(list.length == 40);
}

TEST_CASE("threads send to threads that wait") {
  const Program program;
  const auto server = make_udp(0);
  REQUIRE(bind(*server, kLoopbackAddress, 0) == "0");
  const auto address = internet_address(kLoopbackAddress, name(*server).port);
  constexpr int kClients = 3, kEach = 300;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&server] {
      for (;;) {
        auto request = receive(*server);
        if (request.bytes == "end") return;
        REQUIRE(request.result);
        CHECK(text(send_to(*server, request.bytes, request.from)) ==
              std::to_string(request.bytes.size()));
      }
    });
  }
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&address] {
      const auto client = make_udp(0);
      REQUIRE(client->connect(address));
      for (int n = 0; n < kEach; ++n) {
        const std::string question = "question " + std::to_string(n);
        REQUIRE(send(*client, question));
        CHECK(take(*client) == question);
      }
    });
  }
  for (auto& client : clients) client.join();
  const auto client = make_udp();
  for (int i = 0; i < 2; ++i) (void)send_to(*client, "end", address);
  for (auto& thread : threads) thread.join();
}

TEST_CASE("sockets come and go while datagrams arrive") {
  Program program(true);
  std::atomic<bool> done{false};
  std::thread network([&] {
    while (!done) arrive({kPeer, 1}, {kGuest, 9000}, "x");
  });
  int got = 0;
  for (int i = 0; i < 500; ++i) {
    const auto socket = make_udp();
    REQUIRE(bind(*socket, kAny, 9000) == "0");
    for (int attempt = 0; attempt < 100; ++attempt) got += take(*socket) == "x";
  }
  done = true;
  network.join();
  CHECK(got > 0);
}

}  // namespace
}  // namespace plumbline::linux_abi
