// How connections end (RFC 9293 section 3.6), in every order.
#include <doctest/doctest.h>

#include "net/tcp/connection_script.hh"

namespace plumbline::net::tcp {
namespace {

using Script = ConnectionScript;

TEST_CASE("RFC 9293 3.6, figure 12: we close first") {
  Script script;
  script.establish();
  script->shutdown_send(script.now);
  script.expect("F. 1:1(0) ack 1");
  CHECK(script->state() == State::kFinWait1);
  script.receive(". 1:1(0) ack 2");
  CHECK(script->state() == State::kFinWait2);
  CHECK(script.events() == kDrained);
  script.receive("F. 1:1(0) ack 2");
  script.expect(". 2:2(0) ack 2");
  CHECK(script->state() == State::kTimeWait);
  CHECK(script.left);
  CHECK(script.events() == (kReadable | kPeerClosed | kClosed));
  // What the record needs.
  CHECK(script->send_next() == Sequence{Script::kInitialSend + 2});
  CHECK(script->receive_next() == Sequence{Script::kInitialReceive + 2});
  script->close(script.now);
  script.flush();
  CHECK(script.released);
}

TEST_CASE("the peer closes first: CLOSE-WAIT, LAST-ACK") {
  Script script;
  script.establish();
  script.receive("F. 1:1(0) ack 1");
  script.expect(". 1:1(0) ack 2");
  CHECK(script->state() == State::kCloseWait);
  CHECK(script.events() == (kReadable | kPeerClosed));
  // Half-close (section 3.6, case 2): we may go on sending.
  CHECK(script.send(500) == 500);
  script.expect("P. 1:501(500) ack 2");
  script.receive(". 2:2(0) ack 501");
  script->close(script.now);
  script.expect("F. 501:501(0) ack 2");
  CHECK(script->state() == State::kLastAck);
  script.receive(". 2:2(0) ack 502");
  CHECK(script.left);
  CHECK(script.released);
  script.expect_nothing();
}

TEST_CASE("RFC 9293 3.6, figure 13: both close at the same time") {
  Script script;
  script.establish();
  script->close(script.now);
  script.expect("F. 1:1(0) ack 1");
  script.receive("F. 1:1(0) ack 1");
  script.expect(". 2:2(0) ack 2");
  CHECK(script->state() == State::kClosing);
  script.receive(". 2:2(0) ack 2");
  CHECK(script.left);
  CHECK(script.released);
}

TEST_CASE("the peer's FIN acknowledges ours: straight to TIME-WAIT") {
  Script script;
  script.establish();
  script->shutdown_send(script.now);
  script.expect("F. 1:1(0) ack 1");
  script.receive("F. 1:1(0) ack 2");
  script.expect(". 2:2(0) ack 2");
  CHECK(script->state() == State::kTimeWait);
}

TEST_CASE("data and FIN in one segment, both ways") {
  Script script;
  script.establish();
  script->set_cork(true, script.now);
  script.send(300);
  script.expect_nothing();
  script->shutdown_send(script.now);
  script.expect("FP. 1:301(300) ack 1");
  script.receive("F. 1:101(100) ack 302");
  script.expect(". 302:302(0) ack 102");
  CHECK(script->state() == State::kTimeWait);
  CHECK(script.read(1000) == 100);
}

TEST_CASE("a FIN waits for the data in front of it, and for the window") {
  Script script;
  script.establish({"mss 1000", 1000});
  script.send(1500);
  script.expect(". 1:1001(1000) ack 1");
  script->shutdown_send(script.now);
  script.expect_nothing();
  script.receive(". 1:1(0) ack 1001 win 500");
  script.expect("P. 1001:1501(500) ack 1");
  script.expect_nothing();  // the FIN has a number, too: it does not fit into the window
  script.receive(". 1:1(0) ack 1501 win 1");
  script.expect("F. 1501:1501(0) ack 1");
}

TEST_CASE("a FIN behind a gap counts once the gap is closed") {
  Script script;
  script.establish();
  script.receive("F. 101:201(100) ack 1");
  script.expect(". 1:1(0) ack 1");
  CHECK(script->state() == State::kEstablished);
  CHECK_FALSE(script->peer_closed());
  script.receive(". 1:101(100) ack 1");
  script.expect(". 1:1(0) ack 202");
  CHECK(script->state() == State::kCloseWait);
  CHECK(script.read(1000) == 200);
}

TEST_CASE("data behind the peer's FIN is not taken") {
  Script script;
  script.establish();
  script.receive("F. 101:101(0) ack 1");
  script.receive(". 1:301(300) ack 1");
  CHECK(script->state() == State::kCloseWait);
  CHECK(script.read(1000) == 100);
  CHECK(script->receive_next() == Sequence{Script::kInitialReceive + 102});
}

TEST_CASE("our FIN is sent again until it is acknowledged") {
  Script script;
  script.establish();
  script->close(script.now);
  script.expect("F. 1:1(0) ack 1");
  script.advance(seconds(3));
  script.expect("F. 1:1(0) ack 1");
  CHECK_FALSE(script.left);
}

TEST_CASE("RFC 2525 2.17: closing with unread data resets") {
  Script script;
  script.establish();
  script.receive(". 1:101(100) ack 1");
  script.expect(". 1:1(0) ack 101");
  script->close(script.now);
  script.expect("R. 1:1(0) ack 101");
  script.expect_nothing();
  CHECK(script.left);
  script.flush();
  CHECK(script.released);
}

TEST_CASE("RFC 9293 3.6.1: data that arrives after close() is answered by RST") {
  Script script;
  script.establish();
  script->close(script.now);
  script.expect("F. 1:1(0) ack 1");
  SUBCASE("in FIN-WAIT-1") {}
  SUBCASE("in FIN-WAIT-2") {
    script.receive(". 1:1(0) ack 2");
    CHECK(script->state() == State::kFinWait2);
  }
  script.receive(". 1:101(100) ack 2");
  script.expect("R. 2:2(0) ack 1");
  CHECK(script.left);
  CHECK(script.released);
}

TEST_CASE("shutdown_send() alone goes on receiving (RFC 1122 4.2.2.13)") {
  Script script;
  script.establish();
  script->shutdown_send(script.now);
  script.expect("F. 1:1(0) ack 1");
  script.receive(". 1:1001(1000) ack 2");
  script.expect(". 2:2(0) ack 1001");
  CHECK(script.read(5000) == 1000);
  CHECK(script.send(10) == 0);
}

TEST_CASE("abort sends a RST at once (RFC 9293 3.10.5)") {
  Script script;
  script.establish();
  script.send(1000);
  script.expect("P. 1:1001(1000) ack 1");
  script->abort(script.now);
  script.expect("R. 1001:1001(0) ack 1");
  CHECK(script.left);
}

TEST_CASE("FIN-WAIT-2 does not last for ever when no program is left") {
  Script script;
  script.establish();
  script->close(script.now);
  script.receive(". 1:1(0) ack 2");
  CHECK(script->state() == State::kFinWait2);
  script.advance(seconds(59));
  CHECK_FALSE(script.left);
  script.advance(seconds(2));
  CHECK(script.left);
  CHECK(script.released);
}

TEST_CASE("a connection that nobody has gives up sooner") {
  Script script;
  script.establish();
  script.send(1000);
  script->close(script.now);
  script.advance(seconds(200));
  CHECK(script.released);
  CHECK(script.domain.statistics.aborted_timeout == 1);
}

TEST_CASE("a RST ends each state with the error that belongs to it (RFC 9293 3.10.7.4, second)") {
  Script script;
  script.establish();
  SUBCASE("ESTABLISHED") {
    script.receive("R 1:1(0)");
    CHECK(script->error() == Errno::kECONNRESET);
    CHECK(script.events() == (kFailed | kClosed));
  }
  SUBCASE("CLOSE-WAIT") {
    script.receive("F. 1:1(0) ack 1");
    script.receive("R 2:2(0)");
    CHECK(script->error() == Errno::kEPIPE);
  }
  SUBCASE("FIN-WAIT-2") {
    script->shutdown_send(script.now);
    script.receive(". 1:1(0) ack 2");
    script.receive("R 1:1(0)");
    CHECK(script->error() == Errno::kECONNRESET);
  }
  SUBCASE("CLOSING") {
    script->shutdown_send(script.now);
    script.receive("F. 1:1(0) ack 1");
    CHECK(script->state() == State::kClosing);
    script.receive("R 2:2(0)");
    CHECK(script->error() == Errno::kNone);
  }
  CHECK(script.left);
  CHECK(script->state() == State::kClosed);
  CHECK(script.send(10) == 0);
}

TEST_CASE("segments of the burst behind the one that ended the connection are dropped") {
  Script script;
  script.establish();
  script.receive_more("R 1:1(0)");
  script.receive_more(". 1:101(100) ack 1");
  script.flush();
  script.expect_nothing();
  CHECK(script->readable() == 0);
}

TEST_CASE("what was received before a RST can be read") {
  Script script;
  script.establish();
  script.receive(". 1:101(100) ack 1");
  script.receive("R 101:101(0)");
  CHECK(script->error() == Errno::kECONNRESET);
  CHECK(script.read(1000) == 100);
}

}  // namespace
}  // namespace plumbline::net::tcp
