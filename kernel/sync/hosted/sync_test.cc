#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "sync/condition_variable.hh"
#include "sync/interruptible_wait.hh"
#include "sync/lock_guard.hh"
#include "sync/mutex.hh"
#include "sync/spinlock.hh"

namespace plumbline {

TEST_CASE("a wait queue loses no wake-up between two threads") {
  WaitQueue queue;
  std::atomic<int> turn{0};
  const auto play = [&](int mine) {
    for (int i = 0; i < 2000; ++i) {
      queue.wait_until([&] { return turn.load(std::memory_order_acquire) % 2 == mine; });
      turn.fetch_add(1, std::memory_order_release);
      queue.wake_all();
    }
  };
  std::thread other(play, 1);
  play(0);
  other.join();
  CHECK(turn.load() == 4000);
}

TEST_CASE("the short way of waiting loses no wake-up either") {
  WaitQueue queue;
  std::atomic<int> turn{0};
  const auto play = [&](int mine) {
    for (int i = mine; i < 2000; i += 2) {
      const auto reached = [&] { return turn.load(std::memory_order_acquire) == i; };
      while (!reached()) queue.sleep_unless(reached);
      turn.store(i + 1, std::memory_order_release);
      queue.wake_one();
    }
  };
  std::thread other(play, 1);
  play(0);
  other.join();
  CHECK(queue.sleep_unless([] { return true; }) == SleepResult::kNotNeeded);
}

TEST_CASE("a wait ends at its deadline") {
  WaitQueue queue;
  CHECK_FALSE(queue.wait_until([] { return false; }, Deadline::after(milliseconds(5))));
  CHECK(wait_interruptibly(
            queue, [] { return false; }, Deadline::after(milliseconds(5)))
            .error() == Errno::kETIMEDOUT);
  CHECK_FALSE(queue.wake_one());
}

TEST_CASE("locks exclude, and a condition variable hands over") {
  Spinlock spinlock;
  Mutex mutex;
  ConditionVariable changed;
  int spun = 0, held = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        {
          const LockGuard guard(spinlock);
          ++spun;
        }
        const LockGuard guard(mutex);
        ++held;
        changed.notify_one();
      }
    });
  }
  {
    const LockGuard guard(mutex);
    changed.wait(mutex, [&] { return held == 2000; });
  }
  for (auto& thread : threads) thread.join();
  CHECK(spun == 2000);
}

}  // namespace plumbline
