// Who gets a connection: addresses, groups of listeners, several stacks.
#include "net/tcp/listener.hh"

#include <doctest/doctest.h>

#include <array>

#include "net/tcp/stack_bench.hh"

namespace plumbline::net::tcp {
namespace {

Listener::Configuration at(IpAddress address, bool v6_only = false) {
  Listener::Configuration configuration = BenchListener::port_80();
  configuration.address = address;
  configuration.v6_only = v6_only;
  return configuration;
}

// Which of the listeners got a connection that is now ended; -1: none.
int taker(StackBench& bench, const FlowKey& key, std::span<BenchListener* const> listeners) {
  bench.sent.clear();
  bench.hear(key, {.flags = tcp_flags::kSyn, .sequence = 1});
  const auto answer = bench.next();
  if (answer.segment.has(tcp_flags::kRst)) return -1;
  bench.hear(key, {.flags = tcp_flags::kAck,
                   .sequence = 2,
                   .acknowledgement = answer.segment.sequence.value + 1});
  for (size_t i = 0; i < listeners.size(); ++i) {
    if (Connection* const connection = bench.stack->accept(listeners[i]->listener)) {
      connection->abort(bench.now);
      bench.stack->flush(bench.now);
      return static_cast<int>(i);
    }
  }
  return -2;
}

TEST_CASE("the nearest address wins, and :: takes IPv4 unless it is told not to") {
  const IpAddress own = StackBench::key().local;
  for (const bool v6_only : {false, true}) {
    StackBench bench;
    BenchListener exact(at(own)), any_v4(at(IpAddress::any_v4())),
        any(at(IpAddress::any_v6(), v6_only));
    const std::array<BenchListener*, 3> all{&exact, &any_v4, &any};
    FlowKey other = StackBench::key();
    other.local = IpAddress::of(Ipv4Address::of(10, 9, 0, 3));
    CHECK(taker(bench, other, all) == -1);
    for (BenchListener* listener : all) REQUIRE(bench.stack->listen(listener->listener));
    CHECK(taker(bench, StackBench::key(), all) == 0);
    CHECK(taker(bench, other, all) == 1);
    CHECK(taker(bench, StackBench::key_v6(), all) == 2);
    bench.stack->unlisten(exact.listener, bench.now);
    CHECK(taker(bench, StackBench::key(), all) == 1);
    bench.stack->unlisten(any_v4.listener, bench.now);
    CHECK(taker(bench, StackBench::key(), all) == (v6_only ? -1 : 2));
    CHECK(taker(bench, StackBench::key(4000, 1, 81), all) == -1);
    bench.stack->unlisten(any.listener, bench.now);
    CHECK(taker(bench, StackBench::key_v6(), all) == -1);
  }
}

TEST_CASE("a link-local listener hears its own link only") {
  StackBench bench;
  Listener::Configuration configuration = at(IpAddress::of_v6(0xfe80'0000'0000'0000, 2));
  configuration.zone = 3;
  BenchListener local(configuration);
  REQUIRE(bench.stack->listen(local.listener));
  const std::array<BenchListener*, 1> all{&local};
  FlowKey key = StackBench::key_v6();
  key.local = configuration.address;
  key.zone = 3;
  CHECK(taker(bench, key, all) == 0);
  key.zone = 4;
  CHECK(taker(bench, key, all) == -1);
  bench.stack->unlisten(local.listener, bench.now);
}

TEST_CASE("an address and port are one listener's, or all share") {
  StackBench bench;
  BenchListener first, second;
  REQUIRE(bench.stack->listen(first.listener));
  CHECK(bench.stack->listen(second.listener).error() == Errno::kEADDRINUSE);
  Listener::Configuration shared = BenchListener::port_80();
  shared.reuse_port = true;
  BenchListener third(shared), fourth(shared);
  CHECK(bench.stack->listen(third.listener).error() == Errno::kEADDRINUSE);
  bench.stack->unlisten(first.listener, bench.now);
  REQUIRE(bench.stack->listen(third.listener));
  REQUIRE(bench.stack->listen(fourth.listener));
  CHECK(bench.stack->listen(second.listener).error() == Errno::kEADDRINUSE);
  bench.stack->unlisten(third.listener, bench.now);
  bench.stack->unlisten(fourth.listener, bench.now);
  REQUIRE(bench.stack->listen(second.listener));
  bench.stack->unlisten(second.listener, bench.now);
  bench.stack->unlisten(second.listener, bench.now);  // it does not listen: nothing happens
}

TEST_CASE("those who share a port get about as many connections each; a home gets all") {
  StackBench bench;
  Listener::Configuration shared = BenchListener::port_80();
  shared.reuse_port = true;
  std::array<std::unique_ptr<BenchListener>, 4> owned;
  std::array<BenchListener*, 4> all;
  for (size_t i = 0; i < 4; ++i) {
    owned[i] = std::make_unique<BenchListener>(shared);
    all[i] = owned[i].get();
    REQUIRE(bench.stack->listen(all[i]->listener));
  }
  std::array<int, 4> counts{};
  for (uint16_t port = 1000; port < 3000; ++port)
    ++counts[static_cast<size_t>(taker(bench, StackBench::key(port), all))];
  for (const int count : counts) {
    CHECK(count > 400);
    CHECK(count < 600);
  }
  shared.home = 0;  // the number of this stack
  BenchListener home(shared);
  shared.home = 1;
  BenchListener elsewhere(shared);
  REQUIRE(bench.stack->listen(elsewhere.listener));
  REQUIRE(bench.stack->listen(home.listener));
  const std::array<BenchListener*, 1> only{&home};
  for (uint16_t port = 1000; port < 1050; ++port)
    CHECK(taker(bench, StackBench::key(port), only) == 0);
  bench.stack->unlisten(home.listener, bench.now);
  bench.stack->unlisten(elsewhere.listener, bench.now);
  for (BenchListener* listener : all) bench.stack->unlisten(listener->listener, bench.now);
}

TEST_CASE("one listener on several stacks: each accepts its own, the backlog is for all") {
  StackConfiguration configuration = StackBench::standard();
  StackBench first(configuration);
  configuration.number = 5;
  StackBench second(configuration);
  BenchListener web(BenchListener::port_80(), 2, 6);
  REQUIRE(first.stack->listen(web.listener));
  REQUIRE(second.stack->listen(web.listener));
  second.shake_hands(StackBench::key(1));
  CHECK(web.woken_stack == 5);
  CHECK(web.listener.next_ready(0) == 5);
  CHECK(web.listener.next_ready(63) == 5);
  first.shake_hands(StackBench::key(2));
  second.shake_hands(StackBench::key(3));
  CHECK(web.listener.queued() == 3);
  CHECK(web.listener.next_ready(0) == 0);
  CHECK(web.listener.next_ready(1) == 5);
  CHECK(web.listener.full());
  first.hear(StackBench::key(4), {.flags = tcp_flags::kSyn});
  CHECK(first.sent.empty());
  Connection* const connection = second.stack->accept(web.listener);
  CHECK(connection->key.remote_port == 1);
  connection->abort(second.now);
  second.stack->flush(second.now);
  second.stack->unlisten(web.listener, second.now);
  CHECK(web.listener.queued() == 1);
  CHECK(web.listener.next_ready(5) == 0);
  first.stack->unlisten(web.listener, first.now);
  CHECK(!web.listener.ready());
}

}  // namespace
}  // namespace plumbline::net::tcp
