#include "net/simulator/endpoint_checker.hh"

#include <doctest/doctest.h>

#include <functional>
#include <list>
#include <vector>

namespace plumbline::net::simulator {
namespace {

constexpr uint32_t kClientInitial = 0xffff'ff00;  // the numbers wrap soon
constexpr uint32_t kServerInitial = 77;
constexpr size_t kFull = 1448;

// Two ends and their judges; a sound dialogue by default, into which a test puts its one fault.
struct Dialogue {
  using Change = std::function<void(ObservedSegment&)>;

  explicit Dialogue(EndpointRules rules = {})
      : client("client", BytePattern(1, 1, true), rules, violations),
        server("server", BytePattern(1, 1, false), rules, violations) {
    client.set_peer(&server);
    server.set_peer(&client);
    const Change options = [](ObservedSegment& segment) {
      segment.mss = 1460;
      segment.window_scale = 7;
      segment.sack_permitted = true;
    };
    segment(true, 0, 0, 0, ObservedSegment::kSyn, options);
    now += milliseconds(10);
    segment(false, 0, 0, 1, ObservedSegment::kSyn | ObservedSegment::kAck, options);
    segment(true, 1, 0, 1);
    client.written(1'000'000);
    server.written(1'000'000);
  }

  // A segment at a position of its stream, acknowledging a position of the other's, with everything
  // else as it should be before `change`.
  void segment(bool from_client, uint64_t at, size_t length, uint64_t ack,
               uint8_t flags = ObservedSegment::kAck, const Change& change = {}) {
    now += microseconds(10);
    ObservedSegment s;
    s.source.port = from_client ? 1 : 2;
    s.destination.port = from_client ? 2 : 1;
    s.sequence = (from_client ? kClientInitial : kServerInitial) + static_cast<uint32_t>(at);
    s.flags = flags;
    if ((flags & ObservedSegment::kAck) != 0)
      s.acknowledgement =
          (from_client ? kServerInitial : kClientInitial) + static_cast<uint32_t>(ack);
    s.window = (flags & ObservedSegment::kSyn) != 0 ? 65535 : 1024;
    s.has_timestamp = true;
    s.timestamp_value = static_cast<uint32_t>(now.count / 1'000'000);
    s.timestamp_echo = s.has(ObservedSegment::kAck) ? (from_client ? echo_client : echo_server) : 0;
    s.header_bytes = s.has(ObservedSegment::kSyn) ? 40 : 32;
    if (length != 0) {
      storage.emplace_back(length);
      BytePattern(1, 1, from_client).fill(at - 1, storage.back());
      s.payload = storage.back();
    }
    s.ip_length = 20 + s.header_bytes + static_cast<uint32_t>(length);
    if (change) change(s);
    (from_client ? client : server).sent(s, now);
    if (lose) return;
    // What the other end will echo: the segments here come in order.
    (from_client ? echo_server : echo_client) = s.timestamp_value;
    (from_client ? server : client).received(s, now);
  }
  // The client's data, lost or not; the server's answer.
  void data(uint64_t at, size_t length = kFull, const Change& change = {}) {
    segment(true, at, length, 1, ObservedSegment::kAck, change);
  }
  void lost(uint64_t at, size_t length = kFull) {
    stale_echo = echo_server;
    lose = true;
    data(at, length);
    lose = false;
  }
  void answer(uint64_t ack, const Change& change = {}) {
    segment(false, 1, 0, ack, ObservedSegment::kAck, change);
  }
  // An answer with a SACK block.
  void answer(uint64_t ack, uint64_t from, uint64_t to) {
    answer(ack, [&](ObservedSegment& s) {
      s.sack_count = 1;
      s.sack[0] = {kClientInitial + static_cast<uint32_t>(from),
                   kClientInitial + static_cast<uint32_t>(to)};
      s.timestamp_echo = stale_echo;
    });
  }
  std::string first() const { return violations.none() ? "" : violations.kept()[0].text; }
  bool says(const std::string& text) const { return first().find(text) != std::string::npos; }

  Violations violations;
  Nanoseconds now = milliseconds(5);
  uint32_t echo_client = 0, echo_server = 0;
  uint32_t stale_echo = 0;
  bool lose = false;
  EndpointChecker client, server;
  std::list<std::vector<std::byte>> storage;
};

constexpr uint64_t at(size_t segments) { return 1 + segments * kFull; }

TEST_CASE("a sound dialogue raises no complaint") {
  Dialogue d;
  for (size_t i = 0; i < 100; i += 2) {
    d.data(at(i));
    d.data(at(i + 1));
    d.answer(at(i + 2));
    d.server.idle(d.now);
    d.client.idle(d.now);
  }
  // A loss, repaired after SACK.
  d.lost(at(100));
  d.data(at(101));
  d.answer(at(100), at(101), at(102));
  d.server.idle(d.now);
  d.now += milliseconds(1);
  d.data(at(100));
  d.answer(at(102));
  d.server.idle(d.now);
  d.client.written(at(102) - 1);
  d.segment(true, at(102), 0, 1, ObservedSegment::kAck | ObservedSegment::kFin);
  d.answer(at(102) + 1);
  CHECK(d.first() == "");
  CHECK(d.client.figures().by_evidence == 1);
  CHECK(d.client.figures().needless_bytes == 0);
}

TEST_CASE("data: its bytes, its bounds, its sizes") {
  {
    Dialogue d;
    std::vector<std::byte> wrong(kFull);
    d.data(1, kFull, [&](ObservedSegment& s) { s.payload = wrong; });
    CHECK_MESSAGE(d.says("not the stream's"), d.first());
  }
  {
    Dialogue d;
    d.client.written(100);
    d.data(1, 101);
    CHECK_MESSAGE(d.says("more data than"), d.first());
  }
  {
    Dialogue d;
    d.data(at(1));
    CHECK_MESSAGE(d.says("a gap"), d.first());
  }
  {
    Dialogue d;
    d.data(1, 1461);
    CHECK_MESSAGE(d.says("MTU is 1500"), d.first());
  }
  {
    Dialogue d;
    d.answer(1, [](ObservedSegment& s) { s.window = 10; });  // 1280 bytes: shrunk, and then
    CHECK_MESSAGE(d.says("the window shrinks"), d.first());
  }
  {
    Dialogue d;
    d.data(1, 100);
    CHECK_MESSAGE(d.says("a silly segment"), d.first());
  }
  {
    Dialogue d;
    d.client.written(100);
    d.data(1, 100);
    d.client.written(150);
    d.data(101, 50);
    CHECK_MESSAGE(d.says("a second small segment"), d.first());
  }
  {
    Dialogue d({.nagle = false});
    d.client.written(100);
    d.data(1, 100);
    d.client.written(150);
    d.data(101, 50);
    CHECK(d.first() == "");
  }
  {
    Dialogue d;
    for (size_t i = 0; i < 12 && d.violations.none(); ++i) d.lost(at(i));
    CHECK_MESSAGE(d.says("more in flight"), d.first());
  }
}

TEST_CASE("the peer's window") {
  Dialogue d;
  // 131072 bytes are offered. Every ACK leaves the edge where it is.
  uint64_t edge = 0;
  for (size_t i = 0; d.violations.none() && i < 200; i += 2) {
    d.data(at(i));
    d.data(at(i + 1));
    const uint64_t next = at(i + 2);
    if (edge == 0) edge = next + 131072 - 2 * kFull;
    const auto left = edge > next ? edge - next : 0;
    if (!d.violations.none()) break;
    d.answer(next, [&](ObservedSegment& s) { s.window = static_cast<uint16_t>(left / 128); });
  }
  CHECK_MESSAGE(d.says("beyond the peer's window"), d.first());
}

TEST_CASE("retransmissions need a reason") {
  {
    Dialogue d;
    d.data(1);
    d.lost(at(1));
    d.now += milliseconds(1);
    d.data(at(1));
    CHECK_MESSAGE(d.says("without a reason"), d.first());
  }
  {
    Dialogue d;
    d.data(1);
    d.answer(at(1));
    d.data(1);
    CHECK_MESSAGE(d.says("although it is acknowledged"), d.first());
  }
  {
    Dialogue d;
    d.lost(1);
    d.data(at(1));
    d.data(at(2));
    d.answer(1, at(1), at(3));
    d.data(at(1));
    CHECK_MESSAGE(d.says("the peer has it by SACK"), d.first());
  }
  {
    Dialogue d({.no_retransmissions = true});
    d.lost(1);
    d.now += seconds(1);
    d.data(1);
    CHECK_MESSAGE(d.says("loses nothing"), d.first());
  }
  {
    Dialogue d;
    d.data(1);
    d.now += seconds(1);
    d.data(1);
    CHECK(d.first() == "");
    CHECK(d.client.figures().by_timeout == 1);
    CHECK(d.client.figures().needless_bytes == kFull);
  }
}

TEST_CASE("acknowledgements: true, soon, and often enough") {
  {
    Dialogue d;
    d.lost(1);
    d.answer(at(1));
    CHECK_MESSAGE(d.says("has arrived"), d.first());
  }
  {
    Dialogue d;
    d.data(1);
    d.answer(at(1));
    d.answer(1);
    CHECK_MESSAGE(d.says("goes back"), d.first());
  }
  {
    Dialogue d;
    d.data(1);
    d.data(at(1));
    d.server.idle(d.now);
    CHECK_MESSAGE(d.says("without an ACK"), d.first());
  }
  {
    Dialogue d;
    d.data(1);
    d.server.idle(d.now);
    d.now += milliseconds(501);
    d.server.idle(d.now);
    CHECK_MESSAGE(d.says("longer than the delay"), d.first());
  }
  {
    Dialogue d;
    d.lost(1);
    d.data(at(1));
    d.server.idle(d.now);
    CHECK_MESSAGE(d.says("no ACK at once"), d.first());
  }
}

TEST_CASE("SACK blocks: true, above the ACK, and duplicates only where there were any") {
  {
    Dialogue d;
    d.lost(1);
    d.data(at(1));
    d.answer(1, at(1), at(3));
    CHECK_MESSAGE(d.says("has not arrived"), d.first());
  }
  {
    Dialogue d;
    d.data(1);
    d.data(at(1));
    d.stale_echo = d.echo_server;
    d.answer(at(2), at(0), at(1));
    CHECK_MESSAGE(d.says("DSACK for what has come once"), d.first());
  }
  {
    Dialogue d;
    d.data(1);
    d.now += seconds(1);
    d.data(1);
    d.stale_echo = 5;
    d.answer(at(1), at(0), at(1));
    CHECK_MESSAGE(d.says("echoes another"), d.first());  // and nothing about the block
    CHECK(d.violations.count() == 1);
  }
  {
    Dialogue d;
    d.lost(1);
    d.data(at(1));
    d.stale_echo = d.echo_server;
    d.answer(1, at(1), at(1));
    CHECK_MESSAGE(d.says("empty"), d.first());
  }
}

TEST_CASE("windows that open by crumbs, timestamps that go back or are missing") {
  {
    Dialogue d;
    d.data(1);
    d.answer(at(1), [](ObservedSegment& s) { s.window = 1024 - 11; });
    d.answer(at(1), [](ObservedSegment& s) { s.window = 1024 - 8; });
    CHECK_MESSAGE(d.says("opens by"), d.first());
  }
  {
    Dialogue d;
    d.data(1, kFull, [](ObservedSegment& s) { s.timestamp_value -= 3; });
    CHECK_MESSAGE(d.says("goes back"), d.first());
  }
  {
    Dialogue d;
    d.data(1, kFull, [](ObservedSegment& s) { s.has_timestamp = false; });
    CHECK_MESSAGE(d.says("no timestamp"), d.first());
  }
  {
    Dialogue d;
    d.client.written(10);
    d.segment(true, 1, 5, 1, ObservedSegment::kAck | ObservedSegment::kFin);
    CHECK_MESSAGE(d.says("a FIN before the end"), d.first());
  }
}

}  // namespace
}  // namespace plumbline::net::simulator
