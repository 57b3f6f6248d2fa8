// Loss recovery over paths of all kinds: everything arrives, in time, and no more is sent than is
// needed.
#include <doctest/doctest.h>

#include <string>

#include "net/tcp/sent_segments_checker.hh"
#include "net/tcp/test_path.hh"

namespace plumbline::net::tcp {
namespace {

// Runs to the end; every now and then looks at everything.
bool deliver(TestPath& path, Nanoseconds limit = seconds(3600)) {
  uint64_t step = 0;
  const bool done = path.run(limit, [&] {
    if (++step % 64 == 0) SentSegmentsChecker::check(path.recovery.segments(), false);
    if (path.recovery.outstanding() && path.recovery.deadline() == LossRecovery::kNever)
      REQUIRE(path.recovery.deadline() != LossRecovery::kNever);
    if (path.recovery.congestion().window() < TestPath::kMss)
      REQUIRE(path.recovery.congestion().window() >= TestPath::kMss);
  });
  CHECK_FALSE(path.broken);
  CHECK(path.pool.in_use() == 0);
  CHECK(path.recovery.deadline() == LossRecovery::kNever);
  return done;
}

double seconds_of(const TestPath& path) { return static_cast<double>(path.now.count) / 1e9 - 100; }

TEST_CASE("a path without faults: nothing is sent twice") {
  for (const bool sack : {true, false})
    for (const uint32_t frame : {1U, 8U, 40U})
      for (const uint32_t every : {1U, 2U}) {
        TestPath path({.sack = sack, .segments_per_frame = frame, .acknowledge_every = every});
        CHECK(deliver(path));
        CHECK(path.sent_segments() == (1 << 20) / 1000 + 1);
        CHECK(path.domain.counters.timeouts == 0);
        CHECK(path.domain.counters.retransmitted_segments == 0);
        // 1 MiB by slow start from 10 segments at 20 ms: seven round trips.
        CHECK(seconds_of(path) < 0.3);
      }
}

TEST_CASE("the same seed is the same run, another one is not") {
  const PathOptions options{.seed = 7, .loss = 200, .reordered = 100, .jitter = milliseconds(5)};
  PathOptions other = options;
  other.seed = 8;
  TestPath a(options), b(options), c(other);
  CHECK(deliver(a));
  CHECK(deliver(b));
  CHECK(deliver(c));
  CHECK(a.trace() == b.trace());
  CHECK(a.trace() != c.trace());
}

TEST_CASE("every mixture of faults: everything arrives") {
  std::mt19937 random(1);
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    const auto one_of = [&](std::initializer_list<uint32_t> values) {
      return *(values.begin() + random() % values.size());
    };
    PathOptions options;
    options.seed = seed;
    options.bytes = 1 + random() % 400000;
    options.sack = random() % 4 != 0;
    options.timestamps = random() % 2 == 0;
    options.dsack = random() % 4 != 0;
    options.algorithm =
        random() % 2 == 0 ? CongestionAlgorithm::kCubic : CongestionAlgorithm::kReno;
    options.segments_per_frame = one_of({1, 1, 4, 40});
    options.window = one_of({3000, 30000, 1 << 20});
    options.loss = one_of({0, 10, 100, 1000, 3000});
    options.loss_of_acks = one_of({0, 0, 100, 3000});
    options.duplicated = one_of({0, 0, 100, 3000});
    options.reordered = one_of({0, 100, 3000, 10000});
    options.jitter = microseconds(one_of({0, 100, 5000, 300000}));
    options.delay = microseconds(one_of({10, 1000, 50000}));
    options.serialisation = microseconds(one_of({0, 10, 500}));
    options.queue = one_of({2, 10, 100});
    options.mark_above = one_of({0, 0, 5});
    options.acknowledge_every = one_of({1, 2});
    options.stall_at = seconds(100) + milliseconds(random() % 200);
    options.stall = milliseconds(one_of({0, 0, 250, 1000}));
    options.records = one_of({2, 20, 100000});
    INFO("seed ", seed);
    TestPath path(options);
    CHECK(deliver(path, seconds(36000)));
  }
}

TEST_CASE("one segment in a hundred lost: no timeouts, and no more again than was lost") {
  for (const auto algorithm : {CongestionAlgorithm::kCubic, CongestionAlgorithm::kReno}) {
    uint32_t lost = 0, again = 0, timeouts = 0;
    for (uint32_t seed = 1; seed <= 20; ++seed) {
      TestPath path({.seed = seed, .bytes = 2'000'000, .algorithm = algorithm, .loss = 100});
      CHECK(deliver(path));
      lost += path.lost();
      again += path.sent_segments() - 2000;
      timeouts += static_cast<uint32_t>(path.domain.counters.timeouts);
    }
    CHECK(lost > 300);
    // A probe or two at the end of a transfer are not for something that was lost.
    CHECK(again >= lost);
    CHECK(again <= lost + 20);
    CHECK(timeouts <= 2);
  }
}

TEST_CASE("reordering is learnt: what is sent again in vain stays little, and is undone") {
  uint32_t again = 0;
  for (uint32_t seed = 1; seed <= 10; ++seed) {
    TestPath path({.seed = seed,
                   .bytes = 4'000'000,
                   .reordered = 1000,
                   .jitter = milliseconds(4),
                   .delay = milliseconds(20)});
    CHECK(deliver(path));
    CHECK(path.domain.counters.timeouts == 0);
    CHECK(path.recovery.reordering_seen());
    again += path.sent_segments() - 4000;
  }
  CHECK(again < 40000 / 200);
}

TEST_CASE("a tail that is lost is probed for, not waited for") {
  uint32_t timeouts = 0, transfers = 0;
  double slowest = 0;
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    TestPath path({.seed = seed, .bytes = 5000, .loss = 500});
    CHECK(deliver(path));
    ++transfers;
    timeouts += path.domain.counters.timeouts != 0;
    slowest = std::max(slowest, seconds_of(path));
  }
  // What a timeout remains for: the probe lost as well, or everything at once.
  CHECK(timeouts < transfers / 20);
}

TEST_CASE("a stall of a second is survived without sending everything again") {
  for (const bool sack : {true, false})
    for (const bool timestamps : {true, false}) {
      TestPath path({.bytes = 3'000'000,
                     .sack = sack,
                     .timestamps = timestamps,
                     .window = 100000,
                     .stall_at = seconds(100) + milliseconds(200),
                     .stall = seconds(1)});
      CHECK(deliver(path));
      INFO("sack ", sack, " timestamps ", timestamps);
      CHECK(path.domain.counters.timeouts >= 1);
      CHECK(path.domain.counters.spurious_timeouts >= 1);
      CHECK(path.sent_segments() <= 3000 + 10);
    }
}

// 1000 bytes in 80 us are 100 Mbit/s; 20 ms of round trip are 250 segments.
TEST_CASE("a bottleneck is filled, whichever algorithm, with loss or with marks") {
  for (const auto algorithm : {CongestionAlgorithm::kCubic, CongestionAlgorithm::kReno})
    for (const uint32_t mark : {0U, 50U}) {
      TestPath path({.bytes = 40'000'000,
                     .algorithm = algorithm,
                     .segments_per_frame = 4,
                     .window = 1 << 24,
                     .serialisation = microseconds(80),
                     .queue = 250,
                     .mark_above = mark});
      CHECK(deliver(path));
      INFO("algorithm ", static_cast<int>(algorithm), " marks ", mark);
      // 40,000 segments take 3.2 s; with marks at a fifth of the path's product the queue runs
      // empty after each reduction, Reno's most.
      CHECK(seconds_of(path) < 3.2 * (mark == 0 ? 1.15 : 1.5));
      CHECK(path.domain.counters.timeouts == 0);
      CHECK(path.sent_segments() - 40000 <= path.lost() + 5);
      if (mark != 0) CHECK(path.domain.counters.congestion_echoes > 0);
      if (mark != 0) CHECK(path.lost() < 400);
    }
}

}  // namespace
}  // namespace plumbline::net::tcp
