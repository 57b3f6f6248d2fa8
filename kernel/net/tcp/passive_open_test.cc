// Half-open connections, listeners' queues, and SYN cookies.
#include <doctest/doctest.h>

#include <set>

#include "net/tcp/stack_bench.hh"
#include "net/tcp/syn_cookie.hh"

namespace plumbline::net::tcp {
namespace {

using namespace tcp_flags;
using Sent = StackBench::Sent;
using Said = StackBench::Said;

// Reads what there is and closes.
void finish(StackBench& bench, Connection* connection) {
  REQUIRE(connection != nullptr);
  connection->abort(bench.now);
  bench.stack->flush(bench.now);
}

const Said kFullSyn{.flags = kSyn,
                    .sequence = 1000,
                    .mss = 1400,
                    .window_scale = 9,
                    .sack_permitted = true,
                    .timestamps = std::pair{500U, 0U}};

TEST_CASE("options are offered back as they were offered, and agreed upon") {
  StackBench bench;
  BenchListener web;
  REQUIRE(bench.stack->listen(web.listener));
  const FlowKey key = StackBench::key();
  bench.hear(key, kFullSyn);
  const Sent answer = bench.next();
  CHECK(answer.segment.options.has_timestamp);
  CHECK(answer.segment.options.timestamp_echo == 500);
  CHECK(answer.segment.options.sack_permitted);
  CHECK(answer.segment.options.window_scale == 7);  // 6 MiB
  CHECK(answer.segment.window == 65535);
  bench.hear(key, {.flags = kAck,
                   .sequence = 1001,
                   .acknowledgement = answer.segment.sequence.value + 1,
                   .timestamps = std::pair{501U, answer.segment.options.timestamp_value}});
  Connection* const connection = bench.stack->accept(web.listener);
  REQUIRE(connection != nullptr);
  CHECK(connection->uses_timestamps());
  CHECK(connection->receive_scale() == 7);
  CHECK(connection->recent_timestamp() == 501);
  finish(bench, connection);
  bench.stack->unlisten(web.listener, bench.now);
}

TEST_CASE("a listener's wishes show in its SYN") {
  StackBench bench;
  Listener::Configuration configuration = BenchListener::port_80();
  configuration.receive_buffer = 20'000;
  configuration.maximum_segment = 900;
  configuration.traffic_class = 0x28;
  configuration.hop_limit = 3;
  BenchListener web(configuration);
  REQUIRE(bench.stack->listen(web.listener));
  bench.hear(StackBench::key(), kFullSyn);
  const Sent answer = bench.next();
  CHECK(answer.segment.options.mss == 900);
  CHECK(answer.segment.options.window_scale == 0);
  CHECK(answer.segment.window == 20'000);
  CHECK(answer.how.traffic_class == 0x28);
  CHECK(answer.how.hop_limit == 3);
  bench.stack->unlisten(web.listener, bench.now);
}

TEST_CASE("ECN is agreed upon when the SYN asks for it") {
  StackBench bench;
  BenchListener web;
  REQUIRE(bench.stack->listen(web.listener));
  bench.hear(StackBench::key(1), {.flags = kSyn | kEce | kCwr});
  CHECK(bench.next().segment.flags == (kSyn | kAck | kEce));
  bench.hear(StackBench::key(2), {.flags = kSyn | kEce});
  CHECK(bench.next().segment.flags == (kSyn | kAck));
  bench.stack->unlisten(web.listener, bench.now);
}

TEST_CASE("our SYN is repeated five times, 1, 2, 4, ... seconds apart, then forgotten") {
  StackBench bench;
  BenchListener web;
  REQUIRE(bench.stack->listen(web.listener));
  const Nanoseconds start = bench.now;
  bench.hear(StackBench::key(), {.flags = kSyn, .sequence = 1000});
  const Sent first = bench.next();
  std::vector<uint64_t> at;
  while (bench.stack->half_open() != 0) {
    bench.advance(milliseconds(100));
    while (!bench.sent.empty()) {
      const Sent again = bench.next();
      CHECK(again.segment.flags == (kSyn | kAck));
      CHECK(again.segment.sequence == first.segment.sequence);
      at.push_back((bench.now - start).count / seconds(1).count);
    }
  }
  CHECK(at == std::vector<uint64_t>{1, 3, 7, 15, 31});
  CHECK((bench.now - start).count / seconds(1).count == 63);
  CHECK(bench.stack->statistics().half_open_timed_out == 1);
  CHECK(web.listener.half_open() == 0);
  bench.stack->unlisten(web.listener, bench.now);
}

TEST_CASE("what half-open connections are told") {
  StackBench bench;
  BenchListener web;
  REQUIRE(bench.stack->listen(web.listener));
  const FlowKey key = StackBench::key();
  bench.hear(key, {.flags = kSyn, .sequence = 1000});
  const uint32_t ours = bench.next().segment.sequence.value + 1;
  // The SYN again.
  bench.hear(key, {.flags = kSyn, .sequence = 1000});
  Sent answer = bench.next();
  CHECK(answer.segment.flags == (kSyn | kAck));
  CHECK(answer.segment.sequence.value == ours - 1);
  // Outside of the window, and a SYN in it: where we are (RFC 5961).
  for (const Said& said : {Said{.flags = kAck, .sequence = 1001 + 65535, .acknowledgement = ours},
                           Said{.flags = kAck, .sequence = 900, .acknowledgement = ours},
                           Said{.flags = kSyn, .sequence = 2000},
                           Said{.flags = kSyn | kAck, .sequence = 1001, .acknowledgement = ours},
                           Said{.flags = kRst, .sequence = 1002}}) {
    bench.hear(key, said);
    answer = bench.next();
    CHECK(answer.segment.flags == kAck);
    CHECK(answer.segment.sequence.value == ours);
    CHECK(answer.segment.acknowledgement.value == 1001);
    CHECK(bench.sent.empty());
  }
  // A RST that does not fit, nothing at all.
  bench.hear(key, {.flags = kRst, .sequence = 999});
  bench.hear(key, {.flags = kRst, .sequence = 1001 + 65535});
  bench.hear(key, {.flags = kPsh, .sequence = 1001, .payload = 3});
  CHECK(bench.sent.empty());
  CHECK(bench.stack->half_open() == 1);
  // The wrong acknowledgement.
  bench.hear(key, {.flags = kAck, .sequence = 1001, .acknowledgement = ours + 1});
  answer = bench.next();
  CHECK(answer.segment.flags == kRst);
  CHECK(answer.segment.sequence.value == ours + 1);
  CHECK(bench.stack->half_open() == 1);
  // The RST that fits.
  bench.hear(key, {.flags = kRst, .sequence = 1001});
  CHECK(bench.sent.empty());
  CHECK(bench.stack->half_open() == 0);
  CHECK(bench.stack->statistics().half_open_reset == 1);
  bench.stack->unlisten(web.listener, bench.now);
}

TEST_CASE("a SYN with FIN, and segments without SYN or ACK, do nothing to a listener") {
  StackBench bench;
  BenchListener web;
  REQUIRE(bench.stack->listen(web.listener));
  bench.hear(StackBench::key(), {.flags = kSyn | kFin});
  bench.hear(StackBench::key(), {.flags = kFin});
  bench.hear(StackBench::key(), {.flags = 0, .payload = 10});
  CHECK(bench.sent.empty());
  CHECK(bench.stack->half_open() == 0);
  bench.hear(StackBench::key(), {.flags = kSyn | kAck, .sequence = 1, .acknowledgement = 99});
  CHECK(bench.next().segment.flags == kRst);
  bench.stack->unlisten(web.listener, bench.now);
}

TEST_CASE("a full queue keeps newcomers out until somebody accepts") {
  StackBench bench;
  BenchListener web(BenchListener::port_80(), 1);
  REQUIRE(bench.stack->listen(web.listener));
  const uint32_t third = [&] {
    bench.shake_hands(StackBench::key(1));
    bench.hear(StackBench::key(3), {.flags = kSyn, .sequence = 1000});
    const uint32_t ours = bench.next().segment.sequence.value + 1;
    bench.shake_hands(StackBench::key(2));
    return ours;
  }();
  CHECK(web.listener.queued() == 2);  // the backlog and one
  // SYNs are not answered, nor is the end of a handshake that had begun.
  bench.hear(StackBench::key(4), {.flags = kSyn});
  const Said last{.flags = kAck, .sequence = 1001, .acknowledgement = third};
  bench.hear(StackBench::key(3), last);
  CHECK(bench.sent.empty());
  CHECK(bench.stack->statistics().queue_full == 2);
  CHECK(bench.stack->half_open() == 1);
  finish(bench, bench.stack->accept(web.listener));
  bench.sent.clear();
  bench.hear(StackBench::key(3), last);
  CHECK(bench.stack->half_open() == 0);
  CHECK(web.listener.queued() == 2);
  // In the order of their coming.
  Connection* const second = bench.stack->accept(web.listener);
  CHECK(second->key.remote_port == 2);
  finish(bench, second);
  bench.stack->unlisten(web.listener, bench.now);
  // The one that nobody accepted was told.
  CHECK(bench.sent.back().segment.has(kRst));
  CHECK(bench.sent.back().key.remote_port == 3);
  CHECK(bench.stack->connections() == 0);
}

TEST_CASE("a connection that is reset while it waits is accepted and shows it") {
  StackBench bench;
  BenchListener web;
  REQUIRE(bench.stack->listen(web.listener));
  bench.shake_hands(StackBench::key());
  bench.hear(StackBench::key(), {.flags = kRst, .sequence = 1001});
  Connection* const connection = bench.stack->accept(web.listener);
  REQUIRE(connection != nullptr);
  CHECK(connection->state() == State::kClosed);
  CHECK(connection->error() == Errno::kECONNRESET);
  finish(bench, connection);
  CHECK(bench.stack->connections() == 0);
  bench.stack->unlisten(web.listener, bench.now);
}

StackConfiguration with_cookies(SynCookies cookies) {
  StackConfiguration configuration = StackBench::standard();
  configuration.syn_cookies = cookies;
  return configuration;
}

TEST_CASE("a cookie makes the connection that a record would have made") {
  for (const bool timestamps : {true, false}) {
    StackBench bench(with_cookies(SynCookies::kAlways));
    BenchListener web;
    REQUIRE(bench.stack->listen(web.listener));
    const FlowKey key = StackBench::key();
    Said syn = kFullSyn;
    if (!timestamps) syn.timestamps.reset();
    bench.hear(key, syn);
    CHECK(bench.stack->half_open() == 0);
    const Sent answer = bench.next();
    CHECK(answer.segment.options.has_timestamp == timestamps);
    CHECK(answer.segment.options.sack_permitted == timestamps);
    CHECK(answer.segment.options.window_scale == (timestamps ? 7 : -1));
    CHECK(answer.segment.options.mss == 1460);
    bench.advance(seconds(3));
    Said ack{.flags = kAck,
             .sequence = 1001,
             .acknowledgement = answer.segment.sequence.value + 1,
             .payload = 4};
    if (timestamps) ack.timestamps = std::pair{600U, answer.segment.options.timestamp_value};
    bench.hear(key, ack);
    CHECK(bench.stack->statistics().cookies_good == 1);
    Connection* const connection = bench.stack->accept(web.listener);
    REQUIRE(connection != nullptr);
    CHECK(connection->state() == State::kEstablished);
    CHECK(connection->readable() == 4);
    CHECK(connection->uses_timestamps() == timestamps);
    CHECK(connection->receive_scale() == (timestamps ? 7 : 0));
    finish(bench, connection);
    bench.stack->unlisten(web.listener, bench.now);
  }
}

TEST_CASE("no cookie, a wrong one and an old one get a RST") {
  StackBench bench(with_cookies(SynCookies::kAlways));
  BenchListener web;
  REQUIRE(bench.stack->listen(web.listener));
  const FlowKey key = StackBench::key();
  // Before any was sent none is even looked at.
  bench.hear(key, {.flags = kAck, .sequence = 1001, .acknowledgement = 7});
  CHECK(bench.next().segment.flags == kRst);
  CHECK(bench.stack->statistics().cookies_bad == 0);
  bench.hear(key, kFullSyn);
  const Sent answer = bench.next();
  const Said good{.flags = kAck,
                  .sequence = 1001,
                  .acknowledgement = answer.segment.sequence.value + 1,
                  .timestamps = std::pair{600U, answer.segment.options.timestamp_value}};
  Said bad = good;
  bad.acknowledgement += 100;
  bench.hear(key, bad);
  CHECK(bench.next().segment.flags == kRst);
  bad = good;
  bad.sequence += 1;
  bench.hear(key, bad);
  CHECK(bench.next().segment.flags == kRst);
  bad = good;
  bad.timestamps->second += 100'000;
  bench.hear(key, bad);
  CHECK(bench.next().segment.flags == kRst);
  bench.hear(StackBench::key(4001), good);
  CHECK(bench.next().segment.flags == kRst);
  CHECK(bench.stack->statistics().cookies_bad == 4);
  bench.advance(seconds(200));
  bench.hear(key, good);
  CHECK(bench.next().segment.flags == kRst);
  CHECK(bench.stack->connections() == 0);
  bench.stack->unlisten(web.listener, bench.now);
}

TEST_CASE("a flood of SYNs takes bounded memory, which comes back, and keeps nobody out") {
  StackConfiguration configuration = with_cookies(SynCookies::kWhenFull);
  configuration.maximum_half_open = 500;
  StackBench bench(configuration);
  BenchListener web(BenchListener::port_80(), 4096);
  REQUIRE(bench.stack->listen(web.listener));
  const size_t before = bench.stack->memory();
  bench.keep = false;
  for (uint32_t i = 0; i < 50'000; ++i)
    bench.hear(StackBench::key(static_cast<uint16_t>(1 + i % 60'000), i % 5000 + 10),
               {.flags = kSyn, .sequence = i});
  CHECK(bench.stack->half_open() == 500);
  CHECK(bench.stack->statistics().cookies_sent > 40'000);
  CHECK(bench.stack->memory() - before < 256 * kKiB);
  CHECK(bench.pool.in_use() == 0);
  bench.keep = true;
  const FlowKey key = StackBench::key(9999, 1);
  bench.hear(key, kFullSyn);
  const Sent answer = bench.next();
  bench.hear(key, {.flags = kAck,
                   .sequence = 1001,
                   .acknowledgement = answer.segment.sequence.value + 1,
                   .timestamps = std::pair{600U, answer.segment.options.timestamp_value}});
  CHECK(web.listener.queued() == 1);
  finish(bench, bench.stack->accept(web.listener));
  // Crowded out: one repetition each. Then there are none.
  bench.keep = false;
  bench.advance(seconds(10));
  CHECK(bench.stack->statistics().syn_acks_repeated >= 250);
  CHECK(bench.stack->half_open() <= 250);
  bench.advance(seconds(60));
  CHECK(bench.stack->half_open() == 0);
  CHECK(bench.stack->memory() - before <= 192 * kKiB);  // a chunk each is kept
  bench.stack->unlisten(web.listener, bench.now);
}

TEST_CASE("without cookies a flood's rest is dropped") {
  StackConfiguration configuration = with_cookies(SynCookies::kNever);
  configuration.maximum_half_open = 100;
  StackBench bench(configuration);
  BenchListener web(BenchListener::port_80(), 4096);
  REQUIRE(bench.stack->listen(web.listener));
  for (uint16_t port = 1; port <= 200; ++port) bench.hear(StackBench::key(port), {.flags = kSyn});
  CHECK(bench.sent.size() == 100);
  CHECK(bench.stack->statistics().syns_dropped == 100);
  bench.stack->unlisten(web.listener, bench.now);
}

TEST_CASE("when memory runs out, connections are refused and nothing is lost") {
  StackBench bench;
  BenchListener web(BenchListener::port_80(), 1000);
  REQUIRE(bench.stack->listen(web.listener));
  bench.memory.set_limit(bench.memory.bytes());
  bench.hear(StackBench::key(1), {.flags = kSyn});
  CHECK(bench.sent.empty());
  // Enough for half-open ones only.
  bench.memory.set_limit(bench.memory.bytes() + 64 * kKiB);
  bench.hear(StackBench::key(2), {.flags = kSyn, .sequence = 1000});
  const uint32_t ours = bench.next().segment.sequence.value + 1;
  const Said last{.flags = kAck, .sequence = 1001, .acknowledgement = ours};
  bench.hear(StackBench::key(2), last);
  CHECK(bench.stack->half_open() == 1);
  CHECK(bench.stack->statistics().no_memory == 1);
  bench.memory.set_limit(SIZE_MAX);
  bench.hear(StackBench::key(2), last);
  CHECK(web.listener.queued() == 1);
  bench.stack->unlisten(web.listener, bench.now);
}

}  // namespace
}  // namespace plumbline::net::tcp
