#include <doctest/doctest.h>

#include "net/tcp/test_recovery.hh"

namespace plumbline::net::tcp {
namespace {

using State = LossRecovery::State;
using Numbers = TestRecovery::Numbers;

TEST_CASE("Eifel: the answer to an original undoes a recovery (RFC 3522)") {
  TestRecovery test;
  test.send(10);
  const Nanoseconds sent = test.now;
  test.wait(100);
  test.acknowledge(0, {{1, 5}});
  CHECK(test.retransmit() == Numbers{{0, 1}});
  CHECK(test.threshold() == 5);
  test.wait(5);
  test.echoing(sent).acknowledge(5);
  CHECK(test.recovery.state() == State::kOpen);
  CHECK(test.window() == 10);
  CHECK(test.recovery.congestion().threshold() == Congestion::kUnlimited);
  CHECK(test.recovery.reordering_seen());
  CHECK(test.domain.counters.spurious_recoveries == 1);
}

TEST_CASE("the answer to the retransmission undoes nothing") {
  TestRecovery test;
  test.send(10);
  test.wait(100);
  test.acknowledge(0, {{1, 5}});
  test.retransmit();
  const Nanoseconds again = test.now;
  test.wait(100);
  test.echoing(again).acknowledge(10);
  CHECK(test.recovery.state() == State::kOpen);
  CHECK(test.window() == 5);
  CHECK(test.domain.counters.spurious_recoveries == 0);
}

TEST_CASE("a DSACK for all that was sent again undoes, also after recovery (RFC 3708)") {
  TestRecovery test;
  test.send(10);
  test.wait(100);
  test.acknowledge(0, {{2, 8}});
  CHECK(test.recovery.segments().lost() == 2000);
  Numbers again = test.retransmit();
  test.wait(10);
  test.acknowledge(0, {{2, 10}});
  for (const auto& more : test.retransmit()) again.push_back(more);
  CHECK(again == Numbers{{0, 1}, {1, 2}});
  test.wait(10);
  test.acknowledge(10);
  CHECK(test.window() == 5);
  test.send(5);
  test.wait(80);
  test.acknowledge(10, {{0, 1}});
  CHECK(test.window() == 5);
  test.acknowledge(10, {{1, 2}});
  CHECK(test.window() == 10);
  CHECK(test.domain.counters.spurious_recoveries == 1);
}

TEST_CASE("a DSACK that comes much later undoes nothing") {
  TestRecovery test;
  test.send(10);
  test.wait(100);
  test.acknowledge(0, {{1, 8}});
  test.retransmit();
  test.wait(100);
  test.acknowledge(10);
  test.send(5);
  test.wait(100);
  test.acknowledge(15);
  test.send(5);
  test.acknowledge(15, {{0, 1}});
  CHECK(test.window() == 6);
  CHECK(test.domain.counters.spurious_recoveries == 0);
}

TEST_CASE("everything arrived before anything was sent again") {
  TestRecovery test;
  test.send(10);
  test.wait(100);
  test.acknowledge(0, {{1, 5}});
  CHECK(test.recovery.state() == State::kRecovery);
  test.wait(1);
  test.acknowledge(10);
  CHECK(test.recovery.state() == State::kOpen);
  CHECK(test.window() == 10);
  CHECK(test.domain.counters.spurious_recoveries == 1);
}

TEST_CASE("F-RTO: after a timeout, something arrives that was not sent again (RFC 5682)") {
  for (const bool sack : {true, false}) {
    TestRecovery test(sack);
    test.send(10);
    if (sack) {
      CHECK(test.expire() == TimerAction::kProbe);
      test.recovery.probed(true);
    }
    CHECK(test.expire() == TimerAction::kTimeout);
    CHECK(test.retransmit() == Numbers{{0, 1}});
    // The original of the first arrives, and could be the retransmission.
    test.wait(1);
    test.acknowledge(1);
    CHECK(test.recovery.state() == State::kLoss);
    CHECK(test.retransmit(true).empty());
    CHECK(test.allowed() >= 1);
    test.send(2);
    // The original of the second, which was not sent again.
    test.wait(1);
    test.acknowledge(2);
    CHECK(test.recovery.state() == State::kOpen);
    CHECK(test.recovery.segments().lost() == 0);
    CHECK(test.window() >= 10);
    CHECK(test.recovery.rtt().backoff() == 0);
    CHECK(test.domain.counters.spurious_timeouts == 1);
  }
}

TEST_CASE("F-RTO: a duplicate instead means that the losses are real") {
  TestRecovery test(false);
  test.send(10);
  CHECK(test.expire() == TimerAction::kTimeout);
  CHECK(test.retransmit() == Numbers{{0, 1}});
  test.wait(100);
  test.acknowledge(1);
  CHECK(test.retransmit(true).empty());
  test.send(1);
  test.wait(100);
  test.duplicate();
  CHECK(test.retransmit(true) == Numbers{{1, 2}, {2, 3}});
  CHECK(test.recovery.state() == State::kLoss);
  CHECK(test.domain.counters.spurious_timeouts == 0);
}

TEST_CASE("F-RTO: a duplicate at once, too") {
  TestRecovery test(false);
  test.send(10);
  CHECK(test.expire() == TimerAction::kTimeout);
  test.retransmit();
  test.duplicate();
  test.wait(100);
  test.acknowledge(1);
  CHECK(test.retransmit(true) == Numbers{{1, 2}, {2, 3}});
}

TEST_CASE("Eifel undoes a timeout") {
  TestRecovery test(false);
  test.send(10);
  const Nanoseconds sent = test.now;
  CHECK(test.expire() == TimerAction::kTimeout);
  test.retransmit();
  test.wait(2);
  test.echoing(sent).acknowledge(1);
  CHECK(test.recovery.state() == State::kOpen);
  CHECK(test.window() == 10);
  CHECK(test.recovery.segments().lost() == 0);
  CHECK(test.domain.counters.spurious_timeouts == 1);
  // The measurement of the delay makes the next timeout later.
  CHECK(test.recovery.rtt().timeout(test.domain.rto) > milliseconds(300));
}

}  // namespace
}  // namespace plumbline::net::tcp
