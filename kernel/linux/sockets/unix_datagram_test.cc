// AF_UNIX datagrams and packets against what Linux does.
#include <thread>

#include "linux/sockets/unix_test.hh"

namespace plumbline::linux_abi {
namespace {

using namespace test;

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

TEST_CASE("a sender that was refused is told when there is room, whoever's datagram was taken") {
  const Program program;
  const auto server = make(kFamilyUnix, kDatagram);
  const auto address = unix_address("/tmp/refused");
  REQUIRE(server->bind(address));
  constexpr int kThreads = 4, kEach = 500;
  std::vector<std::thread> senders;
  for (int i = 0; i < kThreads; ++i) {
    senders.emplace_back([&address] {
      const auto sender = make(kFamilyUnix, kDatagram, kOpenNonblocking);
      REQUIRE(sender->connect(address));
      for (int n = 0; n < kEach;) {
        if (text(send(*sender, "datagram")) == "8") {
          ++n;
          continue;
        }
        PollRequest request{.file = sender.get(), .wanted = kPollOut};
        const auto ready = poll_files({&request, 1}, Deadline::after(milliseconds(20'000)));
        REQUIRE((ready && *ready == 1));
      }
    });
  }
  for (int n = 0; n < kThreads * kEach; ++n) CHECK(take(*server) == "datagram");
  for (auto& sender : senders) sender.join();
}

TEST_CASE("the end of a receiver tells those it refused") {
  const Program program;
  auto server = make(kFamilyUnix, kDatagram);
  const auto address = unix_address("/tmp/ending");
  REQUIRE(server->bind(address));
  auto full = make(kFamilyUnix, kDatagram, kOpenNonblocking);
  auto gone = make(kFamilyUnix, kDatagram, kOpenNonblocking);
  auto left = make(kFamilyUnix, kDatagram, kOpenNonblocking);
  for (Ref<Socket>* sender : {&full, &gone, &left}) REQUIRE((*sender)->connect(address));
  while (send(*full, "x")) {
  }
  for (Ref<Socket>* sender : {&full, &gone, &left}) {
    CHECK(text(send(**sender, "x")) == "EAGAIN");
    CHECK(((*sender)->poll() & kPollOut) == 0);
  }
  gone = {};
  server = {};
  for (Ref<Socket>* sender : {&full, &left}) {
    CHECK(((*sender)->poll() & kPollOut) != 0);
    CHECK(text(send(**sender, "x")) == "ECONNREFUSED");
  }
}

}  // namespace
}  // namespace plumbline::linux_abi
