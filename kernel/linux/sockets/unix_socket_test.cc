// AF_UNIX sockets against what Linux does; the errors and events are those that a C program showed
// there (kernel/linux/conformance/unix_sockets.c asks for most of them end to end).
#include <doctest/doctest.h>

#include <thread>

#include "linux/sockets/control_buffer.hh"
#include "linux/sockets/test_sockets.hh"

namespace plumbline::linux_abi {
namespace {

using namespace test;

constexpr PollEvents kReadable = kPollIn | kPollReadNormal;
constexpr PollEvents kWritable = kPollOut | kPollWriteNormal | kPollWriteBand;

struct Program {
  Program() { HostedProgram::instance().reset(); }
  ~Program() { HostedProgram::instance().reset(); }
};

TEST_CASE("which sockets there are") {
  const Program program;
  CHECK(error_of(make_socket(kFamilyUnix, 4, 0, 0)) == "ESOCKTNOSUPPORT");
  CHECK(error_of(make_socket(kFamilyUnix, 1, 1, 0)) == "ok");
  CHECK(error_of(make_socket(kFamilyUnix, 1, 2, 0)) == "EPROTONOSUPPORT");
  CHECK(error_of(make_socket(kFamilyUnix, 3, 0, 0)) == "ok");
  CHECK(error_of(make_socket(99, 1, 0, 0)) == "EAFNOSUPPORT");
  CHECK(error_of(make_socket(kFamilyInternet, 2, 6, 0)) == "EPROTONOSUPPORT");
  CHECK(error_of(make_socket(kFamilyInternet, 5, 0, 0)) == "ESOCKTNOSUPPORT");
  CHECK(error_of(make_socket(kFamilyInternet, 77, 0, 0)) == "EINVAL");
  CHECK(error_of(make_socket(kFamilyInternet6, 2, 0, 0)) == "EAFNOSUPPORT");
  CHECK(error_of(make_socket_pair(kFamilyInternet, 2, 0, 0)) == "EOPNOTSUPP");
}

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

TEST_CASE("datagrams and packets keep their ends, streams do not") {
  const Program program;
  for (const int type : {kStream, kDatagram, kSequencedPacket}) {
    CAPTURE(type);
    auto [a, b] = make_pair(type);
    REQUIRE(send(*a, "hello"));
    REQUIRE(send(*a, ""));
    REQUIRE(send(*a, "world"));
    if (type == kStream) {
      CHECK(take(*b, 3, kMessagePeek) == "hel");
      CHECK(take(*b, 100, kMessagePeek) == "helloworld");
      CHECK(take(*b, 7) == "hellowo");
      CHECK(take(*b, 7) == "rld");
      CHECK(take(*b, 7) == "EAGAIN");
      continue;
    }
    auto peeked = receive(*b, 2, kMessagePeek | kMessageTruncated);
    CHECK(*peeked.result == 5);
    CHECK(peeked.flags == kMessageTruncated);
    auto first = receive(*b, 2);
    CHECK(first.bytes == "he");
    CHECK(first.flags == kMessageTruncated);
    CHECK(take(*b) == "");
    CHECK(take(*b) == "world");
    CHECK(take(*b) == "EAGAIN");
  }
}

TEST_CASE("datagrams to names, and whose they are") {
  const Program program;
  const auto server = make(kFamilyUnix, kDatagram, kOpenNonblocking);
  const auto client = make(kFamilyUnix, kDatagram, kOpenNonblocking);
  const auto address = unix_address("/tmp/datagrams");
  REQUIRE(server->bind(address));
  CHECK(text(send_to(*client, "anonymous", address)) == "9");
  CHECK(receive(*server).from.length == 0);
  REQUIRE(client->bind(unix_address("/tmp/client")));
  CHECK(text(send_to(*client, "named", address)) == "5");
  const auto named = receive(*server);
  CHECK(named.bytes == "named");
  CHECK(text(send_to(*server, "back", named.from)) == "4");
  CHECK(take(*client) == "back");
  CHECK(text(send(*client, "x")) == "ENOTCONN");
  REQUIRE(client->connect(address));
  // One more than the limit, as on Linux; the last one waits.
  int count = 0;
  while (send(*client, "x")) ++count;
  CHECK(count == 11);
  CHECK((client->poll() & kPollOut) == 0);
  CHECK(take(*server) == "x");
  CHECK((client->poll() & kPollOut) != 0);
}

// Ancillary data with one header and descriptors behind it.
std::string rights(std::initializer_list<int> descriptors) {
  std::string control(kControlHeader + descriptors.size() * 4, '\0');
  store_unaligned(control.data(), std::uint64_t{control.size()});
  store_unaligned(control.data() + 8, kLevelSocket);
  store_unaligned(control.data() + 12, kControlRights);
  std::size_t at = kControlHeader;
  for (const int descriptor : descriptors) {
    store_unaligned(control.data() + at, descriptor);
    at += 4;
  }
  return control;
}
Status parse(SendControl& control, const std::string& bytes) {
  return parse_control(control, kFamilyUnix, std::as_bytes(std::span(bytes.data(), bytes.size())));
}

TEST_CASE("descriptors travel, and close when nobody takes them") {
  const Program program;
  HostedProgram& hosted = HostedProgram::instance();
  auto [a, b] = make_pair(kStream);
  auto [passed, other] = make_pair(kStream);
  const int descriptor = *install_descriptor(passed, false);
  passed = nullptr;
  const auto send_rights = [&](std::string_view bytes) {
    SendControl control;
    REQUIRE(parse(control, rights({descriptor, descriptor})));
    SendRequest request;
    request.control = &control;
    REQUIRE(send(*a, bytes, request));
  };
  send_rights("one");
  send_rights("two");
  send_rights("three");
  hosted.descriptors.clear();
  std::array<std::byte, 64> control_bytes{};
  const auto control_at = reinterpret_cast<std::uint64_t>(control_bytes.data());
  {
    ControlWriter control(control_at, control_bytes.size());
    // A read stops at the end of the message that has descriptors.
    CHECK(receive(*b, 100, 0, &control).bytes == "one");
    CHECK(control.used() == kControlHeader + 8);
    CHECK(hosted.descriptors.size() == 2);
    CHECK(text(send(*Socket::of(*hosted.descriptors[0]), "through")) == "7");
    CHECK(take(*other) == "through");
  }
  {
    // Room for one of two.
    ControlWriter control(control_at, kControlHeader + 4);
    CHECK(receive(*b, 100, 0, &control).bytes == "two");
    CHECK(control.truncated());
    CHECK(hosted.descriptors.size() == 3);
  }
  hosted.descriptors.clear();
  CHECK((other->poll() & kPollHangup) == 0);
  b = nullptr;
  // What was on its way is closed with the socket it was on its way to.
  CHECK((other->poll() & kPollHangup) != 0);
}

TEST_CASE("a long chain of sockets inside sockets closes without depth") {
  const Program program;
  HostedProgram& hosted = HostedProgram::instance();
  auto [last, end] = make_pair(kStream);
  for (int i = 0; i < 20000; ++i) {
    auto [a, b] = make_pair(kStream);
    const int descriptor = *install_descriptor(std::move(last), false);
    SendControl control;
    REQUIRE(parse(control, rights({descriptor})));
    SendRequest request;
    request.control = &control;
    REQUIRE(send(*a, "x", request));
    hosted.descriptors.clear();
    last = std::move(b);
  }
  CHECK((end->poll() & kPollHangup) == 0);
  last = nullptr;
  CHECK((end->poll() & kPollHangup) != 0);
}

TEST_CASE("wrong ancillary data") {
  const Program program;
  SendControl control;
  CHECK(text(parse(control, rights({999}))) == "EBADF");
  std::string bytes = rights({});
  store_unaligned(bytes.data() + 12, 77);
  CHECK(text(parse(control, bytes)) == "EINVAL");
  store_unaligned(bytes.data() + 8, 77);
  CHECK(text(parse(control, bytes)) == "0");
  for (const std::uint64_t length : {std::uint64_t{0}, std::uint64_t{15}, std::uint64_t{17},
                                     ~std::uint64_t{0}, std::uint64_t{1} << 63}) {
    store_unaligned(bytes.data(), length);
    CHECK(text(parse(control, bytes)) == "EINVAL");
  }
  CHECK(text(parse(control, "short")) == "0");
}

TEST_CASE("credentials") {
  const Program program;
  auto [a, b] = make_pair(kStream);
  REQUIRE(set(*b, 1, 16, 1) == "0");
  HostedProgram::instance().credentials = {200, 5, 6};
  REQUIRE(send(*a, "first"));
  HostedProgram::instance().credentials = {201, 5, 6};
  REQUIRE(send(*a, "second"));
  alignas(8) std::array<std::byte, 64> bytes{};
  ControlWriter control(reinterpret_cast<std::uint64_t>(bytes.data()), bytes.size());
  // Bytes of two senders are not given in one piece.
  CHECK(receive(*b, 100, 0, &control).bytes == "first");
  CHECK(load_unaligned<ProcessCredentials>(bytes.data() + kControlHeader) ==
        ProcessCredentials{200, 5, 6});
  CHECK(control.used() == 32);
  CHECK(take(*b) == "second");
}

TEST_CASE("options") {
  const Program program;
  auto [a, b] = make_pair(kStream);
  CHECK(get(*a, 1, 8) == "212992");
  CHECK(set(*a, 1, 8, 1) == "0");
  CHECK(get(*a, 1, 8) == "2304");
  CHECK(set(*a, 1, 7, 1) == "0");
  CHECK(get(*a, 1, 7) == "4608");
  CHECK(set(*a, 1, 7, 1 << 28) == "0");
  CHECK(get(*a, 1, 7) == "425984");
  CHECK(set(*a, 6, 1, 1) == "EOPNOTSUPP");
  CHECK(get(*a, 6, 1) == "EOPNOTSUPP");
  CHECK(set(*a, 1, 999, 1) == "ENOPROTOOPT");
  CHECK(get(*a, 1, 999) == "ENOPROTOOPT");
  CHECK(set(*a, 1, 3, 1) == "ENOPROTOOPT");
  CHECK(get(*a, 1, 3) == "1");
  CHECK(get(*a, 1, 39) == "1");
  CHECK(get(*a, 1, 38) == "0");
  CHECK(get(*a, 1, 42) == "-1");
  CHECK(set(*a, 1, 2, std::array<char, 3>{}) == "EINVAL");
  CHECK(text(a->set_option(1, 2, 0, 4)) == "EFAULT");
  CHECK(text(a->get_option(1, 3, 0, 4)) == "EFAULT");
  CHECK(text(a->get_option(1, 3, 0, -1)) == "EINVAL");
  struct TimeValue {
    std::int64_t seconds, microseconds;
  };
  CHECK(set(*a, 1, 20, TimeValue{0, 1000001}) == "EDOM");
  CHECK(set(*a, 1, 20, 5000) == "EINVAL");
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

TEST_CASE("datagrams of many threads") {
  const Program program;
  const auto server = make(kFamilyUnix, kDatagram);
  const auto address = unix_address("/tmp/many");
  REQUIRE(server->bind(address));
  constexpr int kThreads = 4, kEach = 500;
  std::vector<std::thread> senders;
  for (int i = 0; i < kThreads; ++i) {
    senders.emplace_back([&address] {
      const auto sender = make(kFamilyUnix, kDatagram);
      for (int n = 0; n < kEach; ++n) CHECK(text(send_to(*sender, "datagram", address)) == "8");
    });
  }
  for (int n = 0; n < kThreads * kEach; ++n) CHECK(take(*server) == "datagram");
  for (auto& sender : senders) sender.join();
}

}  // namespace
}  // namespace plumbline::linux_abi
