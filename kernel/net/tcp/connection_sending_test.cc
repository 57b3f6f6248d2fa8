// When data goes, and in which pieces (RFC 9293 sections 3.7.4 and 3.8.6.2.1).
#include <doctest/doctest.h>

#include "net/tcp/connection_script.hh"

namespace plumbline::net::tcp {
namespace {

using Script = ConnectionScript;

TEST_CASE("data goes at once, PSH where it ends") {
  Script script;
  script.establish();
  CHECK(script.send(2500) == 2500);
  script->set_no_delay(true, script.now);
  script.expect(". 1:1001(1000) ack 1");
  script.expect(". 1001:2001(1000) ack 1");
  script.expect("P. 2001:2501(500) ack 1");
  script.expect_nothing();
  CHECK(script->in_flight() == 2500);
  script.receive(". 1:1(0) ack 2501");
  CHECK(script->drained());
  CHECK(script->send_queue().size() == 0);
}

TEST_CASE("Nagle's rule: one segment that is not full-sized in flight (RFC 9293 3.7.4)") {
  Script script;
  script.establish();
  script.send(100);
  script.expect("P. 1:101(100) ack 1");
  script.send(100);
  script.send(100);
  script.expect_nothing();
  script.send(900);  // now there is a full one
  script.expect(". 101:1101(1000) ack 1");
  script.expect_nothing();
  script.receive(". 1:1(0) ack 101");
  script.expect("P. 1101:1201(100) ack 1");
}

TEST_CASE("the end of a large write does not wait for a delayed ACK") {
  Script script;
  script.establish();
  script.send(1500);
  script.expect(". 1:1001(1000) ack 1");
  script.expect("P. 1001:1501(500) ack 1");
}

TEST_CASE("TCP_NODELAY: each write goes") {
  Script script;
  script.establish();
  script.send(1);
  script.expect("P. 1:2(1) ack 1");
  script.send(1);
  script.expect_nothing();
  script->set_no_delay(true, script.now);
  script.expect("P. 2:3(1) ack 1");
  script.send(1);
  script.expect("P. 3:4(1) ack 1");
}

TEST_CASE("TCP_CORK: nothing but full segments, for 200 ms at most") {
  Script script;
  script.establish();
  script->set_no_delay(true, script.now);  // the cork is stronger
  script->set_cork(true, script.now);
  script.send(600);
  script.expect_nothing();
  script.send(600);
  script.expect(". 1:1001(1000) ack 1");
  script.expect_nothing();
  SUBCASE("taken out") {
    script->set_cork(false, script.now);
    script.expect("P. 1001:1201(200) ack 1");
  }
  SUBCASE("forgotten") {
    script.receive(". 1:1(0) ack 1001");
    script.expect_nothing();
    script.advance(milliseconds(199));
    script.expect_nothing();
    script.advance(milliseconds(2));
    script.expect("P. 1001:1201(200) ack 1");
  }
}

TEST_CASE("MSG_MORE: as a cork, until the next send") {
  Script script;
  script.establish();
  script.send(100, true);
  script.expect_nothing();
  script.send(100);
  script.expect("P. 1:201(200) ack 1");
}

TEST_CASE("the peer's window is never passed (RFC 9293 3.10.7.4)") {
  Script script;
  script.establish({"mss 1000", 2500});
  script.send(10000);
  script.expect(". 1:1001(1000) ack 1");
  script.expect(". 1001:2001(1000) ack 1");
  // 3.8.6.2.1: 500 bytes are less than a segment and less than half of the largest window.
  script.expect_nothing();
  script.receive(". 1:1(0) ack 1001 win 2500");
  script.expect(". 2001:3001(1000) ack 1");
  script.expect_nothing();
}

TEST_CASE("RFC 9293 3.8.6.2.1: half of the largest window is enough") {
  Script script;
  script.establish({"mss 1000", 800});
  script.send(3000);
  script.expect(". 1:801(800) ack 1");
  script.receive(". 1:1(0) ack 801 win 400");
  script.expect(". 801:1201(400) ack 1");
  script.receive(". 1:1(0) ack 1201 win 399");
  script.expect_nothing();
}

TEST_CASE("RFC 9293 3.8.6.2.1: the override time-out uses what the window takes") {
  Script script;
  script.establish({"mss 1000", 5000});
  script.send(5000);
  for (unsigned i = 0; i < 5; ++i) CHECK(script.next());
  script.receive(". 1:1(0) ack 5001 win 100");
  script.send(2000);
  script.expect_nothing();
  script.advance(seconds(3));
  script.expect(". 5001:5101(100) ack 1");
}

TEST_CASE("a window that is taken back (RFC 9293 3.8.6, SHLD-15)") {
  Script script;
  script.establish({"mss 1000", 5000});
  script.send(8000);
  for (unsigned i = 0; i < 5; ++i) CHECK(script.next());
  script.receive(". 1:1(0) ack 1001 win 1000");
  script.expect_nothing();
  script.receive(". 1:1(0) ack 5001 win 5000");
  script.expect(". 5001:6001(1000) ack 1");
}

TEST_CASE("RFC 9293 3.10.7.4, fifth: windows of older segments are not believed") {
  Script script;
  script.establish({"mss 1000", 5000});
  script.send(1000);
  script.receive("P. 1:11(10) ack 1001 win 4000");
  CHECK(script->information(script.now).send_window == 4000);
  script.receive(". 1:1(0) ack 1001 win 100");  // sent in front of the 10 bytes
  CHECK(script->information(script.now).send_window == 4000);
  script.receive(". 11:11(0) ack 1001 win 3000");
  CHECK(script->information(script.now).send_window == 3000);
}

TEST_CASE("RFC 6928: ten segments at first, two more with each that arrives") {
  Script script;
  script.establish();
  script.send(40000);
  for (unsigned i = 0; i < 10; ++i) CHECK(script.next());
  script.expect_nothing();
  script.receive(". 1:1(0) ack 2001");
  for (unsigned i = 0; i < 4; ++i) CHECK(script.next());
  script.expect_nothing();
}

TEST_CASE("TSO: frames of many segments, full ones but the last") {
  Script script;
  script.domain.maximum_payload = {65000, 65000};
  script.establish();
  script->set_send_buffer(1000000);
  script.send(25500);
  script.expect(". 1:10001(10000) ack 1 cut 1000");
  script.expect_nothing();
  script.receive(". 1:1(0) ack 10001");
  script.expect("P. 10001:25501(15500) ack 1 cut 1000");
  script.expect_nothing();
  CHECK(script->information(script.now).counters.segments_sent == 2 + 10 + 16);
}

TEST_CASE("the ACKs of a burst make one large frame") {
  Script script;
  script.domain.maximum_payload = {65000, 65000};
  script.establish();
  script.send(40000);
  script.expect(". 1:10001(10000) ack 1 cut 1000");
  script.receive_more(". 1:1(0) ack 2001");
  script.receive_more(". 1:1(0) ack 4001");
  script.receive_more(". 1:1(0) ack 6001");
  script.expect_nothing();
  script.flush();
  script.expect(". 10001:22001(12000) ack 1 cut 1000");
  script.expect_nothing();
}

TEST_CASE("data waits for a device that is behind, acknowledgements do not") {
  Script script;
  script.establish();
  script->set_quick_acknowledgement(false, script.now);
  script.device_ready = false;
  script.send(3000);
  script.expect_nothing();
  script.receive(". 1:1001(1000) ack 1");
  script.receive(". 1001:2001(1000) ack 1");
  script.expect(". 1:1(0) ack 2001");
  CHECK(script.domain.statistics.device_waits != 0);
  script.device_ready = true;
  SUBCASE("for a millisecond, when nothing else happens") {
    script.advance(milliseconds(2));
    script.expect(". 1:1001(1000) ack 2001");
  }
  SUBCASE("until the next segment comes") {
    script.receive(". 2001:3001(1000) ack 1");
    script.expect(". 1:1001(1000) ack 3001");
  }
  CHECK(script.next());
  CHECK(script.next());
  script.expect_nothing();
}

TEST_CASE("a lost segment is sent again by time, with the bytes it had") {
  Script script;
  script.establish();
  script.send(3000);
  for (unsigned i = 0; i < 3; ++i) CHECK(script.next());
  script.advance(seconds(2));
  script.expect(". 1:1001(1000) ack 1");
  CHECK(script.domain.statistics.timeouts >= 1);
  script.receive(". 1:1(0) ack 3001");
  CHECK(script->drained());
}

TEST_CASE("three duplicates: fast retransmit (RFC 5681 3.2)") {
  Script script;
  script.establish();
  script.send(6000);
  for (unsigned i = 0; i < 6; ++i) CHECK(script.next());
  for (unsigned i = 0; i < 3; ++i) script.receive(". 1:1(0) ack 1");
  const auto sent = script.next();
  REQUIRE(sent);
  CHECK(sent->segment.sequence == Sequence{Script::kInitialSend + 1});
  CHECK(script->information(script.now).counters.segments_retransmitted == 1);
}

TEST_CASE("without an answer it ends after the retries, with what ICMP said") {
  Settings settings = Script::plain();
  settings.retries = 3;
  Script script(settings);
  script.establish();
  script.send(100);
  script.advance(seconds(1));
  script->unreachable(Errno::kEHOSTUNREACH, false, {Script::kInitialSend + 1}, script.now);
  script.advance(seconds(60));
  CHECK(script.left);
  CHECK(script->error() == Errno::kEHOSTUNREACH);
}

TEST_CASE("RFC 5482: the user time-out") {
  Script script;
  script.establish();
  script->set_user_timeout(5000);
  script.send(100);
  script.advance(milliseconds(4900));
  CHECK_FALSE(script.left);
  script.advance(milliseconds(200));
  CHECK(script.left);
  CHECK(script->error() == Errno::kETIMEDOUT);
}

TEST_CASE("a full send buffer: what fits is taken, and kWritable follows") {
  Script script;
  script.establish();
  script->set_send_buffer(8192);
  uint32_t taken = 0;
  while (const uint32_t now = script.send(3000)) taken += now;
  CHECK(taken >= 3000);
  CHECK(script->send_queue().memory() >= 8192);
  CHECK_FALSE(script->writable());
  script.events();
  while (script.next()) {
  }
  // Acknowledged bit by bit, a third must be free first.
  uint32_t acknowledged = 0;
  bool told = false;
  while (acknowledged < taken && !told) {
    acknowledged = std::min(taken, acknowledged + 500);
    script.receive(". 1:1(0) ack " + std::to_string(1 + acknowledged));
    told = (script.events() & kWritable) != 0;
  }
  CHECK(told);
  CHECK(script->writable());
}

TEST_CASE("after a long pause the congestion window begins anew (RFC 5681 4.1)") {
  Script script;
  script.establish();
  script->set_send_buffer(1000000);
  uint32_t sent = 0;
  for (unsigned round = 0; round < 4; ++round) {
    script.send(50000);
    while (script.next()) {
    }
    while (script->in_flight() != 0) {
      sent += script->in_flight();
      script.receive(". 1:1(0) ack " + std::to_string(1 + sent));
      while (script.next()) {
      }
    }
  }
  CHECK(script->information(script.now).congestion_window > 20000);
  script.advance(seconds(100));
  script.send(50000);
  CHECK(script.sent_count() == 10);
}

}  // namespace
}  // namespace plumbline::net::tcp
