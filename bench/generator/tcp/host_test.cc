#include "tcp/host.hh"

#include <doctest/doctest.h>

#include "network/arp.hh"
#include "tcp/test_network.hh"
#include "traffic/random.hh"

using namespace plumbline::generator;
using plumbline::Nanoseconds;

namespace {

struct Owner : plumbline::net::tcp::Owner {
  Owner() {
    notify = [](plumbline::net::tcp::Owner& self, plumbline::net::tcp::Connection&, uint32_t told) {
      static_cast<Owner&>(self).events |= told;
    };
  }
  uint32_t events = 0;
};

// Two hosts on one wire, the second with a server.
struct Pair {
  explicit Pair(TestServer::Answer answer) {
    client_port.connect(server_port);
    server_port.connect(client_port);
    server = std::make_unique<TestServer>(server_port, 7, std::move(answer));
    client_port.before_receiving = [this] { server->poll(); };
  }
  WirePort client_port;
  WirePort server_port;
  std::unique_ptr<TestServer> server;
};

void echo(TestServer::Session& each) {
  each.unsent += each.received;
  each.received.clear();
}

// Sends bytes through the echo and gives those that came back.
std::string there_and_back(Pair& pair, const std::string& sent) {
  Host host(pair.client_port, {.own = kTestClient, .peer = kTestServer}, kTestScale,
            [](std::span<const uint8_t>) {});
  Owner owner;
  auto* const connection = host.connect(0, 7, owner);
  REQUIRE(connection != nullptr);
  std::string received;
  size_t at = 0;
  const uint64_t end = monotonic_ns() + 30'000'000'000;
  while (received.size() < sent.size() && monotonic_ns() < end) {
    host.receive();
    if ((owner.events & plumbline::net::tcp::kConnected) != 0 && at < sent.size()) {
      at += connection->send(static_cast<uint32_t>(sent.size() - at), false, host.now(),
                             [&, from = sent.data() + at](std::span<std::byte> to) mutable {
                               std::memcpy(to.data(), from, to.size());
                               from += to.size();
                               return to.size();
                             });
    }
    connection->read(connection->readable(), host.now(), [&](std::span<const std::byte> from) {
      received.append(reinterpret_cast<const char*>(from.data()), from.size());
      return from.size();
    });
    host.flush();
  }
  connection->abort(host.now());
  host.flush();
  return received;
}

std::string random_text(size_t bytes) {
  std::string text(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>(mix(i));
  return text;
}

}  // namespace

TEST_CASE("megabytes come back as they were, in frames of 64 KiB") {
  Pair pair(echo);
  uint32_t longest = 0;
  pair.client_port.loses = [&](const plumbline::net::PacketBuffer& frame) {
    longest = std::max(longest, plumbline::net::frame_length(&frame));
    return false;
  };
  const std::string sent = random_text(5 << 20);
  CHECK(there_and_back(pair, sent) == sent);
  CHECK(longest > 60'000);
}

TEST_CASE("without offloads frames are Ethernet's, and their checksums right") {
  Pair pair(echo);
  pair.client_port.offloads = false;
  uint32_t longest = 0;
  pair.client_port.loses = [&](const plumbline::net::PacketBuffer& frame) {
    longest = std::max(longest, plumbline::net::frame_length(&frame));
    return false;
  };
  const std::string sent = random_text(200'000);
  CHECK(there_and_back(pair, sent) == sent);
  CHECK(longest == 1514);
  CHECK(pair.server->host().stack().statistics().bad_checksum == 0);
}

TEST_CASE("lost frames, and a ring that takes few at a time, change nothing but the time") {
  Pair pair(echo);
  uint32_t number = 0;
  pair.client_port.loses = [&](const plumbline::net::PacketBuffer&) { return ++number % 17 == 0; };
  pair.server_port.loses = [&](const plumbline::net::PacketBuffer&) { return ++number % 23 == 0; };
  pair.client_port.most_sent = 3;
  const std::string sent = random_text(1 << 20);
  CHECK(there_and_back(pair, sent) == sent);
}

TEST_CASE("what is not for this host's TCP is handed on or ignored") {
  Pair pair(echo);
  uint32_t others = 0;
  Host host(pair.client_port, {.own = kTestClient, .addresses = 2, .peer = kTestServer}, kTestScale,
            [&](std::span<const uint8_t>) { ++others; });
  for (const size_t bytes : {0, 1, 13, 41, 60, 1500})
    pair.client_port.inject(std::vector<std::byte>(bytes + 1));
  host.receive();
  CHECK(others == 6);
  // Of all addresses that are ours, connections can be made.
  Owner first, second;
  auto* const a = host.connect(0, 7, first);
  auto* const b = host.connect(1, 7, second);
  // The one in between is the server's.
  CHECK(b->key.local.v4().value - a->key.local.v4().value == 2);
  for (int i = 0; i < 10; ++i) {
    host.flush();
    host.receive();
  }
  CHECK((first.events & plumbline::net::tcp::kConnected) != 0);
  CHECK((second.events & plumbline::net::tcp::kConnected) != 0);
  a->abort(host.now());
  b->abort(host.now());
}
