// 100,000 connections on one stack: what they take, and what is left when they are gone.
#include <doctest/doctest.h>

#include "net/tcp/stack_bench.hh"

namespace plumbline::net::tcp {
namespace {

using namespace tcp_flags;

TEST_CASE("100,000 connections take 1 KiB each, are all reached, and leave nothing behind") {
  constexpr uint32_t kConnections = 100'000;
  StackConfiguration configuration = StackBench::standard();
  configuration.resets_per_second = 1'000'000;
  StackBench bench(configuration);
  BenchListener web(BenchListener::port_80(), kConnections);
  REQUIRE(bench.stack->listen(web.listener));
  const size_t before = bench.stack->memory();
  const auto key_of = [](uint32_t number) {
    return StackBench::key(static_cast<uint16_t>(1024 + number % 50'000), 1 + number / 50'000);
  };
  std::vector<uint32_t> ours(kConnections);
  std::vector<Connection*> connections(kConnections);
  for (uint32_t i = 0; i < kConnections; ++i) {
    ours[i] = bench.shake_hands(key_of(i));
    connections[i] = bench.stack->accept(web.listener);
    REQUIRE(connections[i] != nullptr);
    // As time goes by, so do the handshakes' timers.
    if (i % 1000 == 0) bench.advance(milliseconds(10));
  }
  CHECK(bench.stack->connections() == kConnections);
  CHECK(bench.stack->half_open() == 0);
  CHECK((bench.stack->memory() - before) / kConnections <= 1024);
  // Once the table has its size idle connections need no timers.
  bench.advance(seconds(20));
  CHECK(!bench.stack->next_timer());

  for (uint32_t i = 0; i < kConnections; i += 7) {
    bench.hear(key_of(i),
               {.flags = kAck, .sequence = 1001, .acknowledgement = ours[i], .payload = 1});
    REQUIRE(connections[i]->readable() == 1);
  }
  bench.advance(seconds(1));
  CHECK(bench.sent.size() >= kConnections / 7);
  bench.sent.clear();

  bench.keep = false;
  for (uint32_t i = 0; i < kConnections; ++i) {
    const bool spoke = i % 7 == 0;
    bench.hear(key_of(i), {.flags = kRst, .sequence = spoke ? 1002U : 1001U});
    REQUIRE(connections[i]->state() == State::kClosed);
    connections[i]->close(bench.now);
    bench.stack->flush(bench.now);
  }
  CHECK(bench.stack->connections() == 0);
  bench.advance(seconds(60));
  // A chunk of each slab is kept.
  CHECK(bench.stack->memory() - before <= 192 * kKiB);
  bench.stack->unlisten(web.listener, bench.now);
}

}  // namespace
}  // namespace plumbline::net::tcp
