#include <atomic>

#include "core/clock.hh"
#include "core/idle.hh"
#include "sched/scheduler.hh"
#include "tests/crew.hh"
#include "tests/guest_test.hh"

namespace plumbline {

GUEST_TEST(threads_run_where_they_were_put) {
  static std::atomic<unsigned> right;
  right.store(0);
  {
    const Crew crew(2 * cpu_count(), [](unsigned number) {
      for (int i = 0; i < 10; ++i) {
        if (this_cpu().index == number % cpu_count()) right.fetch_add(1);
        yield();
      }
    });
  }
  CHECK_EQUAL(right.load(), 20 * cpu_count());
}

GUEST_TEST(threads_preempt_each_other) {
  // Three threads on one CPU that never give way: each must see the others move.
  static std::array<std::atomic<std::uint64_t>, 3> progress;
  static std::atomic<bool> stop;
  for (auto& p : progress) p.store(0);
  stop.store(false);
  const scheduler::Statistics before = scheduler::statistics();
  Thread* threads[3];
  for (std::uintptr_t i = 0; i < 3; ++i) {
    threads[i] = spawn(
        {.name = "spinner", .cpu = static_cast<int>(cpu_count()) - 1},
        [](void* number) {
          while (!stop.load(std::memory_order_relaxed)) {
            progress[reinterpret_cast<std::uintptr_t>(number)].fetch_add(1);
          }
        },
        reinterpret_cast<void*>(i));
    CHECK(threads[i] != nullptr);
  }
  const Deadline deadline = Deadline::after(seconds(10));
  const auto all_moved = [] {
    for (const auto& p : progress) {
      if (p.load() < 1000) return false;
    }
    return true;
  };
  while (!all_moved() && !deadline.passed()) sleep_for(milliseconds(5));
  CHECK(all_moved());
  stop.store(true);
  for (Thread* thread : threads) join(thread);
  CHECK(scheduler::statistics().preemptions > before.preemptions);
}

GUEST_TEST(threads_preemption_guard_holds) {
  static std::atomic<std::uint64_t> other;
  static std::atomic<bool> stop;
  other.store(0);
  stop.store(false);
  Thread* thread = spawn(
      {.name = "other", .cpu = 0},
      [](void*) {
        while (!stop.load()) {
          other.fetch_add(1);
          yield();
        }
      },
      nullptr);
  // The main thread, which runs the tests, is on CPU 0.
  while (other.load() == 0) yield();
  {
    const PreemptionGuard guard;
    const std::uint64_t before = other.load();
    const Nanoseconds until = monotonic_now() + milliseconds(30);
    while (monotonic_now() < until) cpu_relax();
    CHECK_EQUAL(other.load(), before);
  }
  stop.store(true);
  join(thread);
}

GUEST_TEST(threads_come_and_go) {
  static std::atomic<unsigned> ran;
  ran.store(0);
  for (int round = 0; round < 50; ++round) {
    const Crew crew(cpu_count() + 2, [](unsigned) { ran.fetch_add(1); });
  }
  CHECK_EQUAL(ran.load(), 50 * (cpu_count() + 2));
}

GUEST_TEST(threads_any_cpu) {
  // Threads without a wish spread out while all are alive.
  static std::atomic<unsigned> cpus_used;
  static std::atomic<unsigned> started;
  cpus_used.store(0);
  started.store(0);
  Thread* threads[kMaxCpus];
  for (unsigned i = 0; i < cpu_count(); ++i) {
    threads[i] = spawn(
        {.name = "any"},
        [](void*) {
          cpus_used.fetch_or(1u << this_cpu().index);
          started.fetch_add(1);
          const Deadline deadline = Deadline::after(seconds(5));
          while (started.load() < cpu_count() && !deadline.passed()) yield();
        },
        nullptr);
  }
  for (unsigned i = 0; i < cpu_count(); ++i) join(threads[i]);
  CHECK(cpu_count() == 1 || __builtin_popcount(cpus_used.load()) >= 2);
}

}  // namespace plumbline
