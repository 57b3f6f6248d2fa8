#include "sync/wait_queue.hh"

#include "core/per_cpu.hh"
#include "sched/scheduler.hh"
#include "sync/lock_guard.hh"

namespace plumbline {

void WaitQueue::enqueue(Waiter& waiter) {
  waiter.thread = current();
  // Before the entry: whoever finds it must find a thread that can be woken.
  scheduler::prepare_to_block();
  {
    const LockGuard guard(lock_);
    waiters_.push_back(&waiter);
  }
  // Pairs with the fence in wake_one and wake_all: either the waker sees the entry, or the
  // predicate, which is read after this, sees what the waker wrote before.
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

void WaitQueue::cancel(Waiter& waiter) {
  scheduler::cancel_block();
  bool woken;
  {
    const LockGuard guard(lock_);
    woken = !waiter.hook.linked();
    if (!woken) waiters_.remove(&waiter);
  }
  // The wake was meant for one who needs it.
  if (woken) wake_one();
}

bool WaitQueue::sleep(Waiter& waiter, Deadline deadline) {
  const bool in_time = scheduler::block(deadline);
  // Always taken: a waker may still hold the lock and use the waiter.
  const LockGuard guard(lock_);
  if (!waiter.hook.linked()) return true;
  waiters_.remove(&waiter);
  return in_time;
}

bool WaitQueue::wake_one() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  // Read without the lock: in the usual case nobody waits.
  if (waiters_.empty_unlocked()) return false;
  const LockGuard guard(lock_);
  Waiter* waiter = waiters_.pop_front();
  if (waiter == nullptr) return false;
  // Under the lock, which the waiter takes before it returns: it cannot be gone.
  scheduler::wake(*waiter->thread);
  return true;
}

void WaitQueue::wake_all() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (waiters_.empty_unlocked()) return;
  const LockGuard guard(lock_);
  while (Waiter* waiter = waiters_.pop_front()) scheduler::wake(*waiter->thread);
}

}  // namespace plumbline
