// When data is acknowledged (RFC 9293 section 3.8.6.3), what is told of gaps (RFC 2018, 2883), and
// how the window moves (section 3.8.6.2.2).
#include <doctest/doctest.h>

#include "net/tcp/connection_script.hh"

namespace plumbline::net::tcp {
namespace {

using Script = ConnectionScript;

Settings selective() {
  Settings settings = Script::plain();
  settings.selective = true;
  return settings;
}

TEST_CASE("an ACK waits for the answer, or 40 ms") {
  Script script;
  script.establish();
  script->set_quick_acknowledgement(false, script.now);
  script.receive("P. 1:101(100) ack 1");
  script.expect_nothing();
  SUBCASE("the answer carries it") {
    CHECK(script.read(1000) == 100);
    script.send(50);
    script.expect("P. 1:51(50) ack 101");
    script.advance(milliseconds(100));
    script.expect_nothing();
  }
  SUBCASE("there is none") {
    script.advance(milliseconds(39));
    script.expect_nothing();
    script.advance(milliseconds(2));
    script.expect(". 1:1(0) ack 101");
    CHECK(script.domain.statistics.delayed_acknowledgements == 1);
  }
  SUBCASE("TCP_QUICKACK") {
    script->set_quick_acknowledgement(true, script.now);
    script.expect(". 1:1(0) ack 101");
  }
}

TEST_CASE("requests and answers arm no timer but the first") {
  Script script;
  script.establish();
  script->set_quick_acknowledgement(false, script.now);
  uint32_t at = 1;
  uint32_t ours = 1;
  for (unsigned i = 0; i < 100; ++i) {
    script.advance(milliseconds(1));
    script.receive("P. " + std::to_string(at) + ":" + std::to_string(at + 50) + "(50) ack " +
                   std::to_string(ours));
    at += 50;
    CHECK(script.read(1000) == 50);
    script.send(20);
    script.expect("P. " + std::to_string(ours) + ":" + std::to_string(ours + 20) + "(20) ack " +
                  std::to_string(at));
    ours += 20;
    script.expect_nothing();
  }
  CHECK(script.domain.statistics.predicted == 100);
  CHECK(script.domain.statistics.delayed_acknowledgements == 0);
}

TEST_CASE("RFC 9293 3.8.6.3: every second full-sized segment") {
  Script script;
  script.establish();
  script->set_quick_acknowledgement(false, script.now);
  script.receive(". 1:1001(1000) ack 1");
  script.expect_nothing();
  script.receive(". 1001:2001(1000) ack 1");
  script.expect(". 1:1(0) ack 2001");
  script.receive(". 2001:3001(1000) ack 1");
  script.expect_nothing();
}

TEST_CASE("segments that were joined count as what they were; a burst has one ACK") {
  Script script;
  script.establish();
  script->set_quick_acknowledgement(false, script.now);
  script.receive(". 1:4001(4000) ack 1 x 4");
  script.expect(". 1:1(0) ack 4001");
  CHECK(script->information(script.now).receive_segment == 1000);
  script.receive_more(". 4001:5001(1000) ack 1");
  script.receive_more(". 5001:6001(1000) ack 1");
  script.receive_more(". 6001:7001(1000) ack 1");
  script.receive_more(". 7001:8001(1000) ack 1");
  script.expect_nothing();
  script.flush();
  script.expect(". 1:1(0) ack 8001");
  script.expect_nothing();
}

TEST_CASE("the last of joined segments may be short") {
  Script script;
  script.establish();
  script->set_quick_acknowledgement(false, script.now);
  script.receive(". 1:2101(2100) ack 1 x 3 of 1000");
  script.expect(". 1:1(0) ack 2101");
  CHECK(script->information(script.now).receive_segment == 1000);
  script.receive(". 2101:9002(6901) ack 1 x 7 of 1000");
  script.expect(". 1:1(0) ack 9002");
  CHECK(script->information(script.now).receive_segment == 1000);
}

TEST_CASE("at first each segment is acknowledged, until the program answers") {
  Script script;
  script.establish();
  script.receive("P. 1:11(10) ack 1");
  script.expect(". 1:1(0) ack 11");
  script.receive("P. 11:21(10) ack 1");
  script.expect(". 1:1(0) ack 21");
  script->set_quick_acknowledgement(false, script.now);
  script.receive("P. 21:31(10) ack 1");
  script.expect_nothing();
}

TEST_CASE("RFC 5681 4.2: behind a gap and when it closes, at once") {
  Script script;
  script.establish();
  script->set_quick_acknowledgement(false, script.now);
  script.receive(". 1001:2001(1000) ack 1");
  script.expect(". 1:1(0) ack 1");
  script.receive(". 2001:2101(100) ack 1");
  script.expect(". 1:1(0) ack 1");
  CHECK((script.events() & kReadable) == 0);
  script.receive(". 1:1001(1000) ack 1");
  script.expect(". 1:1(0) ack 2101");
  CHECK((script.events() & kReadable) != 0);
  CHECK(script.read(5000) == 2100);
}

TEST_CASE("RFC 2018 4: SACK blocks, the latest first") {
  Script script(selective());
  script.establish({"mss 1000, sackOK"});
  script.receive(". 1001:2001(1000) ack 1");
  script.expect(". 1:1(0) ack 1 <sack 1001:2001>");
  script.receive(". 3001:4001(1000) ack 1");
  script.expect(". 1:1(0) ack 1 <sack 3001:4001 1001:2001>");
  script.receive(". 2001:3001(1000) ack 1");
  script.expect(". 1:1(0) ack 1 <sack 1001:4001>");
  script.receive(". 5001:6001(1000) ack 1");
  script.receive(". 7001:8001(1000) ack 1");
  script.receive(". 9001:9101(100) ack 1");
  CHECK(script.next());
  CHECK(script.next());
  script.expect(". 1:1(0) ack 1 <sack 9001:9101 7001:8001 5001:6001>");
  // Data with room for them carries them as well.
  script.send(10);
  script.expect("P. 1:11(10) ack 1 <sack 9001:9101 7001:8001 5001:6001>");
  script.receive(". 1:1001(1000) ack 11");
  script.expect(". 11:11(0) ack 4001 <sack 9001:9101 7001:8001 5001:6001>");
}

TEST_CASE("a FIN behind a gap has its number in a block, and what fills the gap is acknowledged") {
  Script script(selective());
  script.establish({"mss 1000, sackOK"});
  SUBCASE("alone: a tail loss probe") {
    script.receive("F. 2001:2001(0) ack 1");
    script.expect(". 1:1(0) ack 1 <sack 2001:2002>");
  }
  SUBCASE("with data in front of it") {
    script.receive("F. 1501:2001(500) ack 1");
    script.expect(". 1:1(0) ack 1 <sack 1501:2002>");
  }
  script.receive(". 1:1001(1000) ack 1");
  CHECK(script.next());
  script.receive(". 1001:2001(1000) ack 1");
  script.expect(". 1:1(0) ack 2002");
}

TEST_CASE("RFC 2883 4: what arrives twice is reported once, as the first block") {
  Script script(selective());
  script.establish({"mss 1000, sackOK"});
  script.receive(". 1:1001(1000) ack 1");
  script.expect(". 1:1(0) ack 1001");
  script.receive(". 1:1001(1000) ack 1");
  script.expect(". 1:1(0) ack 1001 <sack 1:1001>");
  script.receive(". 2001:3001(1000) ack 1");
  script.expect(". 1:1(0) ack 1001 <sack 2001:3001>");
  script.receive(". 2001:3001(1000) ack 1");
  script.expect(". 1:1(0) ack 1001 <sack 2001:3001 2001:3001>");
  script.receive(". 501:1501(1000) ack 1");
  script.expect(". 1:1(0) ack 1501 <sack 501:1001 2001:3001>");
}

TEST_CASE("RFC 9293 3.8.6: the right edge never moves to the left") {
  Script script;
  script.establish();
  script->set_receive_buffer(65535);
  script->set_quick_acknowledgement(true, script.now);
  uint32_t at = 1;
  Sequence edge{0};
  for (unsigned i = 0; i < 60; ++i) {
    script.receive(". " + std::to_string(at) + ":" + std::to_string(at + 1000) + "(1000) ack 1");
    at += 1000;
    while (const auto sent = script.next()) {
      const Sequence told = sent->segment.acknowledgement + sent->segment.window;
      if (edge.value != 0) CHECK(told >= edge);
      edge = told;
    }
  }
  CHECK(edge == Sequence{Script::kInitialReceive + 1 + 65535});
}

TEST_CASE("RFC 9293 3.8.6.2.2: a window opens in steps that are worth it") {
  Script script;
  script.establish();
  script->set_receive_buffer(20000);
  script->set_quick_acknowledgement(false, script.now);
  uint32_t at = 1;
  while (script->advertised_window() >= 1000) {
    REQUIRE(at < 100000);
    script.receive(". " + std::to_string(at) + ":" + std::to_string(at + 1000) + "(1000) ack 1");
    at += 1000;
  }
  while (script.next()) {
  }
  const uint32_t closed = script->advertised_window();
  // Reading a little tells nothing.
  CHECK(script.read(500) == 500);
  script.expect_nothing();
  CHECK(script->advertised_window() == closed);
  // Reading much does, in one ACK, at once.
  script.read(100000);
  const auto sent = script.next();
  REQUIRE(sent);
  CHECK(sent->segment.length == 0);
  CHECK(sent->segment.window >= 10000);
  script.expect_nothing();
}

TEST_CASE("a closed window: probes are answered, their data is not taken (RFC 9293 3.8.6.1)") {
  Script script;
  script.establish();
  script->set_receive_buffer(4096);
  uint32_t at = 1;
  while (script->advertised_window() != 0) {
    const uint32_t step = std::min(script->advertised_window(), 1000U);
    script.receive(". " + std::to_string(at) + ":" + std::to_string(at + step) + "(" +
                   std::to_string(step) + ") ack 1");
    at += step;
    if (at > 200000) break;
    while (script.next()) {
    }
  }
  CHECK(script->advertised_window() == 0);
  const std::string number = std::to_string(at);
  script.advance(seconds(1));
  while (script.next()) {
  }
  script.receive(". " + number + ":" + std::to_string(at + 1) + "(1) ack 1");
  script.expect(". 1:1(0) ack " + number + " win 0");
  // The probe of Linux: no data, a number that we have.
  script.advance(seconds(1));
  script.receive(". " + std::to_string(at - 1) + ":" + std::to_string(at - 1) + "(0) ack 1");
  script.expect(". 1:1(0) ack " + number + " win 0");
  // Its acknowledgement counts all the same (3.10.7.4, first).
  script.send(100);
  script.expect("P. 1:101(100) ack " + number);
  script.receive(". " + number + ":" + std::to_string(at + 1) + "(1) ack 101");
  CHECK(script->drained());
}

TEST_CASE("a program that keeps up gets a larger buffer, one that does not gets none") {
  for (const bool reads : {true, false}) {
    Script script{Settings{}};
    script.connect();
    script.advance(milliseconds(10));
    script.receive("S. 0:0(0) ack 1 win 1000 <mss 1460, sackOK, TS val 5 ecr 0, wscale 7>");
    const uint32_t before = script->receive_buffer();
    uint32_t at = 1;
    // A window in each round trip of 10 ms.
    for (unsigned round = 0; round < 20; ++round) {
      const uint32_t window = script->advertised_window();
      for (uint32_t done = 0; done + 1400 <= window; done += 1400, at += 1400)
        script.receive_more(". " + std::to_string(at) + ":" + std::to_string(at + 1400) +
                            "(1400) ack 1");
      script.flush();
      if (reads) script.read(1U << 30);
      script.advance(milliseconds(10));
      if (script->receive_buffer() > 4 * before) break;
    }
    if (reads)
      CHECK(script->receive_buffer() > 4 * before);
    else
      CHECK(script->receive_buffer() == before);
  }
}

TEST_CASE("a request in a while is no stream: the buffer stays") {
  Script script;
  script.establish();
  const uint32_t before = script->receive_buffer();
  uint32_t at = 1;
  for (unsigned i = 0; i < 1000; ++i) {
    script.receive(". " + std::to_string(at) + ":" + std::to_string(at + 1000) + "(1000) ack 1");
    at += 1000;
    script.read(1000);
    script.advance(milliseconds(5));
  }
  CHECK(script->receive_buffer() == before);
}

}  // namespace
}  // namespace plumbline::net::tcp
