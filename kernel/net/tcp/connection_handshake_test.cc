// How connections begin (RFC 9293 sections 3.5 and 3.10.7.3), and what the SYNs agree on.
#include <doctest/doctest.h>

#include "net/tcp/connection_script.hh"

namespace plumbline::net::tcp {
namespace {

using Script = ConnectionScript;

TEST_CASE("RFC 9293 3.5, figure 6: an active open") {
  Script script;
  script.connect();
  CHECK(script->state() == State::kSynSent);
  script.expect("S 0:0(0) win 65535 <mss 1460>");
  script.receive("S. 0:0(0) ack 1 win 2000 <mss 1000>");
  script.expect(". 1:1(0) ack 1 win 65535 <nothing>");
  script.expect_nothing();
  CHECK(script->state() == State::kEstablished);
  CHECK(script.events() == (kConnected | kWritable));
  const Information information = script->information(script.now);
  CHECK(information.send_segment == 1000);
  CHECK(information.send_window == 2000);
}

TEST_CASE("all options are asked for, and hold when both SYNs have them") {
  Script script{Settings{}};
  script.connect();
  script.expect("S 0:0(0) win 65535 <mss 1460, sackOK, TS, wscale 7>");
  script.receive("S. 0:0(0) ack 1 win 1000 <mss 1460, sackOK, TS val 5 ecr 0, wscale 3>");
  // 128 KiB of buffer by a scale of 7.
  script.expect(". 1:1(0) ack 1 win 1024 <TS>");
  Information information = script->information(script.now);
  CHECK(information.timestamps);
  CHECK(information.selective);
  CHECK(information.send_scale == 3);
  CHECK(information.receive_scale == 7);
  // RFC 7323 2.2: a SYN's window is never scaled; RFC 6691: options come off the MSS.
  CHECK(information.send_window == 1000);
  CHECK(information.send_segment == 1448);
  script.receive(". 1:1(0) ack 1 win 1000");
  information = script->information(script.now);
  CHECK(information.send_window == 8000);
}

TEST_CASE("what the peer does not offer is not used") {
  Script script{Settings{}};
  script.connect();
  script.expect("S 0:0(0) <mss 1460, sackOK, TS, wscale 7>");
  script.receive("S. 0:0(0) ack 1 win 1000 <mss 1200>");
  script.expect(". 1:1(0) ack 1 win 65535 <nothing>");
  const Information information = script->information(script.now);
  CHECK_FALSE(information.timestamps);
  CHECK_FALSE(information.selective);
  CHECK(information.send_scale == 0);
  CHECK(information.receive_scale == 0);
  CHECK(information.send_segment == 1200);
}

TEST_CASE("RFC 9293 3.7.1: without an MSS option it is 536; tiny ones are not believed") {
  Script script;
  script.establish({"nothing"});
  CHECK(script->information(script.now).send_segment == 536);
  Script tiny;
  tiny.establish({"mss 1"});
  CHECK(tiny->information(tiny.now).send_segment == 48);
  Script large;
  large.establish({"mss 9000"});
  CHECK(large->information(large.now).send_segment == 1460);
}

TEST_CASE("RFC 7323 2.3: a window shift above 14 counts as 14") {
  Script script{Settings{}};
  script.connect();
  script.receive("S. 0:0(0) ack 1 win 1000 <mss 1460, wscale 20>");
  CHECK(script->information(script.now).send_scale == 14);
}

TEST_CASE("RFC 9293 3.8.3: SYNs are repeated with growing distances, then it ends") {
  Script script;
  const Nanoseconds start = script.now;
  script.connect();
  const uint64_t seconds_after[] = {0, 1, 3, 7, 15, 31, 63};
  script.advance(seconds(126));
  for (const uint64_t at : seconds_after) {
    const auto sent = script.next();
    REQUIRE(sent);
    CHECK(sent->segment.flags == tcp_flags::kSyn);
    CHECK((sent->at - start).count / 1000'000'000 == at);
  }
  script.expect_nothing();
  CHECK_FALSE(script.left);
  script.advance(seconds(2));
  CHECK(script.left);
  CHECK(script->error() == Errno::kETIMEDOUT);
  CHECK((script.events() & (kFailed | kClosed)) == (kFailed | kClosed));
}

TEST_CASE("RFC 9293 3.10.7.3, first: an ACK of something else gets a RST") {
  Script script;
  script.connect();
  script.expect("S 0:0(0)");
  script.receive("S. 0:0(0) ack 5 <mss 1000>");
  script.expect("R 5:5(0)");
  CHECK(script->state() == State::kSynSent);
  script.receive("R. 0:0(0) ack 7");
  script.expect_nothing();
  CHECK(script->state() == State::kSynSent);
  script.receive("R 0:0(0)");  // without ACK: not believed
  CHECK(script->state() == State::kSynSent);
  script.receive(". 0:0(0) ack 1");  // neither SYN nor RST
  CHECK(script->state() == State::kSynSent);
  script.expect_nothing();
}

TEST_CASE("RFC 9293 3.10.7.3, second: a RST that acknowledges the SYN refuses") {
  Script script;
  script.connect();
  script.receive("R. 0:0(0) ack 1");
  CHECK(script.left);
  CHECK(script->state() == State::kClosed);
  CHECK(script->error() == Errno::kECONNREFUSED);
  CHECK(script.events() == (kFailed | kClosed));
}

TEST_CASE("RFC 9293 3.5, figure 7: both ends open at the same time") {
  Script script;
  script.connect();
  script.expect("S 0:0(0)");
  script.receive("S 0:0(0) <mss 900>");
  CHECK(script->state() == State::kSynReceived);
  script.expect("S. 0:0(0) ack 1 <mss 1460>");
  SUBCASE("the other end's SYN, ACK") {
    script.receive("S. 0:0(0) ack 1 win 3000 <mss 900>");
    script.expect_nothing();
  }
  SUBCASE("an ACK") {
    script.receive(". 1:1(0) ack 1 win 3000");
    script.expect_nothing();
  }
  SUBCASE("its SYN again: our answer was lost") {
    script.receive("S 0:0(0) <mss 900>");
    script.expect("S. 0:0(0) ack 1");
    script.receive(". 1:1(0) ack 1 win 3000");
  }
  SUBCASE("nothing: ours is repeated") {
    script.advance(milliseconds(1001));
    script.expect("S. 0:0(0) ack 1");
    script.receive(". 1:1(0) ack 1 win 3000");
  }
  CHECK(script->state() == State::kEstablished);
  CHECK((script.events() & kConnected) != 0);
  CHECK(script->information(script.now).send_segment == 900);
  CHECK(script->information(script.now).send_window == 3000);
  script.send(100);
  script.expect("P. 1:101(100) ack 1");
}

TEST_CASE("a SYN, ACK with data and FIN (RFC 9293 3.10.7.3, fourth: continue at the sixth step)") {
  Script script;
  script.connect();
  script.expect("S 0:0(0)");
  script.receive("SF. 0:10(10) ack 1 <mss 1000>");
  script.expect(". 1:1(0) ack 12");
  CHECK(script->state() == State::kCloseWait);
  CHECK(script.read(100) == 10);
  CHECK(script->peer_closed());
}

TEST_CASE("a listener's connection: the third segment establishes it") {
  Script script;
  script.accept(Script::plain_handshake());
  CHECK(script->state() == State::kSynReceived);
  SUBCASE("an ACK") {
    script.receive(". 1:1(0) ack 1 win 5000");
    script.expect_nothing();
    CHECK(script.events() == (kConnected | kWritable));
  }
  SUBCASE("with data") {
    script.receive("P. 1:101(100) ack 1 win 5000");
    script.expect(". 1:1(0) ack 101");
    CHECK(script.events() == (kConnected | kWritable | kReadable));
    CHECK(script.read(1000) == 100);
  }
  CHECK(script->state() == State::kEstablished);
  CHECK(script->information(script.now).send_window == 5000);
}

TEST_CASE("RFC 9293 3.10.7.4, fifth: in SYN-RECEIVED a wrong ACK gets a RST") {
  Script script;
  script.accept(Script::plain_handshake());
  script.receive(". 1:1(0) ack 2");
  script.expect("R 2:2(0)");
  CHECK(script->state() == State::kSynReceived);
  script.receive("R 1:1(0)");
  CHECK(script.left);
  CHECK(script->error() == Errno::kECONNRESET);
}

TEST_CASE("a listener's connection repeats its SYN, ACK when the third segment was useless") {
  Script script;
  script.accept(Script::plain_handshake());
  script.advance(milliseconds(1001));
  script.expect("S. 0:0(0) ack 1 <mss 1460>");
}

TEST_CASE("the first round trip is the handshake's; none after a repeated SYN (RFC 6298 3)") {
  Script script;
  script.connect();
  script.advance(milliseconds(30));
  script.receive("S. 0:0(0) ack 1 <mss 1000>");
  CHECK(script->information(script.now).round_trip.count / 100'000 == 299);
  Script again;
  again.connect();
  again.advance(milliseconds(1030));
  again.receive("S. 0:0(0) ack 1 <mss 1000>");
  CHECK(again->information(again.now).round_trip.count == 0);
  // RFC 5681 3.1: and the window begins with one segment.
  CHECK(again->information(again.now).congestion_window <= 2000);
}

TEST_CASE("closing or aborting before the answer needs no segment (RFC 9293 3.10.4)") {
  Script script;
  script.connect();
  script.expect("S 0:0(0)");
  SUBCASE("close") { script->close(script.now); }
  SUBCASE("abort") { script->abort(script.now); }
  CHECK(script.left);
  CHECK_FALSE(script.released);
  script.flush();
  CHECK(script.released);
  script.expect_nothing();
}

TEST_CASE("ICMP ends an open that is being tried, and no other (RFC 1122 4.2.3.9, RFC 5927 5.2)") {
  Script script;
  script.connect();
  script->unreachable(Errno::kEHOSTUNREACH, false, {Script::kInitialSend}, script.now);
  CHECK_FALSE(script.left);
  script->unreachable(Errno::kECONNREFUSED, true, {Script::kInitialSend + 9}, script.now);
  CHECK_FALSE(script.left);
  script->unreachable(Errno::kECONNREFUSED, true, {Script::kInitialSend}, script.now);
  CHECK(script.left);
  CHECK(script->error() == Errno::kECONNREFUSED);

  Script open;
  open.establish();
  open.send(10);
  open->unreachable(Errno::kECONNREFUSED, true, {Script::kInitialSend + 1}, open.now);
  CHECK(open->state() == State::kEstablished);
  CHECK(open.events() == kSoftError);
  CHECK(open->take_soft_error() == Errno::kECONNREFUSED);
  CHECK(open->take_soft_error() == Errno::kNone);
}

}  // namespace
}  // namespace plumbline::net::tcp
