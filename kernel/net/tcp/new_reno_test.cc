// Recovery without SACK (RFC 5681, 6582).
#include <doctest/doctest.h>

#include "net/tcp/test_recovery.hh"

namespace plumbline::net::tcp {
namespace {

using State = LossRecovery::State;
using Numbers = TestRecovery::Numbers;

TEST_CASE("three duplicates begin recovery, two let out new data (RFC 5681, 3.2; RFC 3042)") {
  TestRecovery test(false);
  test.send(10);
  test.wait(100);
  test.duplicate();
  CHECK(test.allowed() == 1);
  test.send(1);
  test.duplicate();
  CHECK(test.allowed() == 1);
  test.send(1);
  CHECK(test.retransmit().empty());
  CHECK(test.duplicate().lost == 1000);
  CHECK(test.recovery.state() == State::kRecovery);
  CHECK(test.retransmit() == Numbers{{0, 1}});
  CHECK(test.threshold() == 5);
  for (int i = 0; i < 8; ++i) {
    test.duplicate();
    while (test.allowed() != 0) test.send(1);
  }
  CHECK(test.in_flight() >= 4);
  CHECK(test.in_flight() <= 5);
  test.wait(100);
  test.acknowledge(12);
  CHECK(test.recovery.state() == State::kOpen);
  CHECK(test.window() == 5);
}

TEST_CASE("a partial acknowledgement shows the next hole (RFC 6582, 3.2 step 3)") {
  TestRecovery test(false);
  test.send(10);
  test.wait(100);
  for (int i = 0; i < 7; ++i) test.duplicate();  // 0, 3 and 6 are lost
  CHECK(test.retransmit() == Numbers{{0, 1}});
  test.wait(100);
  CHECK(test.acknowledge(3).lost == 1000);
  CHECK(test.retransmit() == Numbers{{3, 4}});
  test.wait(100);
  test.acknowledge(6);
  CHECK(test.retransmit() == Numbers{{6, 7}});
  CHECK(test.recovery.state() == State::kRecovery);
  test.wait(100);
  test.acknowledge(10);
  CHECK(test.recovery.state() == State::kOpen);
  CHECK(test.domain.counters.fast_recoveries == 1);
}

TEST_CASE("duplicates of a past recovery begin no new one (RFC 6582, 3.2 step 1)") {
  TestRecovery test(false);
  test.send(10);
  test.wait(100);
  for (int i = 0; i < 9; ++i) test.duplicate();
  test.retransmit();
  test.wait(100);
  test.acknowledge(10);
  test.send(5);
  for (int i = 0; i < 5; ++i) test.duplicate();
  CHECK(test.recovery.segments().lost() == 0);
  test.wait(100);
  test.acknowledge(11);
  for (int i = 0; i < 3; ++i) test.duplicate();
  CHECK(test.recovery.segments().lost() == 1000);
}

TEST_CASE("more duplicates than segments are no more than nothing in flight") {
  TestRecovery test(false);
  test.send(4);
  test.wait(100);
  for (int i = 0; i < 1000; ++i) {
    test.duplicate();
    CHECK(test.in_flight() <= 4);
  }
  CHECK(test.recovery.allowed() <= 10000);
}

}  // namespace
}  // namespace plumbline::net::tcp
