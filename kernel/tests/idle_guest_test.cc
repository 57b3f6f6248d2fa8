// The gap between the idle loop's last look and its halt: a wake-up in it must not be slept
// through.
#include <atomic>

#include "core/clock.hh"
#include "core/idle.hh"
#include "sched/timer.hh"
#include "sync/wait_queue.hh"
#include "tests/crew.hh"
#include "tests/guest_test.hh"

namespace plumbline {

// Timers due at about the moment at which this CPU goes to halt, a little later each time. A lost
// wake-up shows as a wait that only ends at its deadline.
GUEST_TEST(idle_timer_wakes) {
  static WaitQueue queue;
  static std::atomic<bool> fired;
  std::uint64_t slowest = 0;
  for (unsigned i = 0; i < 2000; ++i) {
    fired.store(false);
    Timer timer;
    const Nanoseconds due = monotonic_now() + nanoseconds(i % 500 * 40);
    timer.start(
        {due},
        [](void*) {
          fired.store(true, std::memory_order_release);
          queue.wake_one();
        },
        nullptr);
    const bool came = queue.wait_until([] { return fired.load(std::memory_order_acquire); },
                                       Deadline::after(seconds(5)));
    CHECK(came);
    const std::uint64_t late = (monotonic_now() - due).count;
    slowest = late > slowest ? late : slowest;
    if (!came) break;
  }
  CHECK(slowest < seconds(4).count);
}

// Another CPU wakes this one again and again while it falls asleep.
GUEST_TEST(idle_other_cpu_wakes) {
  if (cpu_count() == 1) return guest_test_skip("needs two cpus");
  static WaitQueue queue;
  static std::atomic<unsigned> asked, answered;
  asked.store(0);
  answered.store(0);
  constexpr unsigned kRounds = 1000;
  Thread* sleeper = spawn(
      {.name = "sleeper", .cpu = 1},
      [](void*) {
        for (unsigned i = 1; i <= kRounds; ++i) {
          const bool came =
              queue.wait_until([&] { return asked.load(std::memory_order_acquire) >= i; },
                               Deadline::after(seconds(30)));
          CHECK(came);
          answered.store(i, std::memory_order_release);
        }
      },
      nullptr);
  Random random(3);
  for (unsigned i = 1; i <= kRounds; ++i) {
    for (std::uint64_t n = random.below(3000); n != 0; --n) asm volatile("");
    asked.store(i, std::memory_order_release);
    queue.wake_one();
    const Deadline deadline = Deadline::after(seconds(30));
    while (answered.load(std::memory_order_acquire) < i && !deadline.passed()) cpu_relax();
    CHECK_EQUAL(answered.load(), i);
    if (answered.load() != i) break;
  }
  join(sleeper);
}

}  // namespace plumbline
