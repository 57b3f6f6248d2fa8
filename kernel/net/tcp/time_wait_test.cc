#include "net/tcp/time_wait.hh"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "net/tcp/test_memory.hh"

namespace plumbline::net::tcp {
namespace {

using namespace tcp_flags;

struct Bench {
  explicit Bench(uint32_t limit = 1000)
      : waits(flows, timers, memory.source(), limit, seconds(60)) {}

  TimeWait& add(uint16_t port, const TimeWaitState& state) {
    FlowKey key;
    key.local_port = 80;
    key.remote_port = port;
    Flow connection{key, FlowKind::kConnection};
    REQUIRE(flows.insert(connection));
    waits.add(connection, state, now);
    return *static_cast<TimeWait*>(flows.find(key));
  }
  bool has(uint16_t port) {
    FlowKey key;
    key.local_port = 80;
    key.remote_port = port;
    return flows.find(key) != nullptr;
  }
  void run_to(Nanoseconds at) {
    now = at;
    while (timers.run(now)) {
    }
  }

  TestMemory memory;
  Secrets secrets{SipHashKey{{1, 1}}};
  Nanoseconds now = seconds(100);
  FlowTable flows{memory.source(), secrets.hash_keys()};
  TimerWheel timers{now};
  TimeWaits waits;
};

Segment segment(uint32_t sequence, uint32_t acknowledgement, uint8_t flags) {
  Segment made;
  made.sequence = {sequence};
  made.acknowledgement = {acknowledgement};
  made.flags = flags;
  return made;
}

const TimeWaitState kPlain{{5000}, {9000}, 0, 0, 100, false, 0};
const TimeWaitState kStamped{{5000}, {9000}, 777, 0, 100, true, 0};

TEST_CASE("a record lasts 60 s from the end, or from the peer's last FIN") {
  Bench bench;
  TimeWait& record = bench.add(1, kPlain);
  bench.add(2, kPlain);
  bench.run_to(seconds(130));
  // 100 bytes and a FIN that end at 9000.
  Segment fin = segment(8899, 5000, kFin | kAck);
  fin.length = 100;
  CHECK(bench.waits.receive(record, fin, bench.now) == TimeWaitVerdict::kAcknowledge);
  bench.run_to(seconds(159));
  CHECK(bench.waits.size() == 2);
  bench.run_to(seconds(160) + milliseconds(1));
  CHECK(bench.has(1));
  CHECK(!bench.has(2));
  bench.run_to(seconds(190) + milliseconds(1));
  CHECK(bench.waits.size() == 0);
  CHECK(bench.flows.size() == 0);
  CHECK(bench.timers.empty());
  CHECK(bench.waits.bytes() == 0);
}

TEST_CASE("what is answered") {
  Bench bench;
  TimeWait& record = bench.add(1, kPlain);
  const auto verdict = [&](const Segment& received) {
    return bench.waits.receive(record, received, bench.now);
  };
  // The last ACK, again.
  CHECK(verdict(segment(9000, 5000, kAck)) == TimeWaitVerdict::kNothing);
  // RFC 1337.
  CHECK(verdict(segment(9000, 5000, kRst)) == TimeWaitVerdict::kNothing);
  CHECK(verdict(segment(9000, 5000, kRst | kAck)) == TimeWaitVerdict::kNothing);
  CHECK(verdict(segment(9000, 0, 0)) == TimeWaitVerdict::kNothing);
  // Of what we never sent, out of order, with data.
  CHECK(verdict(segment(9000, 5001, kAck)) == TimeWaitVerdict::kAcknowledge);
  CHECK(verdict(segment(8999, 5000, kAck)) == TimeWaitVerdict::kAcknowledge);
  Segment data = segment(9000, 5000, kAck);
  data.length = 1;
  CHECK(verdict(data) == TimeWaitVerdict::kAcknowledge);
  CHECK(verdict(segment(8000, 5000, kSyn | kAck)) == TimeWaitVerdict::kAcknowledge);
  CHECK(bench.waits.size() == 1);
}

TEST_CASE("which SYN begins a new connection (RFC 6191)") {
  Bench bench;
  TimeWait& plain = bench.add(1, kPlain);
  TimeWait& stamped = bench.add(2, kStamped);
  const auto verdict = [&](TimeWait& record, uint32_t sequence, int timestamp) {
    Segment syn = segment(sequence, 0, kSyn);
    syn.options.has_timestamp = timestamp >= 0;
    syn.options.timestamp_value = static_cast<uint32_t>(timestamp);
    return bench.waits.receive(record, syn, bench.now) == TimeWaitVerdict::kNewConnection;
  };
  CHECK(verdict(plain, 9001, -1));
  CHECK(!verdict(plain, 9000, -1));
  CHECK(!verdict(plain, 4000, -1));
  CHECK(verdict(plain, 4000, 1));
  CHECK(verdict(stamped, 9001, -1));
  CHECK(!verdict(stamped, 4000, -1));
  CHECK(verdict(stamped, 4000, 778));
  CHECK(!verdict(stamped, 4000, 777));
  CHECK(verdict(stamped, 9001, 777));
  CHECK(!verdict(stamped, 9001, 776));
}

TEST_CASE("our own connections may follow after a second, where there are timestamps") {
  Bench bench;
  TimeWait& plain = bench.add(1, kPlain);
  TimeWait& stamped = bench.add(2, kStamped);
  CHECK(!bench.waits.may_open(stamped, bench.now + milliseconds(999)));
  CHECK(bench.waits.may_open(stamped, bench.now + seconds(1)));
  CHECK(!bench.waits.may_open(plain, bench.now + seconds(10)));
}

TEST_CASE("when there are too many, the oldest goes; without memory none is made") {
  Bench bench(10);
  for (uint16_t port = 1; port <= 15; ++port) bench.add(port, kPlain);
  CHECK(bench.waits.size() == 10);
  CHECK(bench.waits.evicted() == 5);
  CHECK(!bench.has(5));
  CHECK(bench.has(6));
  Bench poor;
  poor.memory.set_limit(0);
  Flow connection{{}, FlowKind::kConnection};
  REQUIRE(poor.flows.insert(connection));
  poor.waits.add(connection, kPlain, poor.now);
  CHECK(poor.flows.size() == 0);
}

TEST_CASE("many that end together are removed in parts") {
  Bench bench;
  for (uint16_t port = 1; port <= 1000; ++port) bench.add(port, kPlain);
  bench.now = seconds(161);
  bench.timers.run(bench.now);
  CHECK(bench.waits.size() > 0);
  unsigned rounds = 0;
  while (bench.waits.size() > 0 && ++rounds < 40) bench.run_to(bench.now + milliseconds(1));
  CHECK(rounds < 20);
  CHECK(bench.timers.empty());
}

}  // namespace
}  // namespace plumbline::net::tcp
