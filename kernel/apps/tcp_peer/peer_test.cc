// The peer's three services over a loopback, against a client that is another connection of the
// same stack.
#include "apps/tcp_peer/peer.hh"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "net/queue_test_memory.hh"
#include "net/stack_path.hh"
#include "net/tcp/test_memory.hh"

namespace plumbline::tcp_peer {
namespace {

using net::tcp::Connection;

class PeerBench {
 public:
  explicit PeerBench(size_t buffers = 1024) : queue_memory(buffers) {
    net::StackPath::Configuration configuration;
    configuration.pool = &queue_memory.pool;
    configuration.memory = queue_memory.source();
    configuration.secret = {{1, 2}};
    path = std::make_unique<net::StackPath>(configuration, now);
    server = std::make_unique<net::StreamServer>(path->stack(), memory.source(), 1000);
    peer = std::make_unique<Peer>(path->memory());
    REQUIRE(peer->attach(*server, now));
  }
  ~PeerBench() {
    server->stop(now);
    run(seconds(1));
    path->stack().end(now);
    CHECK(server->streams() == 0);
    server.reset();
    peer.reset();
    path.reset();
    CHECK(queue_memory.bytes_out == 0);
    CHECK(queue_memory.pool.in_use() == 0);
    CHECK(memory.bytes() == 0);
  }

  Connection* connect(uint16_t port) {
    net::tcp::FlowKey key;
    key.local = key.remote = net::IpAddress::of(net::Ipv4Address::of(127, 0, 0, 1));
    key.remote_port = port;
    auto opening = path->stack().open(key, now);
    REQUIRE(opening);
    opening->connection->connect(opening->initial, opening->timestamp_offset, now);
    run(milliseconds(1));
    REQUIRE(opening->connection->state() == net::tcp::State::kEstablished);
    return opening->connection;
  }
  // Everything that goes by itself in so much time.
  void run(Nanoseconds time) {
    const Nanoseconds until = now + time;
    for (;;) {
      do {
        server->progress(now);
      } while (path->finish(now) || server->is_waiting());
      const auto next = path->stack().next_timer();
      if (!next || *next > until) break;
      now = std::max(now, *next);
      path->run_timers(now);
    }
    now = until;
  }
  size_t say(Connection& client, std::string_view text) {
    const size_t said =
        client.send(static_cast<uint32_t>(text.size()), false, now, [&](std::span<std::byte> to) {
          std::memcpy(to.data(), text.data(), to.size());
          text.remove_prefix(to.size());
          return to.size();
        });
    run(milliseconds(1));
    return said;
  }
  std::string hear(Connection& client, uint32_t most) {
    std::string text;
    client.read(most, now, [&](std::span<const std::byte> from) {
      text.append(reinterpret_cast<const char*>(from.data()), from.size());
      return from.size();
    });
    run(milliseconds(1));
    return text;
  }
  void close(Connection& client) {
    client.close(now);
    run(milliseconds(1));
  }

  Nanoseconds now = seconds(1000);
  net::TestQueueMemory queue_memory;
  net::tcp::TestMemory memory;
  std::unique_ptr<net::StackPath> path;
  std::unique_ptr<net::StreamServer> server;
  std::unique_ptr<Peer> peer;
};

TEST_CASE("what is said comes back, of all sizes, and the end is answered with an end") {
  PeerBench bench;
  Connection* const client = bench.connect(kEchoPort);
  uint32_t at = 0;
  for (const uint32_t size : {1U, 100U, 256U, 257U, 1448U, 5000U, 40'000U, 64U}) {
    const std::string text = net::stream_bytes(at, size);
    REQUIRE(bench.say(*client, text) == size);
    std::string back;
    for (int turn = 0; turn < 100 && back.size() < size; ++turn) {
      bench.run(milliseconds(50));
      back += bench.hear(*client, size);
    }
    CHECK(back == text);
    at += size;
  }
  client->shutdown_send(bench.now);
  bench.run(milliseconds(10));
  CHECK(client->peer_closed());
  CHECK(bench.server->streams() == 0);
  bench.close(*client);
}

TEST_CASE("an echo whose client does not read stops, and goes on when it does") {
  PeerBench bench;
  Connection* const client = bench.connect(kEchoPort);
  std::string said, heard;
  for (int turn = 0; turn < 2000; ++turn) {
    const std::string text = net::stream_bytes(static_cast<uint32_t>(said.size()), 30'000);
    const size_t taken = bench.say(*client, text);
    said += text.substr(0, taken);
    if (taken == 0) break;
  }
  REQUIRE(said.size() > 100'000);
  for (int turn = 0; turn < 5000 && heard.size() < said.size(); ++turn) {
    heard += bench.hear(*client, 100'000);
    bench.run(milliseconds(10));
  }
  CHECK(heard == said);
  bench.close(*client);
}

TEST_CASE("without memory for pages an echo waits, and nothing is lost") {
  PeerBench bench;
  Connection* const client = bench.connect(kEchoPort);
  const std::string text = net::stream_bytes(0, 3000);
  bench.queue_memory.refuse_pages = true;
  const size_t said = bench.say(*client, text);
  bench.run(milliseconds(500));
  bench.queue_memory.refuse_pages = false;
  std::string heard;
  for (int turn = 0; turn < 100 && heard.size() < said; ++turn) {
    bench.run(milliseconds(100));
    heard += bench.hear(*client, 10'000);
  }
  CHECK(heard == text.substr(0, said));
  bench.close(*client);
}

TEST_CASE("what is discarded makes room") {
  PeerBench bench;
  Connection* const client = bench.connect(kDiscardPort);
  bench.say(*client, "16384\n");
  size_t said = 0;
  for (int turn = 0; turn < 3000 && said < 3'000'000; ++turn) {
    said += bench.say(*client, net::stream_bytes(0, 16'384));
    bench.run(milliseconds(1));
  }
  CHECK(said >= 3'000'000);
  bench.close(*client);
  CHECK(bench.server->streams() == 0);
}

TEST_CASE("the generator sends the same bytes in messages of every size, until its client goes") {
  for (const char* size : {"1\n", "64\n", "300\n", "16384\n", "65536\n", "100000\n"}) {
    CAPTURE(size);
    PeerBench bench;
    Connection* const client = bench.connect(kGeneratorPort);
    // The line may come in pieces.
    bench.say(*client, std::string(size).substr(0, 1));
    bench.say(*client, size + 1);
    uint64_t at = 0;
    const uint64_t enough = size[0] == '1' && size[1] == '\n' ? 5'000 : 1'000'000;
    for (int turn = 0; turn < 10'000 && at < enough; ++turn) {
      for (const char character : bench.hear(*client, 200'000)) {
        REQUIRE(static_cast<std::byte>(character) == generated_byte(at));
        ++at;
      }
      bench.run(milliseconds(1));
    }
    CHECK(at >= enough);
    client->abort(bench.now);
    bench.run(milliseconds(1));
    CHECK(bench.server->streams() == 0);
  }
}

TEST_CASE("a first line that is no size ends the connection") {
  for (const char* line : {"x", "0\n", "\n", "99999999999", "1048577\n"}) {
    CAPTURE(line);
    PeerBench bench;
    Connection* const client = bench.connect(kGeneratorPort);
    bench.say(*client, line);
    CHECK(client->state() == net::tcp::State::kClosed);
    CHECK(bench.server->streams() == 0);
    bench.close(*client);
  }
}

TEST_CASE("10,000 clients come and go") {
  PeerBench bench;
  for (int turn = 0; turn < 100; ++turn) {
    std::vector<Connection*> clients;
    for (int i = 0; i < 100; ++i) {
      clients.push_back(bench.connect(kEchoPort));
      bench.say(*clients.back(), "hello");
    }
    CHECK(bench.server->streams() == 100);
    for (Connection* const client : clients) {
      CHECK(bench.hear(*client, 100) == "hello");
      client->abort(bench.now);
    }
    bench.run(milliseconds(1));
    CHECK(bench.server->streams() == 0);
  }
}

}  // namespace
}  // namespace plumbline::tcp_peer
