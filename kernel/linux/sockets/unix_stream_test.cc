// AF_UNIX streams against what Linux does.
#include <thread>

#include "linux/sockets/unix_test.hh"

namespace plumbline::linux_abi {
namespace {

using namespace test;

TEST_CASE("a stream that is not connected") {
  const Program program;
  const auto socket = make(kFamilyUnix, kStream, kOpenNonblocking);
  CHECK(socket->poll() == (kPollHangup | kWritable));
  CHECK(take(*socket) == "EINVAL");
  CHECK(text(send(*socket, "x")) == "ENOTCONN");
  CHECK(text(socket->listen(5)) == "EINVAL");
  CHECK(error_of(socket->accept(0, nullptr)) == "EINVAL");
  CHECK(text(socket->connect(unix_address("/tmp/missing"))) == "ENOENT");
  CHECK(text(socket->connect(unix_address(""))) == "EINVAL");
  CHECK(text(socket->connect(unix_address("/tmp"))) == "ECONNREFUSED");
  CHECK(text(send_to(*socket, "x", unix_address("/tmp/missing"))) == "EOPNOTSUPP");
  SocketAddress name;
  CHECK(text(socket->peer_name(name)) == "ENOTCONN");
  REQUIRE(socket->local_name(name));
  CHECK(name.length == 2);
}

TEST_CASE("connections by name: backlog, names, credentials") {
  const Program program;
  const auto listener = make(kFamilyUnix, kStream, kOpenNonblocking);
  const auto address = unix_address("/tmp/listener");
  REQUIRE(listener->bind(address));
  CHECK(text(listener->bind(address)) == "EADDRINUSE");
  CHECK(text(listener->bind(unix_address("/tmp/other"))) == "EINVAL");
  CHECK(text(make(kFamilyUnix, kStream)->bind(address)) == "EADDRINUSE");
  const auto client = make(kFamilyUnix, kStream, kOpenNonblocking);
  CHECK(text(client->connect(address)) == "ECONNREFUSED");
  REQUIRE(listener->listen(1));
  CHECK(listener->poll() == 0);
  REQUIRE(client->connect(address));
  CHECK(text(client->connect(address)) == "EISCONN");
  CHECK(listener->poll() == kReadable);
  CHECK(text(send(*client, "abc")) == "3");
  const auto second = make(kFamilyUnix, kStream, kOpenNonblocking);
  REQUIRE(second->connect(address));
  const auto third = make(kFamilyUnix, kStream, kOpenNonblocking);
  CHECK(text(third->connect(address)) == "EAGAIN");
  CHECK(text(make(kFamilyUnix, kDatagram)->connect(address)) == "EPROTOTYPE");

  SocketAddress peer;
  auto accepted = listener->accept(0, &peer);
  REQUIRE(accepted);
  CHECK(peer.length == 2);
  CHECK(take(**accepted, 10) == "abc");
  SocketAddress name;
  REQUIRE((*accepted)->local_name(name));
  CHECK(std::string(reinterpret_cast<char*>(name.bytes + 2)) == "/tmp/listener");
  REQUIRE(client->peer_name(name));
  CHECK(name.length == 2 + std::strlen("/tmp/listener") + 1);
  ProcessCredentials who;
  REQUIRE(
      (*accepted)->get_option(kLevelSocket, 17, reinterpret_cast<std::uint64_t>(&who), sizeof who));
  CHECK(who == ProcessCredentials{100, 0, 0});
  CHECK(text(send_to(*client, "x", address)) == "EISCONN");
  CHECK(text(listener->connect(address)) == "EINVAL");
  CHECK(take(*listener) == "EINVAL");
  CHECK(text(send(*listener, "x")) == "ENOTCONN");
  CHECK(get(*listener, 1, 30) == "1");
  CHECK(get(**accepted, 1, 30) == "0");
}

TEST_CASE("a listener that closes resets those who wait, and its name is free for nobody") {
  const Program program;
  const auto address = unix_address("/tmp/closing");
  auto client = make(kFamilyUnix, kStream, kOpenNonblocking);
  {
    const auto listener = make(kFamilyUnix, kStream);
    REQUIRE(listener->bind(address));
    REQUIRE(listener->listen(1));
    REQUIRE(client->connect(address));
    REQUIRE(send(*client, "unread"));
  }
  CHECK((client->poll() & kPollError) != 0);
  CHECK(take(*client) == "ECONNRESET");
  CHECK(take(*client) == "");
  CHECK(text(send(*client, "x")) == "EPIPE");
  CHECK(text(make(kFamilyUnix, kStream)->connect(address)) == "ECONNREFUSED");
  CHECK(text(make(kFamilyUnix, kStream)->bind(address)) == "EADDRINUSE");
}

TEST_CASE("abstract names, and names that are given") {
  const Program program;
  using namespace std::string_view_literals;
  const auto address = unix_address("\0hidden"sv);
  {
    const auto first = make(kFamilyUnix, kDatagram);
    REQUIRE(first->bind(address));
    CHECK(text(make(kFamilyUnix, kDatagram)->bind(address)) == "EADDRINUSE");
    // Another type is another name.
    CHECK(text(make(kFamilyUnix, kStream)->bind(address)) == "0");
    CHECK(text(make(kFamilyUnix, kDatagram)->connect(address)) == "0");
  }
  CHECK(text(make(kFamilyUnix, kDatagram)->connect(address)) == "ECONNREFUSED");
  const auto automatic = make(kFamilyUnix, kDatagram);
  REQUIRE(automatic->bind(unix_address("")));
  SocketAddress name;
  REQUIRE(automatic->local_name(name));
  CHECK(name.length == 8);
  CHECK(name.bytes[2] == std::byte{0});
}

struct PairExpectation {
  int type;
  PollEvents after_send_shutdown, after_peer_close;
  const char* after_shutdown_send;
  const char* after_close_send;
};

TEST_CASE("pairs: ends and half ends") {
  const Program program;
  for (const PairExpectation& expected :
       {PairExpectation{kStream, 9029, 9045, "EPIPE", "EPIPE"},
        PairExpectation{kDatagram, 772, 772, "EPIPE", "ECONNREFUSED"},
        PairExpectation{kSequencedPacket, 9029, 9045, "EPIPE", "EPIPE"}}) {
    CAPTURE(expected.type);
    auto [a, b] = make_pair(expected.type);
    CHECK(a->poll() == kWritable);
    REQUIRE(a->shutdown(kShutSend));
    CHECK(a->poll() == kWritable);
    CHECK(b->poll() == expected.after_send_shutdown);
    CHECK(text(send(*a, "x")) == expected.after_shutdown_send);
    CHECK(text(send(*b, "y")) == "1");
    REQUIRE(a->shutdown(kShutReceive));
    CHECK(take(*a, 1) == "y");
    CHECK(text(send(*b, "x")) == "EPIPE");
    CHECK(a->poll() == 9045);
    a = nullptr;
    CHECK(b->poll() == expected.after_peer_close);
    CHECK(take(*b, 10) == (expected.type == kDatagram ? "EAGAIN" : ""));
    CHECK(text(send(*b, "x")) == expected.after_close_send);
    CHECK(text(send(*b, "x")) == (expected.type == kDatagram ? "ENOTCONN" : "EPIPE"));
    SocketAddress name;
    CHECK(text(b->peer_name(name)) == (expected.type == kDatagram ? "ENOTCONN" : "0"));
  }
}

TEST_CASE("a broken pipe is a signal for streams that write") {
  const Program program;
  auto [a, b] = make_pair(kStream);
  b = nullptr;
  const IoSegment segment{reinterpret_cast<std::uint64_t>("x"), 1};
  IoCursor cursor({&segment, 1});
  std::uint64_t offset = 0;
  CHECK(text(a->write(cursor, offset)) == "EPIPE");
  CHECK(HostedProgram::instance().broken_pipes == 1);
}

TEST_CASE("buffers are bounded as on Linux") {
  const Program program;
  for (const int type : {kStream, kDatagram, kSequencedPacket}) {
    CAPTURE(type);
    auto [a, b] = make_pair(type);
    int count = 0;
    while (send(*a, "x")) ++count;
    CHECK(count == 278);
    CHECK(text(send(*a, "x")) == "EAGAIN");
    CHECK(a->poll() == 0);
    // Writable again when three quarters are free.
    while (a->poll() == 0) {
      REQUIRE(receive(*b, 1).result);
      --count;
    }
    CHECK(count <= 70);
    CHECK(count >= 68);
  }
  auto [a, b] = make_pair(kDatagram);
  CHECK(text(send(*a, std::string(212993, 'x'))) == "EMSGSIZE");
  auto [c, d] = make_pair(kStream);
  const auto sent = send(*c, std::string(1'000'000, 'x'));
  REQUIRE(sent);
  CHECK(*sent > 200'000);
  CHECK(*sent < 260'000);
}

TEST_CASE("a time-out ends a wait") {
  const Program program;
  auto [a, b] = make_pair(kStream, 0);
  struct TimeValue {
    std::int64_t seconds, microseconds;
  };
  REQUIRE(set(*a, 1, 20, TimeValue{0, 2000}) == "0");
  CHECK(take(*a) == "EAGAIN");
}

TEST_CASE("a large transfer between threads arrives whole") {
  const Program program;
  auto [a, b] = make_pair(kStream, 0);
  constexpr std::size_t kTotal = 3'000'000;
  std::thread writer([&a = a] {
    std::string piece;
    std::size_t sent = 0;
    std::size_t size = 1;
    while (sent < kTotal) {
      size = std::min((size * 7 + 13) % 60'000 + 1, kTotal - sent);
      piece.resize(size);
      for (std::size_t i = 0; i < size; ++i) piece[i] = static_cast<char>((sent + i) * 31 % 251);
      if (*send(*a, piece) != size) break;
      sent += size;
    }
    (void)a->shutdown(kShutSend);
  });
  std::size_t got = 0;
  bool right = true;
  for (;;) {
    const auto piece = receive(*b, 50'000, got % 3 == 0 ? kMessageWaitAll : 0);
    REQUIRE(piece.result);
    if (piece.bytes.empty()) break;
    for (const char byte : piece.bytes) right &= byte == static_cast<char>(got++ * 31 % 251);
  }
  writer.join();
  CHECK(got == kTotal);
  CHECK(right);
}

TEST_CASE("connecting waits for room in the backlog, accepting for a connection") {
  const Program program;
  const auto listener = make(kFamilyUnix, kStream);
  const auto address = unix_address("/tmp/waiting");
  REQUIRE(listener->bind(address));
  REQUIRE(listener->listen(0));
  constexpr int kClients = 20;
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&address] {
      const auto client = make(kFamilyUnix, kStream);
      CHECK(text(client->connect(address)) == "0");
      CHECK(text(send(*client, "hello")) == "5");
      CHECK(take(*client) == "bye");
    });
  }
  for (int i = 0; i < kClients; ++i) {
    auto connection = listener->accept(0, nullptr);
    REQUIRE(connection);
    CHECK(take(**connection) == "hello");
    CHECK(text(send(**connection, "bye")) == "3");
  }
  for (auto& client : clients) client.join();
}

}  // namespace
}  // namespace plumbline::linux_abi
