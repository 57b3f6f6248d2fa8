// The wait queue of hosted builds: the kernel's interface and promises over the host's threads.
#pragma once

#include <condition_variable>
#include <mutex>

#include "core/clock.hh"
#include "core/intrusive_list.hh"
#include "sync/sleep_result.hh"
#include "sync/wait_until.hh"

namespace plumbline {

class WaitQueue : public WaitsForPredicates<WaitQueue> {
 public:
  WaitQueue() = default;
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;

  template <typename Predicate>
  SleepResult sleep_unless(Predicate predicate) {
    std::unique_lock guard(lock_);
    if (predicate()) return SleepResult::kNotNeeded;
    Waiter waiter;
    waiters_.push_back(&waiter);
    waiter.woken.wait(guard, [&] { return !waiter.hook.linked(); });
    return SleepResult::kSlept;
  }

  bool anybody_waits() {
    const std::lock_guard guard(lock_);
    return !waiters_.empty();
  }
  bool wake_one();
  void wake_all();

 private:
  friend class ConditionVariable;
  friend class WaitsForPredicates<WaitQueue>;

  struct Waiter {
    std::condition_variable woken;
    ListHook hook;
  };

  void enqueue(Waiter& waiter);
  void cancel(Waiter& waiter);
  bool sleep(Waiter& waiter, Deadline deadline);

  std::mutex lock_;
  IntrusiveList<Waiter, &Waiter::hook> waiters_;
};

}  // namespace plumbline
