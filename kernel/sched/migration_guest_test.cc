#include <array>
#include <atomic>

#include "core/per_cpu.hh"
#include "sched/scheduler.hh"
#include "sched/thread.hh"
#include "sched/thread_state.hh"
#include "tests/guest_test.hh"

namespace plumbline {
namespace {

std::uint64_t bit_of(unsigned cpu) { return std::uint64_t{1} << cpu; }

}  // namespace

GUEST_TEST(threads_go_where_they_are_allowed) {
  if (cpu_count() < 2) {
    guest_test_skip("needs two CPUs");
    return;
  }
  static std::atomic<unsigned> wrong, rounds;
  wrong.store(0);
  rounds.store(0);
  Thread* thread = spawn(
      {.name = "mover", .moves = true},
      [](void*) {
        for (unsigned i = 0; i < 200; ++i) {
          const unsigned target = i % cpu_count();
          scheduler::set_allowed_cpus(*current(), bit_of(target));
          if (this_cpu().index != target) wrong.fetch_add(1);
          yield();
          sleep_for(microseconds(10));
          if (this_cpu().index != target) wrong.fetch_add(1);
          rounds.fetch_add(1);
        }
      },
      nullptr);
  CHECK(thread != nullptr);
  join(thread);
  CHECK_EQUAL(wrong.load(), 0u);
  CHECK_EQUAL(rounds.load(), 200u);
}

GUEST_TEST(threads_are_moved_by_others) {
  if (cpu_count() < 2) {
    guest_test_skip("needs two CPUs");
    return;
  }
  // One that never gives way and one that always sleeps.
  static std::atomic<bool> stop;
  static std::array<std::atomic<unsigned>, 2> seen_on;
  stop.store(false);
  Thread* runner = spawn(
      {.name = "runner", .moves = true},
      [](void*) {
        while (!stop.load(std::memory_order_relaxed)) seen_on[0].store(this_cpu().index);
      },
      nullptr);
  Thread* sleeper = spawn(
      {.name = "sleeper", .moves = true},
      [](void*) {
        while (!stop.load(std::memory_order_relaxed)) {
          sleep_for(microseconds(100));
          seen_on[1].store(this_cpu().index);
        }
      },
      nullptr);
  for (unsigned i = 0; i < 20; ++i) {
    const unsigned target = (i + 1) % cpu_count();
    scheduler::set_allowed_cpus(*runner, bit_of(target));
    scheduler::set_allowed_cpus(*sleeper, bit_of(target));
    const Deadline deadline = Deadline::after(seconds(10));
    const auto both_there = [&] { return seen_on[0] == target && seen_on[1] == target; };
    while (!both_there() && !deadline.passed()) sleep_for(milliseconds(1));
    CHECK(both_there());
  }
  stop.store(true);
  join(runner);
  join(sleeper);
}

GUEST_TEST(threads_that_wait_find_an_idle_cpu) {
  if (cpu_count() < 2) {
    guest_test_skip("needs two CPUs");
    return;
  }
  // All start on CPU 1 and may then go anywhere: soon they run at the same time.
  static std::atomic<bool> stop;
  static std::atomic<std::uint64_t> cpus;
  stop.store(false);
  cpus.store(0);
  std::array<Thread*, 2> threads;
  for (Thread*& thread : threads) {
    thread = create_thread(
        {.name = "worker", .moves = true, .allowed_cpus = bit_of(1)},
        [](void*) {
          while (!stop.load(std::memory_order_relaxed))
            cpus.fetch_or(bit_of(this_cpu().index), std::memory_order_relaxed);
        },
        nullptr);
    start_thread(*thread);
  }
  sleep_for(milliseconds(1));
  for (Thread* thread : threads) scheduler::set_allowed_cpus(*thread, ~std::uint64_t{0});
  const Deadline deadline = Deadline::after(seconds(10));
  while (cpus.load() == bit_of(1) && !deadline.passed()) sleep_for(milliseconds(1));
  CHECK(cpus.load() != bit_of(1));
  stop.store(true);
  for (Thread* thread : threads) join(thread);
}

GUEST_TEST(threads_free_themselves) {
  static std::atomic<unsigned> ended;
  ended.store(0);
  for (unsigned i = 0; i < 100; ++i) {
    Thread* thread = spawn(
        {.name = "short",
         .moves = true,
         .ended =
             [](Thread* gone) {
               free_thread(gone);
               ended.fetch_add(1);
             }},
        [](void*) {}, nullptr);
    CHECK(thread != nullptr);
  }
  const Deadline deadline = Deadline::after(seconds(10));
  while (ended.load() != 100 && !deadline.passed()) sleep_for(milliseconds(1));
  CHECK_EQUAL(ended.load(), 100u);
}

}  // namespace plumbline
