// The loop with which a thread waits for a condition, the same for the kernel's wait queue and the
// hosted one.
#pragma once

#include "core/clock.hh"

namespace plumbline {

// A base of Queue, which has a class Waiter and enqueue, cancel and sleep for it.
template <typename Queue>
class WaitsForPredicates {
 public:
  // Sleeps until `predicate()` is true or the deadline has passed; returns the predicate's last
  // value. The predicate runs in the caller's thread, several times, and reads with acquire what a
  // waker wrote before waking.
  template <typename Predicate>
  bool wait_until(Predicate predicate, Deadline deadline = Deadline::never()) {
    if (predicate()) return true;
    auto& queue = static_cast<Queue&>(*this);
    for (;;) {
      typename Queue::Waiter waiter;
      queue.enqueue(waiter);
      const bool satisfied = predicate();
      const bool in_time = satisfied ? (queue.cancel(waiter), true) : queue.sleep(waiter, deadline);
      if (satisfied || predicate()) return true;
      if (!in_time) return false;
    }
  }

 protected:
  constexpr WaitsForPredicates() = default;
  ~WaitsForPredicates() = default;
};

}  // namespace plumbline
