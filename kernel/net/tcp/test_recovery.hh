// For hosted tests: a LossRecovery that is told by segment numbers what to do.
#pragma once

#include <doctest/doctest.h>

#include <initializer_list>
#include <utility>
#include <vector>

#include "net/tcp/loss_recovery.hh"
#include "net/tcp/test_memory.hh"

namespace plumbline::net::tcp {

// Segments of 1000 bytes, numbered from 0, over a path of 100 ms. What was measured before is one
// round trip.
class TestRecovery {
 public:
  static constexpr uint32_t kMss = 1000;
  static constexpr Sequence kFirst{0xffffe000};
  using Numbers = std::vector<std::pair<uint32_t, uint32_t>>;

  explicit TestRecovery(bool sack = true,
                        CongestionAlgorithm algorithm = CongestionAlgorithm::kReno)
      : pool(memory.source(), 100000, 1), domain{pool}, recovery(domain) {
    recovery.start({.first = kFirst, .mss = kMss, .sack = sack, .algorithm = algorithm});
    recovery.rtt().sample(milliseconds(100), milliseconds(100), now);
  }

  static Sequence at(uint32_t segment) { return kFirst + segment * kMss; }
  // Segments [begin, end) were sent, each as a frame of its own.
  void send(uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) send_frame(1);
  }
  void send_frame(uint32_t segments) {
    const Sequence begin = recovery.next();
    recovery.sent({begin, begin + segments * kMss}, kMss, now);
  }
  void wait(uint64_t ms) { now = now + milliseconds(ms); }

  // Segments before `number` are acknowledged, and `sacks` of others.
  AckOutcome acknowledge(uint32_t number, const Numbers& sacks = {}) {
    std::vector<SequenceRange> ranges;
    for (const auto& [begin, end] : sacks) ranges.push_back({at(begin), at(end)});
    ack.number = at(number);
    ack.sacks = ranges;
    const AckOutcome outcome = recovery.acknowledge(ack, now);
    ack = {};
    return outcome;
  }
  AckOutcome duplicate() {
    ack.duplicate = true;
    ack.number = recovery.una();
    const AckOutcome outcome = recovery.acknowledge(ack, now);
    ack = {};
    return outcome;
  }
  // The next acknowledgement echoes the timestamp of what was sent at `time`.
  TestRecovery& echoing(Nanoseconds time) {
    ack.has_echo = true;
    ack.echo = timestamp_clock(time);
    return *this;
  }
  // Sends what may be sent again; the numbers of the segments.
  Numbers retransmit(bool new_data = false) {
    Numbers sent;
    while (const auto range = recovery.next_retransmission(65000, new_data)) {
      REQUIRE(range->length() % kMss == 0);
      recovery.retransmitted(*range, kMss, now);
      sent.emplace_back(number(range->begin), number(range->end));
    }
    return sent;
  }
  static uint32_t number(Sequence sequence) {
    return static_cast<uint32_t>(sequence - kFirst) / kMss;
  }
  // Waits for the timer, which must be wanted.
  TimerAction expire() {
    REQUIRE(recovery.deadline() != LossRecovery::kNever);
    if (recovery.deadline() > now) now = recovery.deadline();
    return recovery.on_timer(now);
  }
  uint32_t window() const { return recovery.congestion().window() / kMss; }
  uint32_t threshold() const { return recovery.congestion().threshold() / kMss; }
  uint32_t in_flight() const { return recovery.in_flight() / kMss; }
  uint32_t allowed() const { return recovery.allowed() / kMss; }
  double until_deadline() const {
    return static_cast<double>((recovery.deadline() - now).count) / 1e6;
  }

  TestMemory memory;
  SentSegmentPool pool;
  RecoveryDomain domain;
  LossRecovery recovery;
  Nanoseconds now = seconds(10);
  Acknowledgement ack;
};

}  // namespace plumbline::net::tcp
