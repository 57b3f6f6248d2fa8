#include "net/tcp/loss_recovery.hh"

#include <doctest/doctest.h>

#include "net/tcp/test_recovery.hh"

namespace plumbline::net::tcp {
namespace {

using State = LossRecovery::State;
using Numbers = TestRecovery::Numbers;

TEST_CASE("a request and its answer: one segment, one acknowledgement, nothing left") {
  TestRecovery test;
  for (int i = 0; i < 100; ++i) {
    const Sequence begin = test.recovery.next();
    test.recovery.sent({begin, begin + 100}, 1000, test.now);
    CHECK(test.recovery.deadline() != LossRecovery::kNever);
    test.wait(3);
    const Acknowledgement ack{.number = begin + 100};
    const AckOutcome outcome = test.recovery.acknowledge(ack, test.now);
    CHECK(outcome.acknowledged == 100);
    CHECK(outcome.lost == 0);
    CHECK(test.recovery.deadline() == LossRecovery::kNever);
    CHECK(test.pool.in_use() == 0);
    CHECK(test.recovery.on_timer(test.now + seconds(100)) == TimerAction::kNone);
  }
  CHECK(test.recovery.rtt().smoothed() < milliseconds(4));
  // Small answers do not fill the window, so it does not grow.
  CHECK(test.window() == 10);
}

TEST_CASE("the window grows while it is what limits, and only then") {
  TestRecovery test;
  CHECK(test.allowed() == 10);
  test.send(10);
  CHECK(test.allowed() == 0);
  test.wait(100);
  CHECK(test.acknowledge(10).acknowledged == 10000);
  CHECK(test.window() == 20);
  test.send(4);
  test.wait(100);
  test.acknowledge(14);
  CHECK(test.window() == 20);
}

TEST_CASE("three segments beyond a hole: it is lost at once where nothing was reordered before") {
  TestRecovery test;
  test.send(10);
  test.wait(100);
  CHECK(test.acknowledge(0, {{1, 2}}).lost == 0);
  CHECK(test.recovery.state() == State::kDisorder);
  // Limited transmit (RFC 3042): what is sacked is not in flight.
  CHECK(test.allowed() == 1);
  CHECK(test.retransmit().empty());
  CHECK(test.acknowledge(0, {{1, 3}}).lost == 0);
  CHECK(test.acknowledge(0, {{1, 4}}).lost == 1000);
  CHECK(test.recovery.state() == State::kRecovery);
  CHECK(test.retransmit() == Numbers{{0, 1}});
  CHECK(test.threshold() == 5);
  CHECK(test.domain.counters.fast_recoveries == 1);
  // PRR: half of what is delivered goes out.
  uint32_t sent = 0;
  for (uint32_t i = 5; i <= 10; ++i) {
    test.acknowledge(0, {{1, i}});
    while (test.allowed() > 0) {
      test.send(1);
      ++sent;
    }
  }
  CHECK(sent >= 2);
  CHECK(test.in_flight() <= 5);
  test.wait(100);
  test.acknowledge(10);
  CHECK(test.recovery.state() == State::kOpen);
  CHECK(test.window() == 5);
}

TEST_CASE("fewer than three: lost after a quarter of the round trip, by the timer") {
  TestRecovery test;
  test.send(2);
  test.wait(100);
  test.acknowledge(0, {{1, 2}});
  CHECK(test.until_deadline() == doctest::Approx(25).epsilon(0.01));
  CHECK(test.recovery.on_timer(test.now) == TimerAction::kNone);
  CHECK(test.expire() == TimerAction::kRetransmit);
  CHECK(test.recovery.state() == State::kRecovery);
  CHECK(test.retransmit() == Numbers{{0, 1}});
}

TEST_CASE("what comes a little late was reordered: no loss, and patience from then on") {
  TestRecovery test;
  test.send(10);
  test.wait(100);
  test.acknowledge(0, {{1, 2}});
  test.wait(10);
  CHECK(test.acknowledge(2).lost == 0);
  CHECK(test.recovery.reordering_seen());
  CHECK(test.recovery.state() == State::kOpen);
  // Three and more beyond the hole are not enough any more.
  CHECK(test.acknowledge(2, {{3, 10}}).lost == 0);
  CHECK(test.until_deadline() > 10);
  CHECK(test.expire() == TimerAction::kRetransmit);
  CHECK(test.retransmit() == Numbers{{2, 3}});
}

TEST_CASE("a lost retransmission is found by what was sent after it (RFC 8985, 3.1)") {
  TestRecovery test;
  test.send(10);
  test.wait(100);
  test.acknowledge(0, {{1, 5}});
  CHECK(test.retransmit() == Numbers{{0, 1}});
  test.wait(1);
  test.acknowledge(0, {{1, 10}});
  test.send(2);
  test.wait(100);
  // New data sent after the retransmission is sacked, the retransmission is not.
  CHECK(test.acknowledge(0, {{10, 11}, {1, 10}}).lost == 1000);
  CHECK(test.retransmit() == Numbers{{0, 1}});
  CHECK(test.recovery.state() == State::kRecovery);
  CHECK(test.threshold() == 5);
  test.wait(100);
  test.acknowledge(12);
  CHECK(test.recovery.state() == State::kOpen);
  CHECK(test.domain.counters.fast_recoveries == 1);
}

TEST_CASE("one TSO frame of many segments is cut where it was lost") {
  TestRecovery test;
  test.send_frame(10);
  test.wait(100);
  CHECK(test.acknowledge(2, {{3, 6}, {7, 10}}).lost == 2000);
  CHECK(test.retransmit() == Numbers{{2, 3}, {6, 7}});
  test.wait(100);
  test.acknowledge(6, {{7, 10}});
  test.wait(100);
  CHECK(test.acknowledge(10).acknowledged == 4000);
  CHECK_FALSE(test.recovery.outstanding());
}

TEST_CASE("DSACKs widen the reordering window, once a round trip, for 16 recoveries") {
  TestRecovery test;
  CHECK(test.recovery.reordering_window_multiplier() == 1);
  test.send(4);
  test.wait(100);
  test.acknowledge(2, {{0, 1}});
  CHECK(test.recovery.reordering_window_multiplier() == 2);
  test.acknowledge(2, {{0, 1}});
  CHECK(test.recovery.reordering_window_multiplier() == 2);
  test.acknowledge(4);
  uint32_t next = 4;
  for (int i = 0; i < 16; ++i) {
    CHECK(test.recovery.reordering_window_multiplier() == 2);
    test.send(5);
    test.wait(100);
    test.acknowledge(next, {{next + 1, next + 5}});
    CHECK(test.recovery.state() == State::kRecovery);
    test.retransmit();
    test.wait(100);
    next += 5;
    test.acknowledge(next);
    CHECK(test.recovery.state() == State::kOpen);
  }
  CHECK(test.recovery.reordering_window_multiplier() == 1);
  CHECK(test.domain.counters.duplicate_reports == 2);
}

TEST_CASE("blocks that make no sense are ignored") {
  TestRecovery test;
  test.send(5);
  test.wait(100);
  test.acknowledge(1);
  CHECK(test.acknowledge(1, {{3, 2}}).lost == 0);
  CHECK(test.acknowledge(1, {{2, 9}}).lost == 0);  // never sent
  CHECK(test.acknowledge(1, {{3, 3}}).lost == 0);  // empty
  CHECK(test.acknowledge(1, {{1, 3}}).lost == 0);  // touches the acknowledgement
  CHECK(test.acknowledge(1, {{3, 4}, {0, 3}}).lost == 0);
  CHECK(test.recovery.segments().sacked() == 1000);
}

TEST_CASE("ECN: one reduction a window, told once, and no retransmission (RFC 3168, 6.1.2)") {
  TestRecovery test;
  test.send(10);
  test.wait(100);
  test.ack.congestion_echo = true;
  test.acknowledge(2);
  CHECK(test.window() == 5);
  CHECK(test.recovery.take_window_reduced());
  CHECK_FALSE(test.recovery.take_window_reduced());
  CHECK(test.recovery.state() == State::kOpen);
  for (uint32_t i = 3; i < 10; ++i) {
    test.ack.congestion_echo = true;
    test.acknowledge(i);
    CHECK(test.window() == 5);
  }
  test.acknowledge(10);
  test.send(5);
  test.wait(100);
  test.ack.congestion_echo = true;
  test.acknowledge(15);
  CHECK(test.window() == 2);
  CHECK(test.domain.counters.congestion_echoes == 2);
  CHECK(test.domain.counters.retransmitted_segments == 0);
}

TEST_CASE("a smaller path: what is too large goes again, and the window stays") {
  TestRecovery test;
  test.send_frame(4);
  test.send_frame(4);
  test.recovery.set_mss(500, true, test.now);
  CHECK(test.recovery.segments().lost() == 8000);
  CHECK(test.recovery.congestion().window() == 10000);
  const auto range = test.recovery.next_retransmission(500, true);
  REQUIRE(range);
  CHECK(range->length() == 500);
  test.recovery.retransmitted(*range, 500, test.now);
  while (const auto more = test.recovery.next_retransmission(2000, true))
    test.recovery.retransmitted(*more, 500, test.now);
  CHECK(test.recovery.segments().lost() == 0);
  test.wait(100);
  test.acknowledge(8);
  CHECK(test.recovery.state() == State::kOpen);
  CHECK(test.recovery.congestion().window() >= 10000);
  CHECK(test.recovery.congestion().threshold() == Congestion::kUnlimited);
  // Larger segments, and smaller ones that need nothing again.
  test.recovery.set_mss(1000, true, test.now);
  CHECK(test.recovery.segments().lost() == 0);
}

TEST_CASE("what cannot be sent again now is given again") {
  TestRecovery test;
  test.send(10);
  test.wait(100);
  test.acknowledge(0, {{1, 8}});
  const auto first = test.recovery.next_retransmission(1000, true);
  REQUIRE(first);
  CHECK(test.recovery.next_retransmission(1000, true) == first);
  // A part of it, as for a frame that found few buffers.
  test.recovery.retransmitted({first->begin, first->begin + 400}, 1000, test.now);
  CHECK(test.recovery.segments().lost() == 600);
}

TEST_CASE("records are everybody's: a connection that is gone leaves none behind") {
  TestMemory memory;
  SentSegmentPool pool(memory.source(), 1000, 1);
  RecoveryDomain domain{pool};
  {
    LossRecovery recovery(domain);
    recovery.start({.first = {5}, .mss = 1000, .sack = true});
    for (int i = 0; i < 10; ++i)
      recovery.sent({recovery.next(), recovery.next() + 1000}, 1000, seconds(1));
    CHECK(pool.in_use() == 10);
    recovery.clear();
    CHECK(pool.in_use() == 0);
    CHECK(recovery.deadline() == LossRecovery::kNever);
    recovery.sent({recovery.next(), recovery.next() + 1000}, 1000, seconds(1));
  }
  CHECK(pool.in_use() == 0);
}

TEST_CASE("an idle connection is small") { CHECK(sizeof(LossRecovery) <= 336); }

}  // namespace
}  // namespace plumbline::net::tcp
