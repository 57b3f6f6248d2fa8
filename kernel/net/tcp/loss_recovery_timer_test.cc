#include <doctest/doctest.h>

#include "net/tcp/test_recovery.hh"

namespace plumbline::net::tcp {
namespace {

using State = LossRecovery::State;
using Numbers = TestRecovery::Numbers;

TEST_CASE("a tail loss probe after two round trips, then the timeout (RFC 8985, 7.2)") {
  TestRecovery test;
  test.send(3);
  CHECK(test.until_deadline() == doctest::Approx(202).epsilon(0.01));
  CHECK(test.expire() == TimerAction::kProbe);
  CHECK(test.recovery.probe() == SequenceRange{TestRecovery::at(2), TestRecovery::at(3)});
  test.recovery.retransmitted(test.recovery.probe(), 1000, test.now);
  test.recovery.probed(false);
  CHECK(test.recovery.state() == State::kOpen);
  CHECK(test.until_deadline() == doctest::Approx(300).epsilon(0.01));
  test.wait(100);
  // The probe arrived: the two before it are lost, as they were sent long before it.
  CHECK(test.acknowledge(0, {{2, 3}}).lost == 2000);
  CHECK(test.retransmit() == Numbers{{0, 1}});
  test.wait(100);
  test.acknowledge(1, {{2, 3}});
  CHECK(test.retransmit() == Numbers{{1, 2}});
  CHECK(test.domain.counters.timeouts == 0);
}

TEST_CASE("a single segment is given the time of a delayed acknowledgement") {
  TestRecovery test;
  // Several round trips, so that the timeout comes later than the probe.
  for (int i = 0; i < 3; ++i)
    test.recovery.rtt().sample(milliseconds(i % 2 == 0 ? 20 : 300), milliseconds(20), test.now);
  const auto trips = static_cast<double>(test.recovery.rtt().smoothed().count) * 2 / 1e6;
  test.send(1);
  CHECK(test.until_deadline() == doctest::Approx(trips + 200));
  // So are two that are not both full.
  test.recovery.sent({test.recovery.next(), test.recovery.next() + 999}, 1000, test.now);
  CHECK(test.until_deadline() == doctest::Approx(trips + 200));
  test.recovery.sent({test.recovery.next(), test.recovery.next() + 1}, 1000, test.now);
  CHECK(test.until_deadline() == doctest::Approx(trips + 2));
}

TEST_CASE("the probe is no later than the timeout, and the timeout follows it") {
  TestRecovery test;
  for (int i = 0; i < 100; ++i)
    test.recovery.rtt().sample(milliseconds(100), milliseconds(100), test.now);
  test.send(1);
  CHECK(test.until_deadline() == doctest::Approx(200));
  CHECK(test.expire() == TimerAction::kProbe);
  CHECK(test.until_deadline() == doctest::Approx(200));
  CHECK(test.expire() == TimerAction::kTimeout);
}

TEST_CASE("a probe that repaired the loss unseen costs the window all the same (7.4.2)") {
  TestRecovery test;
  test.send(8);
  test.wait(100);
  test.acknowledge(7);
  CHECK(test.expire() == TimerAction::kProbe);
  test.recovery.retransmitted(test.recovery.probe(), 1000, test.now);
  test.recovery.probed(false);
  test.wait(100);
  const uint32_t window = test.window() + 1;
  test.acknowledge(8);
  // Both copies could have arrived; what is acknowledged beyond decides.
  CHECK(test.window() == window);
  test.send(1);
  test.wait(100);
  test.acknowledge(9);
  CHECK(test.window() == window / 2);
  CHECK(test.domain.counters.tail_losses_repaired == 1);
}

TEST_CASE("a probe that was not needed costs nothing: by DSACK, or by a duplicate without SACK") {
  for (const bool dsack : {true, false}) {
    TestRecovery test;
    test.send(8);
    test.wait(100);
    test.acknowledge(7);
    const uint32_t window = test.window();
    CHECK(test.expire() == TimerAction::kProbe);
    test.recovery.retransmitted(test.recovery.probe(), 1000, test.now);
    test.recovery.probed(false);
    test.wait(1);
    test.acknowledge(8);
    CHECK(test.window() == window + 1);
    test.wait(100);
    if (dsack)
      test.acknowledge(8, {{7, 8}});
    else
      test.duplicate();
    test.send(1);
    test.wait(100);
    test.acknowledge(9);
    CHECK(test.window() == window + 1);
    CHECK(test.domain.counters.tail_losses_repaired == 0);
  }
}

TEST_CASE("a probe of new data says nothing by itself") {
  TestRecovery test;
  test.send(8);
  test.wait(100);
  test.acknowledge(6);
  const uint32_t window = test.window();
  CHECK(test.expire() == TimerAction::kProbe);
  test.send(1);
  test.recovery.probed(true);
  test.wait(100);
  CHECK(test.acknowledge(6, {{8, 9}}).lost == 2000);
  CHECK(test.recovery.state() == State::kRecovery);
  CHECK(test.threshold() == window / 2);
}

TEST_CASE("one probe, not one after the other, of old data or new or not sent at all") {
  for (const int what : {0, 1, 2}) {
    TestRecovery test;
    test.send(5);
    CHECK(test.expire() == TimerAction::kProbe);
    if (what == 0) {
      test.recovery.retransmitted(test.recovery.probe(), 1000, test.now);
      test.recovery.probed(false);
    } else if (what == 1) {
      test.send(1);
      test.recovery.probed(true);
    }
    CHECK(test.until_deadline() == doctest::Approx(300).epsilon(0.01));
    CHECK(test.expire() == TimerAction::kTimeout);
    CHECK(test.domain.counters.tail_probes == (what < 2));
  }
}

TEST_CASE(
    "timeouts double, one segment goes at a time, and an acknowledgement ends it (RFC 6298)") {
  TestRecovery test(false);
  test.send(5);
  CHECK(test.until_deadline() == doctest::Approx(300).epsilon(0.01));
  double span = 300;
  for (unsigned i = 1; i <= 6; ++i) {
    CHECK(test.expire() == TimerAction::kTimeout);
    CHECK(test.recovery.timeouts() == i);
    CHECK(test.window() == 1);
    CHECK(test.threshold() == 5);
    CHECK(test.retransmit() == Numbers{{0, 1}});
    span *= 2;
    CHECK(test.until_deadline() == doctest::Approx(span).epsilon(0.01));
  }
  test.wait(100);
  CHECK(test.acknowledge(1).lost == 4000);
  CHECK(test.recovery.timeouts() == 0);
  CHECK(test.recovery.state() == State::kLoss);
  // F-RTO would like to send something new first; there is nothing.
  CHECK(test.retransmit(true).empty());
  CHECK(test.retransmit(false) == Numbers{{1, 2}, {2, 3}});
  test.wait(100);
  test.acknowledge(3);
  CHECK(test.retransmit() == Numbers{{3, 4}, {4, 5}});
  test.wait(100);
  test.acknowledge(5);
  CHECK(test.recovery.state() == State::kOpen);
  CHECK(test.recovery.deadline() == LossRecovery::kNever);
  // Slow start by a segment an acknowledgement.
  CHECK(test.window() == 4);
}

TEST_CASE("the timeout of what was sent again begins when it was") {
  TestRecovery test;
  test.send(5);
  test.wait(100);
  test.acknowledge(1);
  test.wait(99);
  test.acknowledge(1, {{2, 5}});
  CHECK(test.retransmit() == Numbers{{1, 2}});
  CHECK(test.until_deadline() >=
        static_cast<double>(test.recovery.rtt().timeout(test.domain.rto).count) / 1e6);
}

TEST_CASE("a timeout takes what must have arrived by now for lost, not what was sent just before") {
  TestRecovery test;
  test.send(2);
  test.wait(100);
  test.acknowledge(1);
  // The round trip is 100 ms, the timeout 300 ms after that; something is sent shortly before it.
  CHECK(test.expire() == TimerAction::kProbe);
  test.recovery.probed(false);
  test.wait(250);
  test.send(1);
  CHECK(test.expire() == TimerAction::kTimeout);
  CHECK(test.recovery.segments().lost() == 1000);
  CHECK(test.in_flight() == 1);
  // What is in flight does not keep the retransmission waiting.
  CHECK(test.retransmit() == Numbers{{1, 2}});
}

TEST_CASE("a receiver that took its SACKs back is sent everything again (RFC 2018, section 8)") {
  TestRecovery test;
  test.send(5);
  test.wait(100);
  test.acknowledge(0, {{1, 5}});
  CHECK(test.retransmit() == Numbers{{0, 1}});
  test.wait(100);
  test.acknowledge(1);  // without the blocks that would have to follow, and with no advance to 5
  CHECK(test.recovery.segments().sacked() == 4000);
  while (test.expire() != TimerAction::kTimeout) continue;
  CHECK(test.domain.counters.reneged == 1);
  CHECK(test.recovery.segments().sacked() == 0);
  CHECK(test.recovery.segments().lost() == 4000);
  CHECK(test.retransmit() == Numbers{{1, 2}});
}

}  // namespace
}  // namespace plumbline::net::tcp
