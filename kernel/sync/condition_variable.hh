// A condition variable for Mutex.
#pragma once

#include "core/clock.hh"
#include "sync/mutex.hh"
#include "sync/wait_queue.hh"

namespace plumbline {

class ConditionVariable {
 public:
  constexpr ConditionVariable() = default;

  // Releases `mutex`, sleeps until notified or until the deadline, and takes it again. False when
  // the deadline passed. Wakes without a cause are possible, as everywhere.
  bool wait(Mutex& mutex, Deadline deadline = Deadline::never());

  // Waits until `predicate()`, which is evaluated under the mutex; its last value is returned.
  template <typename Predicate>
  bool wait(Mutex& mutex, Predicate predicate, Deadline deadline = Deadline::never()) {
    while (!predicate()) {
      if (!wait(mutex, deadline)) return predicate();
    }
    return true;
  }

  void notify_one() { waiters_.wake_one(); }
  void notify_all() { waiters_.wake_all(); }

 private:
  WaitQueue waiters_;
};

}  // namespace plumbline
