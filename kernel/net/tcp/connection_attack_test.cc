// Segments that somebody else made up, or that are older than they look: acceptability (RFC 9293
// section 3.10.7.4), PAWS (RFC 7323 section 5), blind attacks (RFC 5961).
#include <doctest/doctest.h>

#include "net/tcp/connection_script.hh"

namespace plumbline::net::tcp {
namespace {

using Script = ConnectionScript;

Script::Peer with_timestamps() { return {"mss 1000, TS val 1000 ecr 0"}; }

Settings timestamps() {
  Settings settings = Script::plain();
  settings.timestamps = true;
  return settings;
}

TEST_CASE("RFC 5961 3.2: a RST counts only with the very next number") {
  Script script;
  script.establish();
  script.receive("R 2:2(0)");  // in the window: asked about
  script.expect(". 1:1(0) ack 1");
  CHECK(script->state() == State::kEstablished);
  script.receive("R 0:0(0)");  // outside: silence
  script.receive("R 70000:70000(0)");
  script.expect_nothing();
  CHECK(script->state() == State::kEstablished);
  script.receive("R 1:1(0)");
  CHECK(script->state() == State::kClosed);
}

TEST_CASE("RFC 5961 4.2: a SYN is asked about, wherever it lies") {
  Script script;
  script.establish();
  for (const char* const syn :
       {"S 1:1(0)", "S 60000:60000(0)", "S 90000:90000(0)", "S. 0:0(0) ack 1"}) {
    script.receive(syn);
    script.expect(". 1:1(0) ack 1");
    script.expect_nothing();
    script.advance(seconds(1));
  }
  CHECK(script->state() == State::kEstablished);
}

TEST_CASE("RFC 5961 5.2: acknowledgements of what was not sent, or long ago") {
  Script script;
  script.establish({"mss 1000", 5000});
  script.send(1000);
  script.expect("P. 1:1001(1000) ack 1");
  script.receive("P. 1:11(10) ack 1002");
  script.expect(". 1001:1001(0) ack 1");
  CHECK(script->readable() == 0);
  script.receive(". 1:1(0) ack 1001");
  script.advance(seconds(1));
  // SND.UNA - MAX.SND.WND is the limit: the window is now 65535, as told last.
  script.receive("P. 1:11(10) ack 4294902000");
  script.expect(". 1001:1001(0) ack 1");
  CHECK(script->readable() == 0);
  script.receive("P. 1:11(10) ack 1");  // old, and fine
  CHECK(script->readable() == 10);
}

TEST_CASE("RFC 5961 7: challenges are limited, per connection and in all") {
  Script script;
  script.establish();
  for (unsigned i = 0; i < 10; ++i) script.receive("S 5:5(0)");
  script.expect(". 1:1(0) ack 1");
  script.expect_nothing();
  CHECK(script.domain.statistics.challenges == 1);
  CHECK(script.domain.statistics.challenges_limited == 9);
  Settings none = Script::plain();
  none.challenges_per_second = 0;
  Script silent(none);
  silent.establish();
  silent.receive("S 5:5(0)");
  silent.expect_nothing();
}

TEST_CASE("RFC 9293 3.10.7.4, first: what lies outside the window gets an ACK and is dropped") {
  Script script;
  script.establish();
  script.receive(". 70001:70101(100) ack 1");
  script.expect(". 1:1(0) ack 1");
  CHECK(script->readable() == 0);
  CHECK(script.domain.statistics.out_of_window == 1);
  script.advance(seconds(1));
  script.receive(". 3000000000:3000000100(100) ack 1");
  script.expect(". 1:1(0) ack 1");
  CHECK(script->readable() == 0);
}

TEST_CASE("data received already is acknowledged again") {
  Script script;
  script.establish();
  script.receive(". 1:101(100) ack 1");
  script.expect(". 1:1(0) ack 101");
  script.receive(". 1:101(100) ack 1");
  script.expect(". 1:1(0) ack 101");
  CHECK(script->readable() == 100);
}

TEST_CASE("only the new part of overlapping data is taken") {
  Script script;
  script.establish();
  script.receive(". 1:101(100) ack 1");
  script.receive(". 51:151(100) ack 1");
  CHECK(script.read(1000) == 150);
  CHECK(script->receive_next() == Sequence{Script::kInitialReceive + 151});
}

TEST_CASE("a segment without ACK is dropped (RFC 9293 3.10.7.4, fifth)") {
  Script script;
  script.establish();
  script.receive("P 1:101(100)");
  script.expect_nothing();
  CHECK(script->readable() == 0);
}

TEST_CASE("urgent data is data (RFC 9293 3.8.5, RFC 6093)") {
  Script script;
  script.establish();
  script.receive("U. 1:101(100) ack 1");
  CHECK(script.read(1000) == 100);
}

TEST_CASE("RFC 7323 5.3 R1 (PAWS): an older timestamp is answered and dropped") {
  Script script(timestamps());
  script.establish(with_timestamps());
  script.receive(". 1:101(100) ack 1 <TS val 2000 ecr 0>");
  script.expect(". 1:1(0) ack 101 <TS>");
  CHECK(script->recent_timestamp() == 2000);
  script.receive(". 101:201(100) ack 1 <TS val 1999 ecr 0>");
  script.expect(". 1:1(0) ack 101");
  CHECK(script->readable() == 100);
  CHECK(script.domain.statistics.bad_timestamp == 1);
  script.receive(". 101:201(100) ack 1 <TS val 2000 ecr 0>");
  CHECK(script->readable() == 200);
}

TEST_CASE("RFC 7323 5.2: a RST is not subject to PAWS") {
  Script script(timestamps());
  script.establish(with_timestamps());
  script.receive("R 1:1(0) <TS val 1 ecr 0>");
  CHECK(script->state() == State::kClosed);
  Script without(timestamps());
  without.establish(with_timestamps());
  without.receive("R 1:1(0) <nothing>");
  CHECK(without->state() == State::kClosed);
}

TEST_CASE("RFC 7323 3.2: without the option that was agreed a segment is dropped silently") {
  Script script(timestamps());
  script.establish(with_timestamps());
  script.receive(". 1:101(100) ack 1 <nothing>");
  script.expect_nothing();
  CHECK(script->readable() == 0);
  // But not a SYN: its sender has forgotten us, and needs the answer (RFC 5961 4).
  script.receive("S 1:1(0) <nothing>");
  script.expect(". 1:1(0) ack 1");
}

TEST_CASE("RFC 7323 4.3: TS.Recent follows segments at Last.ACK.sent only") {
  Script script(timestamps());
  script.establish(with_timestamps());
  script.receive(". 101:201(100) ack 1 <TS val 3000 ecr 0>");  // behind a gap
  CHECK(script->recent_timestamp() == 1000);
  script.expect(". 1:1(0) ack 1");
  script.receive(". 1:101(100) ack 1 <TS val 3001 ecr 0>");
  CHECK(script->recent_timestamp() == 3001);
  script.expect(". 1:1(0) ack 201");
}

TEST_CASE("RFC 7323 4.3: the earliest segment of a delayed ACK is the one that is echoed") {
  Script script(timestamps());
  script.establish(with_timestamps());
  script->set_quick_acknowledgement(false, script.now);
  script.receive(". 1:101(100) ack 1 <TS val 2000 ecr 0>");
  script.receive(". 101:201(100) ack 1 <TS val 2010 ecr 0>");
  script.expect_nothing();
  script.advance(milliseconds(41));
  const auto sent = script.next();
  REQUIRE(sent);
  CHECK(sent->segment.options.timestamp_echo == 2000);
}

TEST_CASE("RFC 7323 5.3 R2: the timestamp of what arrived before does not count") {
  Script script(timestamps());
  script.establish(with_timestamps());
  script.receive(". 1:101(100) ack 1 <TS val 2000 ecr 0>");
  script.receive(". 1:101(100) ack 1 <TS val 2100 ecr 0>");  // sent again
  CHECK(script->recent_timestamp() == 2000);
  script.receive(". 101:201(100) ack 1 <TS val 2050 ecr 0>");  // overtaken by it
  CHECK(script->readable() == 200);
}

TEST_CASE("RFC 7323 5.3 R1: each old segment with data is answered, without data seldom") {
  Script script(timestamps());
  script.establish(with_timestamps());
  for (unsigned i = 0; i < 3; ++i) {
    script.receive(". 1:101(100) ack 1 <TS val 900 ecr 0>");
    script.expect(". 1:1(0) ack 1");
  }
  script.receive(". 1:1(0) ack 1 <TS val 900 ecr 0>");
  script.expect(". 1:1(0) ack 1");
  script.receive(". 1:1(0) ack 1 <TS val 900 ecr 0>");
  script.expect_nothing();
}

TEST_CASE("RFC 7323 5.5: after 24 days of silence timestamps say nothing") {
  Script script(timestamps());
  script.establish(with_timestamps());
  script.advance(seconds(25 * 24 * 3600));
  script.receive(". 1:101(100) ack 1 <TS val 900 ecr 0>");
  CHECK(script->readable() == 100);
  CHECK(script->recent_timestamp() == 900);
}

TEST_CASE("RFC 7323 5.3 R3: a timestamp of the future does not count with an impossible ACK") {
  Script script(timestamps());
  script.establish(with_timestamps());
  script.receive(". 1:1(0) ack 5000 <TS val 900000 ecr 0>");
  CHECK(script->recent_timestamp() == 1000);
}

TEST_CASE("the timestamps sent carry the clock, the offset and the peer's") {
  Script script(timestamps());
  script.establish(with_timestamps());
  script.advance(seconds(2));
  script.send(10);
  const auto sent = script.next();
  REQUIRE(sent);
  CHECK(sent->segment.options.timestamp_value ==
        Connection::timestamp(script.now, Script::kTimestampOffset));
  CHECK(sent->segment.options.timestamp_echo == 1000);
}

TEST_CASE("tiny segments cannot tie up any memory") {
  Script script;
  script.establish();
  script->set_receive_buffer(16384);
  for (unsigned i = 0; i < 1000; ++i) {
    const std::string at = std::to_string(1 + i);
    script.receive(". " + at + ":" + std::to_string(2 + i) + "(1) ack 1");
  }
  CHECK(script->receive_queue().memory() <= 256 * kKiB);
}

TEST_CASE("tiny segments behind gaps cannot, either") {
  Script script;
  script.establish();
  script->set_receive_buffer(16384);
  for (unsigned i = 0; i < 1000; ++i) {
    const std::string at = std::to_string(3 + 2 * i);
    script.receive(". " + at + ":" + std::to_string(4 + 2 * i) + "(1) ack 1");
  }
  CHECK(script->receive_queue().memory() <= 256 * kKiB);
  CHECK(script->readable() == 0);
}

}  // namespace
}  // namespace plumbline::net::tcp
