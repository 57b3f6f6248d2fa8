#include "sync/wait_queue.hh"

#include "sync/lock_guard.hh"

namespace plumbline {

void WaitQueue::enqueue(Waiter& waiter) {
  const LockGuard guard(lock_);
  waiters_.push_back(&waiter);
  // A full fence, which pairs with the one in wake_one and wake_all: either the waker sees the
  // entry, or the predicate, which is read after this, sees what the waker wrote before. A waker
  // that sees the entry waits for the lock, and finds a thread that can be woken.
  waiter.sleeper.prepare();
}

void WaitQueue::cancel(Waiter& waiter) {
  waiter.sleeper.cancel();
  // The wake was meant for one who needs it.
  if (!leave(waiter)) wake_one();
}

bool WaitQueue::sleep(Waiter& waiter, Deadline deadline) {
  const bool in_time = waiter.sleeper.sleep(deadline);
  // Acquire: what the waker did before comes before what this thread does now.
  if (waiter.woken.load(std::memory_order_acquire)) return true;
  return leave(waiter) ? in_time : true;
}

bool WaitQueue::leave(Waiter& waiter) {
  // A waker may be between taking the waiter out and its last access: it holds the lock meanwhile.
  const LockGuard guard(lock_);
  if (!waiter.hook.linked()) return false;
  waiters_.remove(&waiter);
  return true;
}

inline void WaitQueue::wake(Waiter& waiter) {
  waiter.sleeper.wake_masked();
  // Release, and last: who sees it may be gone the next moment.
  waiter.woken.store(true, std::memory_order_release);
}

bool WaitQueue::wake_one() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  // Read without the lock: in the usual case nobody waits.
  if (waiters_.empty_unlocked()) return false;
  const LockGuard guard(lock_);
  Waiter* waiter = waiters_.pop_front();
  if (waiter == nullptr) return false;
  wake(*waiter);
  return true;
}

void WaitQueue::wake_all() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (waiters_.empty_unlocked()) return;
  const LockGuard guard(lock_);
  while (Waiter* waiter = waiters_.pop_front()) wake(*waiter);
}

}  // namespace plumbline
