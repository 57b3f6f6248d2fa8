#include "sync/wait_queue.hh"

#include <chrono>

#include "sync/interruptible_wait.hh"

namespace plumbline {

void WaitQueue::enqueue(Waiter& waiter) {
  const std::lock_guard guard(lock_);
  waiters_.push_back(&waiter);
}

void WaitQueue::cancel(Waiter& waiter) {
  bool woken;
  {
    const std::lock_guard guard(lock_);
    woken = !waiter.hook.linked();
    if (!woken) waiters_.remove(&waiter);
  }
  // The wake was meant for one who needs it.
  if (woken) wake_one();
}

bool WaitQueue::sleep(Waiter& waiter, Deadline deadline) {
  std::unique_lock guard(lock_);
  const auto woken = [&] { return !waiter.hook.linked(); };
  if (deadline.is_never()) {
    waiter.woken.wait(guard, woken);
    return true;
  }
  const std::chrono::steady_clock::time_point until{
      std::chrono::nanoseconds(static_cast<std::int64_t>(deadline.at.count))};
  if (waiter.woken.wait_until(guard, until, woken)) return true;
  waiters_.remove(&waiter);
  return false;
}

bool WaitQueue::wake_one() {
  const std::lock_guard guard(lock_);
  Waiter* const waiter = waiters_.pop_front();
  if (waiter == nullptr) return false;
  // Under the lock, which the waiter takes before it returns: it cannot be gone.
  waiter->woken.notify_one();
  return true;
}

void WaitQueue::wake_all() {
  const std::lock_guard guard(lock_);
  while (Waiter* const waiter = waiters_.pop_front()) waiter->woken.notify_one();
}

bool interruption_pending() { return false; }

}  // namespace plumbline
