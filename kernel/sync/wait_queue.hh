// Threads that wait for a condition, and those who tell them to look again.
#pragma once

#ifdef PLUMBLINE_HOSTED
#include "sync/hosted/wait_queue.hh"
#else

#include <atomic>
#include <cstdint>

#include "core/clock.hh"
#include "core/intrusive_list.hh"
#include "sync/sleep_result.hh"
#include "sync/sleeper.hh"
#include "sync/spinlock.hh"
#include "sync/wait_until.hh"

namespace plumbline {

// The condition lives in the caller's data; the queue only makes sure that a wake-up between
// looking and sleeping is not lost. Waking is allowed in interrupt handlers; when nobody waits it
// is a fence and a load.
class WaitQueue : public WaitsForPredicates<WaitQueue> {
 public:
  constexpr WaitQueue() = default;
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;

  // The short way, for conditions that are a few loads: sleeps once, interruptibly and without a
  // deadline, unless `predicate()` is true. The predicate runs with the queue's lock held. Not for
  // callers that have masked interrupts.
  template <typename Predicate>
  SleepResult sleep_unless(Predicate predicate) {
    Waiter waiter;
    lock_.lock_unmasked();
    waiters_.push_back(&waiter);
    // Pairs with the fence in wake_one and wake_all, as in enqueue.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    const bool needed = !predicate();
    if (!needed || !waiter.sleeper.sleep_releasing(lock_)) {
      waiters_.remove(&waiter);
      lock_.unlock_unmasked();
      return needed ? SleepResult::kInterrupted : SleepResult::kNotNeeded;
    }
    if (!waiter.woken.load(std::memory_order_acquire)) [[unlikely]]
      leave(waiter);
    return SleepResult::kSlept;
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
  friend class WaitsForPredicates<WaitQueue>;
  friend class Mutex;

  struct Waiter {
    Sleeper sleeper;
    ListHook hook;
    // The last that a waker touches of it.
    std::atomic<bool> woken{false};
  };

  // Puts the running thread into the queue and marks it as about to block; a full fence comes
  // before the return, so that the predicate is read after the entry is visible.
  void enqueue(Waiter& waiter);
  // Takes the thread out again, runnable.
  void cancel(Waiter& waiter);
  // Blocks until woken (true) or until the deadline (false); then the waiter is out of the queue.
  bool sleep(Waiter& waiter, Deadline deadline);
  // After a wake that may have come from elsewhere: takes the waiter out of the queue. False: a
  // waker has done that.
  bool leave(Waiter& waiter);
  // With the lock.
  static void wake(Waiter& waiter);

  Spinlock lock_;
  IntrusiveList<Waiter, &Waiter::hook> waiters_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_HOSTED
