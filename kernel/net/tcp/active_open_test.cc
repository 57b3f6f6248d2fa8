// Opening connections: ports, pairs of ends that are taken, and what was there before.
#include <doctest/doctest.h>

#include <set>

#include "net/tcp/initial_sequence.hh"
#include "net/tcp/stack_bench.hh"

namespace plumbline::net::tcp {
namespace {

using namespace tcp_flags;

FlowKey to_peer(uint16_t local_port = 0) { return StackBench::key(8080, 1, local_port); }

TEST_CASE("a connection is opened from a chosen port, and the peer's answer finds it") {
  StackBench bench;
  const auto opening = bench.stack->open(to_peer(), bench.now);
  REQUIRE(opening);
  Connection* const connection = opening->connection;
  CHECK(connection->key.local_port >= 32768);
  CHECK(connection->key.local_port <= 60999);
  connection->connect(opening->initial, opening->timestamp_offset, bench.now);
  bench.stack->flush(bench.now);
  const auto syn = bench.next();
  CHECK(syn.segment.flags == kSyn);
  CHECK(syn.segment.sequence == opening->initial);
  CHECK(syn.key == connection->key);
  bench.hear(
      connection->key,
      {.flags = kSyn | kAck, .sequence = 9000, .acknowledgement = opening->initial.value + 1});
  CHECK(connection->state() == State::kEstablished);
  CHECK(bench.stack->open(connection->key, bench.now).error() == Errno::kEADDRINUSE);
  // Nobody answers an ICMP error about somebody else's segment.
  bench.stack->unreachable(to_peer(5), Errno::kECONNREFUSED, true, {}, bench.now);
  bench.stack->packet_too_big(to_peer(5), 576, {}, bench.now);
  connection->abort(bench.now);
  bench.stack->flush(bench.now);
}

TEST_CASE("ICMP's news reach a connection that is being opened") {
  StackBench bench;
  const auto opening = bench.stack->open(to_peer(), bench.now);
  opening->connection->connect(opening->initial, opening->timestamp_offset, bench.now);
  bench.stack->unreachable(opening->connection->key, Errno::kECONNREFUSED, true, opening->initial,
                           bench.now);
  CHECK(opening->connection->error() == Errno::kECONNREFUSED);
  CHECK(opening->connection->state() == State::kClosed);
  opening->connection->close(bench.now);
  bench.stack->flush(bench.now);
  CHECK(bench.stack->connections() == 0);
}

TEST_CASE("a connection that is never opened leaves its pair of ends") {
  StackBench bench;
  const auto opening = bench.stack->open(to_peer(5000), bench.now);
  CHECK(bench.stack->open(to_peer(5000), bench.now).error() == Errno::kEADDRINUSE);
  opening->connection->close(bench.now);
  bench.stack->flush(bench.now);
  const auto again = bench.stack->open(to_peer(5000), bench.now);
  REQUIRE(again);
  again->connection->close(bench.now);
  bench.stack->flush(bench.now);
}

TEST_CASE("ports run out for one peer, not for others, and come back") {
  StackConfiguration configuration = StackBench::standard();
  configuration.ports = {40'000, 40'099, 0, 2};
  StackBench bench(configuration);
  BenchListener listener([] {
    auto wanted = BenchListener::port_80();
    wanted.port = 40'010;
    return wanted;
  }());
  REQUIRE(bench.stack->listen(listener.listener));
  std::vector<Connection*> open;
  std::set<uint16_t> ports;
  // 50 of this stack, one of which somebody listens on.
  for (int i = 0; i < 49; ++i) {
    const auto opening = bench.stack->open(to_peer(), bench.now);
    REQUIRE(opening);
    open.push_back(opening->connection);
    CHECK(opening->connection->key.local_port % 2 == 0);
    CHECK(opening->connection->key.local_port != 40'010);
    CHECK(ports.insert(opening->connection->key.local_port).second);
  }
  CHECK(bench.stack->open(to_peer(), bench.now).error() == Errno::kEADDRNOTAVAIL);
  CHECK(bench.stack->open(to_peer(), bench.now).error() == Errno::kEADDRNOTAVAIL);
  FlowKey other = to_peer();
  other.remote_port = 8081;
  const auto opening = bench.stack->open(other, bench.now);
  REQUIRE(opening);
  open.push_back(opening->connection);
  open[7]->close(bench.now);
  const uint16_t freed = open[7]->key.local_port;
  open.erase(open.begin() + 7);
  bench.stack->flush(bench.now);
  const auto again = bench.stack->open(to_peer(), bench.now);
  REQUIRE(again);
  CHECK(again->connection->key.local_port == freed);
  open.push_back(again->connection);
  for (Connection* connection : open) connection->close(bench.now);
  bench.stack->flush(bench.now);
  bench.stack->unlisten(listener.listener, bench.now);
}

TEST_CASE("a pair of ends in TIME-WAIT is used again after a second, where there are timestamps") {
  for (const bool timestamps : {false, true}) {
    StackBench bench;
    const auto opening = bench.stack->open(to_peer(5000), bench.now);
    Connection* const connection = opening->connection;
    connection->connect(opening->initial, opening->timestamp_offset, bench.now);
    const auto said = [&](uint8_t flags, uint32_t sequence, uint32_t acknowledgement) {
      StackBench::Said made{
          .flags = flags, .sequence = sequence, .acknowledgement = acknowledgement};
      if (timestamps) made.timestamps = std::pair{1U, 0U};
      return made;
    };
    const uint32_t ours = opening->initial.value + 1;
    bench.hear(to_peer(5000), said(kSyn | kAck, 9000, ours));
    connection->close(bench.now);
    bench.stack->flush(bench.now);
    bench.hear(to_peer(5000), said(kFin | kAck, 9001, ours + 1));
    CHECK(bench.stack->time_waits() == 1);
    CHECK(bench.stack->open(to_peer(5000), bench.now).error() == Errno::kEADDRINUSE);
    bench.advance(seconds(1));
    const auto again = bench.stack->open(to_peer(5000), bench.now);
    CHECK(static_cast<bool>(again) == timestamps);
    if (again) {
      CHECK(again->initial > Sequence{ours + 1});
      CHECK(again->timestamp_offset == opening->timestamp_offset);
      CHECK(bench.stack->time_waits() == 0);
      again->connection->close(bench.now);
      bench.stack->flush(bench.now);
    }
  }
}

TEST_CASE("too many connections, and no memory for one") {
  StackConfiguration configuration = StackBench::standard();
  configuration.maximum_connections = 1;
  StackBench bench(configuration);
  bench.memory.set_limit(bench.memory.bytes());
  CHECK(bench.stack->open(to_peer(), bench.now).error() == Errno::kENOBUFS);
  bench.memory.set_limit(SIZE_MAX);
  const auto opening = bench.stack->open(to_peer(), bench.now);
  REQUIRE(opening);
  CHECK(bench.stack->open(to_peer(), bench.now).error() == Errno::kENOBUFS);
  opening->connection->close(bench.now);
  bench.stack->flush(bench.now);
}

TEST_CASE("initial numbers: a clock of 4 us, apart for all ends, always above the last") {
  const Secrets secrets{SipHashKey{{5, 6}}};
  const FlowKey key = StackBench::key();
  const Sequence at = initial_sequence(secrets, key, seconds(10));
  CHECK(initial_sequence(secrets, key, seconds(10) + microseconds(4)) == at + 1);
  CHECK(initial_sequence(secrets, key, seconds(11)) == at + 250'000);
  std::set<uint32_t> numbers;
  for (uint16_t port = 1; port <= 1000; ++port)
    numbers.insert(initial_sequence(secrets, StackBench::key(port), seconds(10)).value);
  CHECK(numbers.size() == 1000);
  CHECK(above({5}, {4}).value == 5);
  CHECK(above({5}, {5}).value == 65'541);
  CHECK(timestamp_offset(secrets, key) == timestamp_offset(secrets, key));
  CHECK(timestamp_offset(secrets, key) != timestamp_offset(secrets, StackBench::key(1)));
}

}  // namespace
}  // namespace plumbline::net::tcp
