// Whom a segment is for, and what is answered to what is nobody's.
#include "net/tcp/stack.hh"

#include <doctest/doctest.h>

#include "net/tcp/stack_bench.hh"

namespace plumbline::net::tcp {
namespace {

using namespace tcp_flags;
using Sent = StackBench::Sent;

TEST_CASE("a connection is opened, accepted, used and closed by its peer") {
  for (const FlowKey& key : {StackBench::key(), StackBench::key_v6()}) {
    StackBench bench;
    BenchListener web;
    REQUIRE(bench.stack->listen(web.listener));
    bench.hear(key, {.flags = kSyn, .sequence = 1000, .mss = 1400});
    CHECK(bench.stack->half_open() == 1);
    CHECK(web.listener.half_open() == 1);
    const Sent answer = bench.next();
    CHECK(answer.key == key);
    CHECK(answer.segment.flags == (kSyn | kAck));
    CHECK(answer.segment.acknowledgement.value == 1001);
    CHECK(answer.segment.options.mss == (key.remote.is_v4() ? 1460 : 1440));
    CHECK(!answer.segment.options.has_timestamp);
    CHECK(answer.segment.options.window_scale == -1);
    CHECK(!answer.segment.options.sack_permitted);
    const uint32_t ours = answer.segment.sequence.value + 1;
    CHECK(!web.listener.ready());
    bench.hear(key,
               {.flags = kAck | kPsh, .sequence = 1001, .acknowledgement = ours, .payload = 5});
    CHECK(bench.stack->half_open() == 0);
    CHECK(web.listener.ready());
    CHECK(web.listener.next_ready(3) == 0);
    CHECK(web.woken == 1);
    Connection* const connection = bench.stack->accept(web.listener);
    REQUIRE(connection != nullptr);
    CHECK(bench.stack->accept(web.listener) == nullptr);
    CHECK(!web.listener.ready());
    CHECK(connection->state() == State::kEstablished);
    CHECK(connection->readable() == 5);
    CHECK(connection->read(5, bench.now,
                           [](std::span<const std::byte> bytes) { return bytes.size(); }) == 5);
    bench.stack->flush(bench.now);
    CHECK(connection->send(3, false, bench.now, [](std::span<std::byte> to) {
      std::memcpy(to.data(), "abc", 3);
      return size_t{3};
    }) == 3);
    bench.stack->flush(bench.now);
    while (bench.sent.front().payload.empty()) bench.next();
    const Sent data = bench.next();
    CHECK(data.payload.size() == 3);
    CHECK(data.segment.acknowledgement.value == 1006);
    // The peer closes, then we do.
    bench.hear(key, {.flags = kAck | kFin, .sequence = 1006, .acknowledgement = ours + 3});
    CHECK(connection->peer_closed());
    connection->close(bench.now);
    bench.stack->flush(bench.now);
    bench.hear(key, {.flags = kAck, .sequence = 1007, .acknowledgement = ours + 4});
    CHECK(bench.stack->connections() == 0);
    CHECK(bench.stack->time_waits() == 0);
    bench.stack->unlisten(web.listener, bench.now);
  }
}

TEST_CASE("who closes first stays in TIME-WAIT, answers, and a later SYN takes its place") {
  StackBench bench;
  BenchListener web;
  REQUIRE(bench.stack->listen(web.listener));
  const FlowKey key = StackBench::key();
  const uint32_t ours = bench.shake_hands(key);
  Connection* const connection = bench.stack->accept(web.listener);
  connection->close(bench.now);
  bench.stack->flush(bench.now);
  CHECK(bench.next().segment.flags == (kFin | kAck));
  const StackBench::Said fin{.flags = kFin | kAck, .sequence = 1001, .acknowledgement = ours + 1};
  bench.hear(key, fin);
  CHECK(bench.next().segment.acknowledgement.value == 1002);
  CHECK(bench.stack->connections() == 0);
  CHECK(bench.stack->time_waits() == 1);
  bench.hear(key, fin);
  const Sent again = bench.next();
  CHECK(again.segment.flags == kAck);
  CHECK(again.segment.sequence.value == ours + 1);
  CHECK(again.segment.acknowledgement.value == 1002);
  // An old SYN is nothing; one that lies above begins anew, above our old numbers.
  bench.hear(key, {.flags = kSyn, .sequence = 900});
  CHECK(bench.sent.empty());
  bench.hear(key, {.flags = kSyn, .sequence = 5000});
  const Sent answer = bench.next();
  CHECK(answer.segment.flags == (kSyn | kAck));
  CHECK(answer.segment.sequence > Sequence{ours + 1});
  CHECK(bench.stack->time_waits() == 0);
  CHECK(bench.stack->half_open() == 1);
  bench.stack->unlisten(web.listener, bench.now);
  CHECK(bench.stack->half_open() == 0);
}

TEST_CASE("TIME-WAIT ends by itself, and its answers are limited") {
  StackConfiguration configuration = StackBench::standard();
  configuration.record_answers_per_second = 10;
  StackBench bench(configuration);
  BenchListener web;
  REQUIRE(bench.stack->listen(web.listener));
  const FlowKey key = StackBench::key();
  const uint32_t ours = bench.shake_hands(key);
  bench.stack->accept(web.listener)->close(bench.now);
  bench.stack->flush(bench.now);
  bench.hear(key, {.flags = kFin | kAck, .sequence = 1001, .acknowledgement = ours + 1});
  bench.sent.clear();
  for (int i = 0; i < 100; ++i)
    bench.hear(key, {.flags = kAck, .sequence = 77, .acknowledgement = ours});
  CHECK(bench.sent.size() >= 5);
  CHECK(bench.sent.size() <= 15);
  bench.advance(seconds(59));
  CHECK(bench.stack->time_waits() == 1);
  bench.advance(seconds(2));
  CHECK(bench.stack->time_waits() == 0);
  bench.stack->unlisten(web.listener, bench.now);
}

TEST_CASE("what is nobody's gets a RST that its sender will believe") {
  StackBench bench;
  const FlowKey key = StackBench::key();
  bench.hear(key, {.flags = kSyn, .sequence = 1000, .payload = 7});
  Sent reset = bench.next();
  CHECK(reset.segment.flags == (kRst | kAck));
  CHECK(reset.segment.sequence.value == 0);
  CHECK(reset.segment.acknowledgement.value == 1008);
  bench.hear(key, {.flags = kAck | kFin, .sequence = 1000, .acknowledgement = 5555});
  reset = bench.next();
  CHECK(reset.segment.flags == kRst);
  CHECK(reset.segment.sequence.value == 5555);
  bench.hear(key, {.flags = kRst, .sequence = 1000});
  bench.hear(key, {.flags = kRst | kAck, .sequence = 1000});
  CHECK(bench.sent.empty());
  // Addresses and ports that nobody has.
  FlowKey odd = key;
  odd.remote = IpAddress::of(Ipv4Address::of(224, 0, 0, 1));
  bench.hear(odd, {.flags = kSyn});
  odd.remote = IpAddress::of(Ipv4Address::of(255, 255, 255, 255));
  bench.hear(odd, {.flags = kSyn});
  odd.remote = IpAddress::any_v4();
  bench.hear(odd, {.flags = kSyn});
  odd = key;
  odd.remote_port = 0;
  bench.hear(odd, {.flags = kSyn});
  CHECK(bench.sent.empty());
  CHECK(bench.stack->statistics().not_a_peer == 4);
  CHECK(bench.stack->statistics().nobody == 2);
}

TEST_CASE("RSTs are limited, by a number that is not the same each second") {
  StackConfiguration configuration = StackBench::standard();
  configuration.resets_per_second = 100;
  StackBench bench(configuration);
  std::vector<size_t> counts;
  for (int second = 0; second < 10; ++second) {
    for (uint16_t port = 1; port <= 300; ++port)
      bench.hear(StackBench::key(port), {.flags = kSyn, .sequence = 1});
    counts.push_back(bench.sent.size());
    CHECK(bench.sent.size() >= 50);
    CHECK(bench.sent.size() <= 150);
    bench.sent.clear();
    bench.now += nanoseconds(uint64_t{1} << 30);
  }
  CHECK(std::count(counts.begin(), counts.end(), counts[0]) < 10);
}

TEST_CASE("damaged and short segments are dropped, vouched-for ones are not summed") {
  StackBench bench;
  const FlowKey key = StackBench::key();
  FlowKey addresses = key;
  addresses.local_port = addresses.remote_port = 0;
  const auto give = [&](PacketBuffer* frame) {
    bench.stack->receive(frame, StackBench::kHeaderRoom, frame->length - StackBench::kHeaderRoom,
                         addresses, false, bench.now);
  };
  PacketBuffer* frame = bench.frame_of(key, {.flags = kSyn});
  frame->data[StackBench::kHeaderRoom + 4] ^= std::byte{1};
  give(frame);
  CHECK(bench.stack->statistics().bad_checksum == 1);
  frame = bench.frame_of(key, {.flags = kSyn});
  frame->data[StackBench::kHeaderRoom + 4] ^= std::byte{1};
  frame->checksum = ChecksumState::kValid;
  give(frame);
  CHECK(bench.stack->statistics().bad_checksum == 1);
  CHECK(bench.sent.size() == 1);
  frame = bench.frame_of(key, {.flags = kSyn});
  frame->length -= 1;
  give(frame);
  CHECK(bench.stack->statistics().malformed == 1);
}

TEST_CASE(
    "neighbours of a burst arrive as one segment, in order with the rest, unless told not to") {
  for (const bool coalesce : {true, false}) {
    StackConfiguration configuration = StackBench::standard();
    configuration.coalesce = coalesce;
    StackBench bench(configuration);
    BenchListener web;
    REQUIRE(bench.stack->listen(web.listener));
    const FlowKey key = StackBench::key();
    const uint32_t ours = bench.shake_hands(key);
    Connection* const connection = bench.stack->accept(web.listener);
    FlowKey addresses = key;
    for (uint32_t i = 0; i < 4; ++i) {
      const auto flags = static_cast<uint8_t>(i == 3 ? kAck | kFin : kAck);
      PacketBuffer* const frame = bench.frame_of(
          key,
          {.flags = flags, .sequence = 1001 + i * 1000, .acknowledgement = ours, .payload = 1000});
      bench.stack->prefetch(key);
      bench.stack->prefetch_flow(key);
      bench.stack->receive(frame, StackBench::kHeaderRoom, frame->length - StackBench::kHeaderRoom,
                           addresses, false, bench.now);
    }
    bench.stack->flush(bench.now);
    CHECK(connection->readable() == 4000);
    CHECK(connection->peer_closed());
    CHECK(bench.stack->coalescing().joined == (coalesce ? 2 : 0));
    // All is acknowledged at once.
    CHECK(bench.sent.back().segment.acknowledgement.value == 5002);
    uint32_t at = 1001;
    bool right = true;
    connection->read(4000, bench.now, [&](std::span<const std::byte> bytes) {
      for (const std::byte byte : bytes) right = right && byte == static_cast<std::byte>(at++);
      return bytes.size();
    });
    CHECK(right);
    connection->close(bench.now);
    bench.stack->flush(bench.now);
    bench.stack->unlisten(web.listener, bench.now);
  }
}

TEST_CASE("an answer does not write into a frame that others have, or that is no device buffer") {
  StackBench bench;
  const FlowKey key = StackBench::key();
  PacketBuffer* const frame = bench.frame_of(key, {.flags = kSyn});
  REQUIRE(frame->share());
  const Frame before(frame->data, frame->data + frame->length);
  FlowKey addresses = key;
  bench.stack->receive(frame, StackBench::kHeaderRoom, frame->length - StackBench::kHeaderRoom,
                       addresses, false, bench.now);
  CHECK(bench.sent.size() == 1);
  CHECK(Frame(frame->data, frame->data + frame->length) == before);
  release(frame);
}

}  // namespace
}  // namespace plumbline::net::tcp
