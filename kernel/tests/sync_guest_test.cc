#include <atomic>

#include "arch/x86_64/interrupts.hh"
#include "core/idle.hh"
#include "sched/scheduler.hh"
#include "sync/biased_lock.hh"
#include "sync/condition_variable.hh"
#include "sync/lock_guard.hh"
#include "sync/mutex.hh"
#include "sync/spinlock.hh"
#include "sync/wait_queue.hh"
#include "tests/crew.hh"
#include "tests/guest_test.hh"

namespace plumbline {
namespace {

// Two counters that only agree if nobody interferes between their updates.
struct Guarded {
  std::uint64_t first = 0, second = 0;
  bool step() {
    const bool agreed = first == second;
    first = first + 1;
    for (int i = 0; i < 5; ++i) cpu_relax();
    second = second + 1;
    return agreed;
  }
};

}  // namespace

GUEST_TEST(sync_spinlock_excludes) {
  static Spinlock lock;
  static Guarded guarded;
  static std::atomic<std::uint64_t> steps;
  guarded = {};
  steps.store(0);
  {
    const Deadline deadline = Deadline::after(kStressTime);
    const Crew crew(2 * cpu_count(), [deadline](unsigned) {
      for (unsigned i = 0; i < 3000 && !deadline.passed(); ++i) {
        const LockGuard guard(lock);
        CHECK(guarded.step());
        steps.fetch_add(1, std::memory_order_relaxed);
      }
    });
  }
  CHECK_EQUAL(guarded.first, steps.load());
  CHECK(steps.load() >= 2 * cpu_count());
}

// As long as its owner is alone it stays the owner's, and then it excludes like any other.
GUEST_TEST(sync_biased_lock_excludes_visitors) {
  static BiasedLock lock;
  static Guarded guarded;
  static std::atomic<std::uint64_t> steps;
  static std::atomic<bool> alone;
  guarded = {};
  steps.store(0);
  alone.store(true);
  {
    const Deadline deadline = Deadline::after(kStressTime);
    const Crew crew(2 * cpu_count(), [deadline](unsigned number) {
      // Visitors come while the owner's threads, two of them, are in the middle of it.
      if (this_cpu().index != 0) {
        while (steps.load() < 1000) cpu_relax();
        alone.store(false);
      }
      for (unsigned i = 0; i < 20000 && !deadline.passed(); ++i) {
        lock.lock();
        const bool biased = !lock.is_shared();
        CHECK(guarded.step());
        steps.fetch_add(1, std::memory_order_relaxed);
        lock.unlock();
        if (number == 0 && i == 100 && alone.load()) CHECK(biased);
      }
    });
  }
  CHECK_EQUAL(guarded.first, steps.load());
}

// Visitors that come now and then, with the owner taking its bias back in between.
GUEST_TEST(sync_biased_lock_is_biased_again) {
  if (cpu_count() == 1) return guest_test_skip("needs two cpus");
  static BiasedLock lock;
  static Guarded guarded;
  static std::atomic<unsigned> turn;
  guarded = {};
  turn.store(0);
  {
    const Crew crew(2, [](unsigned number) {
      constexpr unsigned kTurns = 20;
      for (unsigned i = 0; i < kTurns; ++i) {
        if (number == 0) {
          while (turn.load() != 2 * i + 1) cpu_relax();
          // As many as it takes; the deadline is the test's.
          do {
            lock.lock();
            CHECK(guarded.step());
            lock.unlock();
          } while (lock.is_shared());
          turn.store(2 * i + 2);
        } else {
          for (unsigned visit = 0; visit < 100; ++visit) {
            lock.lock();
            CHECK(lock.is_shared());
            CHECK(guarded.step());
            lock.unlock();
          }
          turn.store(2 * i + 1);
          while (turn.load() != 2 * i + 2) cpu_relax();
        }
      }
    });
  }
  CHECK(!lock.is_shared());
}

// Whoever comes first from elsewhere must not meet the owner inside: many locks, one visit each.
GUEST_TEST(sync_biased_lock_is_given_up_outside_of_sections) {
  if (cpu_count() == 1) return guest_test_skip("needs two cpus");
  static constexpr unsigned kLocks = 64;
  static BiasedLock locks[kLocks];
  static Guarded guarded[kLocks];
  static std::atomic<unsigned> turn;
  static std::atomic<std::uint64_t> steps;
  for (Guarded& each : guarded) each = {};
  turn.store(0);
  steps.store(0);
  {
    const Crew crew(2, [](unsigned number) {
      for (unsigned i = 0; i < kLocks; ++i) {
        if (number == 0) {
          std::uint64_t own = 0;
          do {
            locks[i].lock();
            CHECK(guarded[i].step());
            locks[i].unlock();
            steps.fetch_add(1, std::memory_order_relaxed);
            // The other one comes when this one is surely inside, again and again.
            if (++own == 100) turn.store(i + 1);
          } while (own < 100 || !locks[i].is_shared());
        } else {
          while (turn.load() != i + 1) cpu_relax();
          locks[i].lock();
          CHECK(guarded[i].step());
          locks[i].unlock();
          steps.fetch_add(1, std::memory_order_relaxed);
        }
      }
    });
  }
  std::uint64_t sum = 0;
  for (const Guarded& each : guarded) sum += each.first;
  CHECK_EQUAL(sum, steps.load());
}

// A waiter may be a virtual CPU that the host has taken off its core. The lock must not be kept for
// it: whoever runs and finds it free gets it.
GUEST_TEST(sync_spinlock_is_not_kept_for_a_waiter) {
  if (cpu_count() == 1) return guest_test_skip("needs two cpus");
  static Spinlock lock;
  static std::atomic<unsigned> round, waiting, served;
  static std::atomic<bool> overtaken, over;
  round.store(0);
  waiting.store(0);
  served.store(0);
  overtaken.store(false);
  over.store(false);
  {
    const Deadline deadline = Deadline::after(kStressTime);
    const Crew crew(2, [deadline](unsigned number) {
      if (number == 0) {
        // More than one try, because a waiter on another core may be quicker than we are.
        for (unsigned i = 1; !overtaken.load() && (i == 1 || !deadline.passed()); ++i) {
          const InterruptGuard masked;
          lock.lock_masked();
          round.store(i);
          while (waiting.load() != i) cpu_relax();
          for (int pause = 0; pause < 1000; ++pause) cpu_relax();
          lock.unlock_masked();
          if (lock.try_lock_masked()) {
            if (served.load() != i) overtaken.store(true);
            lock.unlock_masked();
          }
          while (served.load() != i) cpu_relax();
        }
        over.store(true);
      } else {
        for (unsigned seen = 0; !over.load();) {
          if (round.load() == seen) {
            cpu_relax();
            continue;
          }
          seen = round.load();
          // Nothing of ours may come between the announcement and the place in a queue.
          const InterruptGuard masked;
          waiting.store(seen);
          const LockGuard guard(lock);
          served.store(seen);
        }
      }
    });
  }
  CHECK(overtaken.load());
}

GUEST_TEST(sync_mutex_excludes) {
  static Mutex mutex;
  static Guarded guarded;
  static std::atomic<std::uint64_t> steps;
  guarded = {};
  steps.store(0);
  {
    const Deadline deadline = Deadline::after(kStressTime);
    const Crew crew(3 * cpu_count(), [deadline](unsigned number) {
      for (unsigned i = 0; i < 500 && !deadline.passed(); ++i) {
        const LockGuard guard(mutex);
        CHECK(guarded.step());
        steps.fetch_add(1, std::memory_order_relaxed);
        // Some hold it across a switch, so that others sleep on it.
        if (i % 50 == number) yield();
      }
    });
  }
  CHECK_EQUAL(guarded.first, steps.load());
  CHECK(mutex.try_lock());
  CHECK(!mutex.try_lock());
  mutex.unlock();
}

GUEST_TEST(sync_condition_variable_bounded_buffer) {
  static Mutex mutex;
  static ConditionVariable not_empty, not_full;
  static std::uint64_t buffer[4];
  static unsigned begin, count;
  static std::atomic<std::uint64_t> sum;
  begin = count = 0;
  sum.store(0);
  constexpr unsigned kItems = 100;
  const unsigned pairs = cpu_count();
  {
    const Crew crew(2 * pairs, [pairs](unsigned number) {
      for (unsigned i = 1; i <= kItems; ++i) {
        const LockGuard guard(mutex);
        if (number < pairs) {
          not_full.wait(mutex, [] { return count < 4; });
          buffer[(begin + count++) % 4] = i;
          not_empty.notify_one();
        } else {
          not_empty.wait(mutex, [] { return count > 0; });
          sum.fetch_add(buffer[begin]);
          begin = (begin + 1) % 4;
          --count;
          not_full.notify_one();
        }
      }
    });
  }
  CHECK_EQUAL(sum.load(), std::uint64_t{pairs} * kItems * (kItems + 1) / 2);
}

GUEST_TEST(sync_condition_variable_deadline) {
  Mutex mutex;
  ConditionVariable condition;
  const LockGuard guard(mutex);
  const Nanoseconds begin = monotonic_now();
  CHECK(!condition.wait(mutex, Deadline::after(milliseconds(3))));
  CHECK(monotonic_now() - begin >= milliseconds(3));
  CHECK(!mutex.try_lock());
}

GUEST_TEST(sync_wait_queue_ping_pong) {
  static WaitQueue queue;
  static std::atomic<std::uint64_t> turn;
  turn.store(0);
  constexpr std::uint64_t kRounds = 300;
  {
    // Between the first and the last CPU: sleeping, waking and halting on both sides.
    const auto play = [](void* parity) {
      const auto mine = reinterpret_cast<std::uintptr_t>(parity);
      for (std::uint64_t i = 0; i < kRounds; ++i) {
        const bool came =
            queue.wait_until([&] { return turn.load(std::memory_order_acquire) % 2 == mine; },
                             Deadline::after(seconds(10)));
        CHECK(came);
        if (!came) return;
        turn.fetch_add(1, std::memory_order_release);
        queue.wake_all();
      }
    };
    Thread* a = spawn({.name = "ping", .cpu = 0}, play, reinterpret_cast<void*>(0));
    Thread* b = spawn({.name = "pong", .cpu = static_cast<int>(cpu_count()) - 1}, play,
                      reinterpret_cast<void*>(1));
    join(a);
    join(b);
  }
  CHECK_EQUAL(turn.load(), 2 * kRounds);
}

GUEST_TEST(sync_wait_queue_deadline) {
  WaitQueue queue;
  const Nanoseconds begin = monotonic_now();
  CHECK(!queue.wait_until([] { return false; }, Deadline::after(milliseconds(2))));
  CHECK(monotonic_now() - begin >= milliseconds(2));
  CHECK(queue.wait_until([] { return true; }));
  CHECK(!queue.wake_one());
}

GUEST_TEST(sync_wake_one_wakes_one_each) {
  // As many tokens as sleepers, given one by one: all must end, though some take tokens without
  // sleeping.
  static WaitQueue queue;
  static std::atomic<int> tokens;
  tokens.store(0);
  const auto take = [] {
    int seen = tokens.load(std::memory_order_acquire);
    while (seen > 0) {
      if (tokens.compare_exchange_weak(seen, seen - 1, std::memory_order_acq_rel)) return true;
    }
    return false;
  };
  const unsigned rounds = 400 / (2 * cpu_count()) + 1;
  const unsigned takers = 2 * cpu_count();
  {
    const Crew crew(takers, [&](unsigned) {
      for (unsigned i = 0; i < rounds; ++i)
        CHECK(queue.wait_until(take, Deadline::after(seconds(60))));
    });
    for (unsigned i = 0; i < rounds * takers; ++i) {
      tokens.fetch_add(1, std::memory_order_release);
      queue.wake_one();
      if (i % 16 == 0) yield();
    }
  }
  CHECK_EQUAL(tokens.load(), 0);
}

// Two threads that wake each other in turn, each by one wake-up, which must not be lost.
GUEST_TEST(sync_sleep_unless_loses_no_wake) {
  static WaitQueue queue;
  static std::atomic<unsigned> turn, interrupted;
  turn.store(0);
  interrupted.store(0);
  constexpr unsigned kTurns = 600;
  {
    const Crew crew(2, [](unsigned mine) {
      for (unsigned i = mine; i < kTurns; i += 2) {
        const auto reached = [i] { return turn.load(std::memory_order_acquire) == i; };
        while (!reached()) {
          if (queue.sleep_unless(reached) == SleepResult::kInterrupted) interrupted.fetch_add(1);
        }
        turn.store(i + 1, std::memory_order_release);
        queue.wake_one();
      }
    });
  }
  CHECK_EQUAL(turn.load(), kTurns);
  CHECK_EQUAL(interrupted.load(), 0U);
}

// A wake-up from elsewhere, for which the sleeper is still in the queue, takes it out.
GUEST_TEST(sync_sleep_unless_survives_other_wakes) {
  static WaitQueue queue;
  static std::atomic<Thread*> sleeper;
  static std::atomic<bool> over;
  static std::atomic<unsigned> slept;
  sleeper.store(nullptr);
  over.store(false);
  slept.store(0);
  {
    const Crew crew(2, [](unsigned number) {
      const auto done = [] { return over.load(std::memory_order_acquire); };
      if (number == 0) {
        sleeper.store(current(), std::memory_order_release);
        while (!done()) {
          if (queue.sleep_unless(done) == SleepResult::kSlept) slept.fetch_add(1);
        }
        return;
      }
      // It lives until it is told, so it may be woken.
      while (slept.load() < 10) {
        if (Thread* thread = sleeper.load(std::memory_order_acquire); thread != nullptr)
          scheduler::wake(*thread);
        yield();
      }
      over.store(true, std::memory_order_release);
      queue.wake_all();
    });
  }
  CHECK(slept.load() >= 10);
  CHECK(!queue.wake_one());
}

}  // namespace plumbline
