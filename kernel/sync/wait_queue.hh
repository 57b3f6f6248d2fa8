// Threads that wait for a condition, and those who tell them to look again.
#pragma once

#ifdef PLUMBLINE_HOSTED
#include "sync/hosted/wait_queue.hh"
#else

#include <atomic>
#include <cstdint>

#include "core/clock.hh"
#include "core/intrusive_list.hh"
#include "sync/spinlock.hh"

namespace plumbline {

class Thread;

// The condition lives in the caller's data; the queue only makes sure that a wake-up between
// looking and sleeping is not lost. Waking is allowed in interrupt handlers; when nobody waits it
// is a fence and a load.
class WaitQueue {
 public:
  constexpr WaitQueue() = default;
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;

  // Sleeps until `predicate()` is true or the deadline has passed; returns the predicate's last
  // value. The predicate runs in the caller's thread, several times, and reads with acquire what a
  // waker wrote before waking.
  template <typename Predicate>
  bool wait_until(Predicate predicate, Deadline deadline = Deadline::never()) {
    if (predicate()) return true;
    for (;;) {
      Waiter waiter;
      enqueue(waiter);
      const bool satisfied = predicate();
      const bool in_time = satisfied ? (cancel(waiter), true) : sleep(waiter, deadline);
      if (satisfied || predicate()) return true;
      if (!in_time) return false;
    }
  }

  // False when nobody waits; for callers whose last store, of what is waited for, was a full fence:
  // whoever is missed here has yet to look at it.
  bool anybody_waits() const { return !waiters_.empty_unlocked(); }
  // Wakes the thread that has waited longest; true when there was one.
  bool wake_one();
  // Wakes all that wait.
  void wake_all();

 private:
  friend class ConditionVariable;
  friend class Mutex;

  struct Waiter {
    Thread* thread = nullptr;
    ListHook hook;
  };

  // Puts the running thread into the queue and marks it as about to block; a full fence comes
  // before the return, so that the predicate is read after the entry is visible.
  void enqueue(Waiter& waiter);
  // Takes the thread out again, runnable.
  void cancel(Waiter& waiter);
  // Blocks until woken (true) or until the deadline (false); then the waiter is out of the queue.
  bool sleep(Waiter& waiter, Deadline deadline);

  Spinlock lock_;
  IntrusiveList<Waiter, &Waiter::hook> waiters_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_HOSTED
