// TCP sockets over the loopback, against what Linux does (linux/conformance/tcp_sockets.c asks the
// same of both).
#include <thread>
#include <vector>

#include "linux/sockets/test_tcp.hh"

namespace plumbline::linux_abi {
namespace {

using namespace test;

TEST_CASE("a TCP socket that is not connected") {
  const TcpProgram program;
  const auto socket = make_tcp();
  CHECK(socket->poll() == (kPollHangup | kWritable));
  CHECK(take(*socket) == "ENOTCONN");
  CHECK(text(send(*socket, "x")) == "EPIPE");
  CHECK(error_of(socket->accept(0, nullptr)) == "EINVAL");
  CHECK(text(socket->shutdown(kShutBoth)) == "ENOTCONN");
  SocketAddress name;
  CHECK(text(socket->peer_name(name)) == "ENOTCONN");
  CHECK(port_of(*socket) == 0);
  CHECK(text(socket->connect(loopback(1))) == "EINPROGRESS");
  CHECK((socket->poll() & kPollError) != 0);
  CHECK(get(*socket, kLevelSocket, 4) == "111");
  CHECK(get(*socket, kLevelSocket, 4) == "0");
}

TEST_CASE("names: one socket to an address and port, unless both agree to share") {
  const TcpProgram program;
  const TcpServer server;
  const auto twin = make_tcp();
  CHECK(text(twin->bind(server.address)) == "EADDRINUSE");
  CHECK(text(twin->bind(internet_address({}, port_of(*server.socket)))) == "EADDRINUSE");
  const int yes = 1;
  CHECK(set(*twin, kLevelSocket, 2, yes) == "0");
  CHECK(text(twin->bind(server.address)) == "EADDRINUSE");
  CHECK(text(twin->bind(loopback(0))) == "0");
  CHECK(text(twin->bind(loopback(0))) == "EINVAL");
  CHECK(text(make_tcp()->bind(internet_address(net::Ipv4Address::of(203, 0, 113, 1), 0))) ==
        "EADDRNOTAVAIL");
  // SO_REUSEADDR is enough while nobody listens.
  const auto first = make_tcp(), second = make_tcp();
  CHECK(set(*first, kLevelSocket, 2, yes) == "0");
  CHECK(set(*second, kLevelSocket, 2, yes) == "0");
  REQUIRE(first->bind(loopback(0)));
  CHECK(text(second->bind(loopback(port_of(*first)))) == "0");
  CHECK(text(first->listen(1)) == "EADDRINUSE");
  // SO_REUSEPORT also when both listen.
  const auto third = make_tcp(), fourth = make_tcp();
  CHECK(set(*third, kLevelSocket, 15, yes) == "0");
  CHECK(set(*fourth, kLevelSocket, 15, yes) == "0");
  REQUIRE(third->bind(loopback(0)));
  REQUIRE(fourth->bind(loopback(port_of(*third))));
  CHECK(text(third->listen(4)) == "0");
  CHECK(text(fourth->listen(4)) == "0");
  for (int i = 0; i < 64; ++i) {
    const auto client = make_tcp();
    CHECK(text(client->connect(loopback(port_of(*third)))) == "EINPROGRESS");
    auto accepted = third->accept(0, nullptr);
    if (!accepted) accepted = fourth->accept(0, nullptr);
    CHECK(accepted);
  }
}

TEST_CASE("bytes, readiness and the end in both directions") {
  const TcpProgram program;
  TcpPair pair;
  CHECK(pair.client->poll() == kWritable);
  CHECK(pair.accepted->poll() == kWritable);
  CHECK(take(*pair.accepted, 10) == "EAGAIN");
  CHECK(text(send(*pair.client, "hello")) == "5");
  CHECK(pair.accepted->poll() == (kReadable | kWritable));
  CHECK(take(*pair.accepted, 3) == "hel");
  CHECK((pair.accepted->poll() & kPollIn) != 0);
  CHECK(take(*pair.accepted, 10) == "lo");
  CHECK((pair.accepted->poll() & kPollIn) == 0);
  REQUIRE(pair.client->shutdown(kShutSend));
  CHECK(text(send(*pair.client, "x")) == "EPIPE");
  CHECK(pair.accepted->poll() == (kReadable | kWritable | kPollReadHangup));
  CHECK(take(*pair.accepted, 10) == "");
  CHECK(text(send(*pair.accepted, "back")) == "4");
  CHECK(take(*pair.client, 10) == "back");
  REQUIRE(pair.accepted->shutdown(kShutSend));
  CHECK(pair.client->poll() == (kReadable | kWritable | kPollReadHangup | kPollHangup));
  CHECK(take(*pair.client, 10) == "");
}

TEST_CASE("a peer that closes with bytes unread resets the connection") {
  const TcpProgram program;
  TcpPair pair;
  CHECK(text(send(*pair.client, "unread")) == "6");
  pair.accepted = {};
  CHECK(pair.client->poll() ==
        (kReadable | kWritable | kPollError | kPollHangup | kPollReadHangup));
  CHECK(take(*pair.client, 10) == "ECONNRESET");
  CHECK(take(*pair.client, 10) == "");
  CHECK(text(send(*pair.client, "x")) == "EPIPE");
  CHECK(text(pair.client->shutdown(kShutBoth)) == "ENOTCONN");
}

TEST_CASE("a full buffer stops the sender until there is room for a third") {
  const TcpProgram program;
  TcpPair pair;
  const std::string bytes(100'000, 'x');
  std::size_t sent = 0;
  for (;;) {
    const auto part = send(*pair.client, bytes);
    if (!part) {
      CHECK(part.error() == Errno::kEAGAIN);
      break;
    }
    sent += *part;
    REQUIRE(sent < 64'000'000);
  }
  CHECK((pair.client->poll() & kPollOut) == 0);
  std::size_t received = 0;
  for (int idle = 0; received < sent && idle < 1000;) {
    const std::string part = take(*pair.accepted, 65536);
    if (part == "EAGAIN") {
      ++idle;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    } else {
      received += part.size();
    }
  }
  CHECK(received == sent);
  CHECK((pair.client->poll() & kPollOut) != 0);
}

TEST_CASE("the smallest buffers: small pieces until nothing fits, then all of it arrives") {
  const TcpProgram program;
  TcpServer server;
  const int one = 1;
  REQUIRE(set(*server.socket, kLevelSocket, 8, one) == "0");
  const auto client = make_tcp();
  REQUIRE(set(*client, kLevelSocket, 7, one) == "0");
  REQUIRE(text(client->connect(server.address)) == "EINPROGRESS");
  const auto accepted = server.accept();
  std::size_t sent = 0;
  while (text(send(*client, "     ")) == "5") sent += 5;
  CHECK(sent > 0);
  std::size_t received = 0;
  bool shut = false;
  for (int idle = 0; idle < 3000;) {
    if (!shut && text(send(*client, "w")) == "1") {
      ++sent;
      REQUIRE(client->shutdown(kShutSend));
      shut = true;
    }
    const std::string part = take(*accepted, 8192);
    if (part == "EAGAIN") {
      ++idle;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      continue;
    }
    if (part.empty()) break;
    REQUIRE(part != "ECONNRESET");
    received += part.size();
  }
  CHECK(received == sent);
}

TEST_CASE("threads send and receive megabytes both ways, blocking") {
  const TcpProgram program;
  TcpPair pair(0);
  constexpr std::size_t kBytes = 8'000'000;
  const auto pump = [](Socket& from, unsigned seed) {
    std::vector<char> piece(37'777);
    std::size_t done = 0;
    while (done < kBytes) {
      const std::size_t size = std::min(piece.size(), kBytes - done);
      for (std::size_t i = 0; i < size; ++i)
        piece[i] = static_cast<char>((done + i) * 31 + seed + ((done + i) >> 11));
      const auto sent = send(from, {piece.data(), size});
      if (!sent) return done;
      done += *sent;
    }
    REQUIRE(from.shutdown(kShutSend));
    return done;
  };
  const auto drain = [](Socket& to, unsigned seed) {
    std::size_t done = 0;
    for (;;) {
      const std::string part = take(to, 50'000);
      if (part.empty()) return done;
      for (const char c : part) {
        if (c != static_cast<char>(done * 31 + seed + (done >> 11))) return std::size_t{0};
        ++done;
      }
    }
  };
  std::thread first([&] { CHECK(pump(*pair.client, 1) == kBytes); });
  std::thread second([&] { CHECK(pump(*pair.accepted, 2) == kBytes); });
  std::thread third([&] { CHECK(drain(*pair.accepted, 1) == kBytes); });
  CHECK(drain(*pair.client, 2) == kBytes);
  first.join();
  second.join();
  third.join();
}

TEST_CASE("many connections come and go") {
  const TcpProgram program;
  TcpServer server(kOpenNonblocking, 64);
  for (int round = 0; round < 300; ++round) {
    const auto client = make_tcp();
    CHECK(text(client->connect(server.address)) == "EINPROGRESS");
    const auto accepted = server.accept();
    CHECK(text(send(*client, "question")) == "8");
    CHECK(take(*accepted, 100) == "question");
    CHECK(text(send(*accepted, "answer")) == "6");
    CHECK(take(*client, 100) == "answer");
  }
}

TEST_CASE("a listener's backlog is kept, and its end resets those who wait") {
  const TcpProgram program;
  auto server = TcpServer(kOpenNonblocking, 1);
  std::vector<Ref<Socket>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(make_tcp());
    CHECK(text(clients.back()->connect(server.address)) == "EINPROGRESS");
  }
  CHECK(server.socket->poll() == kReadable);
  const auto one = server.accept(), two = server.accept();
  CHECK(error_of(server.socket->accept(0, nullptr)) == "EAGAIN");
  CHECK(text(send(*one, "1")) == "1");
  server.socket = {};
  CHECK(text(send(*two, "2")) == "1");
  const auto late = make_tcp();
  CHECK(text(late->connect(server.address)) == "EINPROGRESS");
  CHECK(get(*late, kLevelSocket, 4) == "111");
}

TEST_CASE("IPv6 sockets take connections of both families") {
  const TcpProgram program;
  const auto server = make_tcp(kOpenNonblocking, kFamilyInternet6);
  SocketAddress any;
  store_endpoint(any, {net::IpAddress::any_v6(), 0}, kFamilyInternet6);
  REQUIRE(server->bind(any));
  REQUIRE(server->listen(4));
  SocketAddress name;
  REQUIRE(server->local_name(name));
  const std::uint16_t port = load_be16(name.bytes + 2);
  const auto by_four = make_tcp();
  CHECK(text(by_four->connect(loopback(port))) == "EINPROGRESS");
  SocketAddress peer;
  CHECK(server->accept(0, &peer));
  CHECK(peer.length == kInternet6AddressSize);
  CHECK(load_endpoint(peer, kFamilyInternet6)->address == net::IpAddress::of(kLoopbackAddress));
  const auto by_six = make_tcp(kOpenNonblocking, kFamilyInternet6);
  SocketAddress six;
  store_endpoint(six, {net::IpAddress::of_v6(0, 1), port}, kFamilyInternet6);
  CHECK(text(by_six->connect(six)) == "EINPROGRESS");
  CHECK(server->accept(0, &peer));
  CHECK(load_endpoint(peer, kFamilyInternet6)->address == net::IpAddress::of_v6(0, 1));
}

}  // namespace
}  // namespace plumbline::linux_abi
