#include <atomic>

#include "core/clock.hh"
#include "platform/calendar.hh"
#include "sched/timer.hh"
#include "tests/crew.hh"
#include "tests/guest_test.hh"

namespace plumbline {

GUEST_TEST(time_moves_forward) {
  Nanoseconds last = monotonic_now();
  for (int i = 0; i < 10000; ++i) {
    const Nanoseconds now = monotonic_now();
    CHECK(now >= last);
    last = now;
  }
  const Nanoseconds span = milliseconds(123);
  const std::uint64_t back = tsc_to_nanoseconds(nanoseconds_to_tsc(span)).count;
  CHECK(back > span.count - 100 && back < span.count + 100);
}

GUEST_TEST(time_wall_clock_is_plausible) {
  const std::uint64_t now = wall_clock_now();
  // The host's clock, or without one the time since boot.
  CHECK(now > days_since_1970(2020, 1, 1) * 86400 || now < 3600);
  CHECK(wall_clock_now() - now <= 1);
}

GUEST_TEST(time_sleep_is_not_short) {
  for (const unsigned us : {0, 1, 50, 300, 2000, 10000}) {
    const Nanoseconds begin = monotonic_now();
    sleep_for(microseconds(us));
    const Nanoseconds slept = monotonic_now() - begin;
    CHECK(slept >= microseconds(us));
    // Generous: the host may be busy. A missed timer would be much longer.
    CHECK(slept < microseconds(us) + seconds(2));
  }
}

GUEST_TEST(time_sleepers_wake_in_order) {
  static std::atomic<unsigned> order;
  order.store(0);
  const Nanoseconds base = monotonic_now() + milliseconds(20);
  {
    const Crew crew(8, [base](unsigned number) {
      // On one CPU each: numbers with the same remainder wake in the order of their deadlines.
      const Nanoseconds at = base + milliseconds(10 * (8 - number));
      sleep_until({at});
      CHECK(monotonic_now() >= at);
      order.fetch_add(1);
    });
  }
  CHECK_EQUAL(order.load(), 8);
}

GUEST_TEST(time_cancelled_timer_does_not_fire) {
  static std::atomic<unsigned> fired;
  fired.store(0);
  for (int i = 0; i < 100; ++i) {
    Timer timer;
    timer.start(
        Deadline::after(milliseconds(1)), [](void*) { fired.fetch_add(1); }, nullptr);
    CHECK(timer.cancel());
    CHECK(!timer.cancel());
  }
  sleep_for(milliseconds(3));
  CHECK_EQUAL(fired.load(), 0);
}

GUEST_TEST(time_many_timers) {
  static std::atomic<unsigned> fired;
  static std::array<Timer, 200> timers;
  fired.store(0);
  Random random(9);
  for (Timer& timer : timers) {
    timer.start(
        Deadline::after(microseconds(random.below(20000))), [](void*) { fired.fetch_add(1); },
        nullptr);
  }
  unsigned cancelled = 0;
  for (std::size_t i = 0; i < timers.size(); i += 3) cancelled += timers[i].cancel() ? 1 : 0;
  const Deadline deadline = Deadline::after(seconds(5));
  while (fired.load() + cancelled < timers.size() && !deadline.passed()) sleep_for(milliseconds(1));
  CHECK_EQUAL(fired.load() + cancelled, timers.size());
}

}  // namespace plumbline
