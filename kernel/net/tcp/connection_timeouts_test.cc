// Closed windows, silent peers, and paths that are narrower than they seemed.
#include <doctest/doctest.h>

#include "net/tcp/connection_script.hh"

namespace plumbline::net::tcp {
namespace {

using Script = ConnectionScript;

TEST_CASE("RFC 9293 3.8.6.1: a closed window is probed, ever more seldom, for ever") {
  Script script;
  script.establish({"mss 1000", 1000});
  script.send(3000);
  script.expect(". 1:1001(1000) ack 1");
  script.receive(". 1:1(0) ack 1001 win 0");
  script.expect_nothing();
  Nanoseconds before = script.now;
  Nanoseconds distance{0};
  for (unsigned i = 0; i < 30; ++i) {
    while (script.sent_count() == 0) script.advance(milliseconds(50));
    const auto sent = script.next();
    REQUIRE(sent);
    CHECK(sent->segment.sequence == Sequence{Script::kInitialSend + 1000});
    CHECK(sent->segment.length == 0);
    CHECK(sent->at - before + milliseconds(1) >= distance);
    distance = sent->at - before;
    CHECK(distance <= seconds(121));
    before = sent->at;
    script.receive(". 1:1(0) ack 1001 win 0");
    script.expect_nothing();
  }
  CHECK(distance > seconds(60));
  CHECK_FALSE(script.left);
  script.receive(". 1:1(0) ack 1001 win 2000");
  script.expect(". 1001:2001(1000) ack 1");
}

TEST_CASE("probes without an answer end the connection (RFC 9293 3.8.3)") {
  Settings settings = Script::plain();
  settings.retries = 4;
  Script script(settings);
  script.establish({"mss 1000", 0});
  script.send(100);
  script.advance(seconds(300));
  CHECK(script.left);
  CHECK(script->error() == Errno::kETIMEDOUT);
}

TEST_CASE("a peer that keeps its window closed does not keep an orphan") {
  Script script;
  script.establish({"mss 1000", 0});
  script.send(100);
  script->close(script.now);
  for (unsigned i = 0; i < 400 && !script.released; ++i) {
    script.advance(seconds(1));
    if (script.next() && !script.released) script.receive(". 1:1(0) ack 1 win 0");
  }
  CHECK(script.released);
}

TEST_CASE("RFC 9293 3.8.4: keep-alive asks a silent peer") {
  Script script;
  script.establish();
  script->set_keepalive({true, 10, 5, 3}, script.now);
  script.advance(milliseconds(9900));
  script.expect_nothing();
  script.advance(milliseconds(200));
  script.expect(". 0:0(0) ack 1");
  SUBCASE("it answers") {
    script.receive(". 1:1(0) ack 1");
    script.advance(milliseconds(9900));
    script.expect_nothing();
    script.advance(milliseconds(200));
    script.expect(". 0:0(0) ack 1");
    CHECK_FALSE(script.left);
  }
  SUBCASE("it does not") {
    script.advance(milliseconds(5001));
    script.expect(". 0:0(0) ack 1");
    script.advance(milliseconds(5001));
    script.expect(". 0:0(0) ack 1");
    script.expect_nothing();
    CHECK_FALSE(script.left);
    script.advance(milliseconds(5001));
    script.expect("R. 1:1(0) ack 1");
    CHECK(script.left);
    CHECK(script->error() == Errno::kETIMEDOUT);
  }
  SUBCASE("it is switched off") {
    script->set_keepalive({}, script.now);
    script.advance(seconds(100));
    script.expect_nothing();
  }
  SUBCASE("data came: the time begins anew") {
    script.receive(". 1:11(10) ack 1");
    script.expect(". 1:1(0) ack 11");
    script.advance(milliseconds(9900));
    script.expect_nothing();
  }
}

TEST_CASE(
    "keep-alive is off unless asked for (RFC 9293 3.8.4, MUST-25), and starts with the "
    "connection") {
  Script script;
  script.establish();
  script.advance(seconds(100000));
  script.expect_nothing();
  Script on;
  on->set_keepalive({true, 0, 0, 0}, on.now);
  on.establish();
  on.advance(seconds(7199));
  on.expect_nothing();
  on.advance(seconds(2));
  on.expect(". 0:0(0) ack 1");
}

TEST_CASE("we answer keep-alive probes, with and without their byte of garbage") {
  Script script;
  script.establish();
  script.receive(". 0:0(0) ack 1");
  script.expect(". 1:1(0) ack 1");
  script.receive(". 0:1(1) ack 1");
  script.expect(". 1:1(0) ack 1");
  CHECK(script->readable() == 0);
}

TEST_CASE("an idle connection costs no timer") {
  Script script;
  script.establish();
  script.receive("P. 1:11(10) ack 1");
  script.send(10);
  script.receive(". 11:11(0) ack 11");
  script.advance(seconds(1));
  const uint64_t before = script.sent_count();
  script.advance(seconds(1000));
  CHECK(script.sent_count() == before);
  CHECK_FALSE(script.timer_armed());
}

TEST_CASE("RFC 1191, 8201: a packet that was too big is sent again in smaller ones, at once") {
  Script script;
  script.establish({"mss 1460"});
  script.send(2920);
  script.expect(". 1:1461(1460) ack 1");
  script.expect("P. 1461:2921(1460) ack 1");
  const uint32_t window = script->information(script.now).congestion_window;
  SUBCASE("not of ours: outside of what is in flight (RFC 5927 4.1)") {
    script->packet_too_big(1000, {Script::kInitialSend + 3000}, script.now);
    script.flush();
    script.expect_nothing();
    CHECK(script->information(script.now).send_segment == 1460);
  }
  SUBCASE("larger than what we use") {
    script->packet_too_big(1500, {Script::kInitialSend + 1}, script.now);
    script.flush();
    script.expect_nothing();
  }
  SUBCASE("of ours") {
    script->packet_too_big(1040, {Script::kInitialSend + 1}, script.now);
    script.flush();
    CHECK(script->information(script.now).send_segment == 1000);
    script.expect(". 1:1001(1000) ack 1");
    uint32_t sent = 1000;
    while (const auto next = script.next()) {
      CHECK(next->payload.size() <= 1000);
      sent += static_cast<uint32_t>(next->payload.size());
    }
    CHECK(sent == 2920);
    CHECK(script->information(script.now).congestion_window == window);
    CHECK(script->information(script.now).path_mtu == 1040);
  }
  SUBCASE("a lie: smaller than any path") {
    script->packet_too_big(68, {Script::kInitialSend + 1}, script.now);
    CHECK(script->information(script.now).path_mtu == 552);
  }
}

TEST_CASE("RFC 4821: full-sized segments that vanish without a word become smaller") {
  Script script;
  script.establish({"mss 1460"});
  script.send(1460);
  script.expect("P. 1:1461(1460) ack 1");
  script.advance(seconds(10));
  CHECK(script.domain.statistics.black_holes >= 1);
  CHECK(script->information(script.now).send_segment <= 1024);
  uint32_t largest = 0;
  while (const auto sent = script.next()) largest = static_cast<uint32_t>(sent->payload.size());
  CHECK(largest <= 1024);
  // RFC 1191 6.3: perhaps it was only loss.
  script.receive(". 1:1(0) ack 1461");
  script.advance(seconds(590));
  script.send(10);
  script.receive(". 1:1(0) ack 1471");
  CHECK(script->information(script.now).send_segment <= 1024);
  script.advance(seconds(20));
  script.send(10);
  script.receive(". 1:1(0) ack 1481");
  script.advance(seconds(1));
  CHECK(script->information(script.now).send_segment == 1460);
  // Small segments that vanish are another matter.
  Script small;
  small.establish({"mss 1460"});
  small.send(100);
  small.advance(seconds(10));
  CHECK(small.domain.statistics.black_holes == 0);
}

Settings ecn(EcnMode mode) {
  Settings settings = Script::plain();
  settings.ecn = mode;
  return settings;
}

TEST_CASE("RFC 3168 6.1.1: ECN is asked for and agreed") {
  Script script(ecn(EcnMode::kAsk));
  script.connect();
  script.expect("SEW 0:0(0)");
  SUBCASE("both") {
    script.receive("SE. 0:0(0) ack 1 <mss 1000>");
    CHECK(script->information(script.now).ecn);
    script.expect(". 1:1(0) ack 1 ecn 0");  // 6.1.4: pure ACKs are not marked
    script.send(10);
    script.expect("P. 1:11(10) ack 1 ecn 2");
  }
  SUBCASE("the peer does not") {
    script.receive("S. 0:0(0) ack 1 <mss 1000>");
    CHECK_FALSE(script->information(script.now).ecn);
    script.expect(". 1:1(0) ack 1 ecn 0");
    script.send(10);
    script.expect("P. 1:11(10) ack 1 ecn 0");
  }
  SUBCASE("the peer reflects our flags") {
    script.receive("SEW. 0:0(0) ack 1 <mss 1000>");
    CHECK_FALSE(script->information(script.now).ecn);
  }
  SUBCASE("6.1.1.1: no answer: without") {
    script.advance(milliseconds(1001));
    script.expect("S 0:0(0)");
  }
}

TEST_CASE("RFC 3168 6.1.3: marks are echoed until the sender has reacted") {
  Script script;
  Handshake handshake = Script::plain_handshake();
  handshake.ecn = true;
  script.accept(handshake);
  script.receive(". 1:1(0) ack 1");
  script.receive(".C 1:11(10) ack 1");
  script.expect("E. 1:1(0) ack 11");
  script.receive(". 11:21(10) ack 1");
  script.expect("E. 1:1(0) ack 21");
  script.receive("W. 21:31(10) ack 1");
  script.expect(". 1:1(0) ack 31");
  script.receive("W.C 31:41(10) ack 1");
  script.expect("E. 1:1(0) ack 41");
}

TEST_CASE("RFC 3168 6.1.2: an echo reduces the window once, and CWR says so once") {
  Script script;
  Handshake handshake = Script::plain_handshake();
  handshake.ecn = true;
  script.accept(handshake);
  script.receive(". 1:1(0) ack 1");
  script.send(10000);
  for (unsigned i = 0; i < 10; ++i)
    script.expect((i == 9 ? "P. " : ". ") + std::to_string(1 + 1000 * i) + ":" +
                  std::to_string(1001 + 1000 * i) + "(1000) ack 1 ecn 2");
  const uint32_t window = script->information(script.now).congestion_window;
  script.receive("E. 1:1(0) ack 2001");
  script.receive("E. 1:1(0) ack 4001");
  CHECK(script->information(script.now).congestion_window < window);
  script.receive(". 1:1(0) ack 10001");
  script.send(2000);
  script.expect("W. 10001:11001(1000) ack 1");
  script.expect("P. 11001:12001(1000) ack 1");
  // Retransmissions are not marked (6.1.5).
  script.advance(seconds(2));
  const auto again = script.next();
  REQUIRE(again);
  CHECK(again->how.ecn == 0);
}

}  // namespace
}  // namespace plumbline::net::tcp
