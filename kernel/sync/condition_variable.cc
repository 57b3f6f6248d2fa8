#include "sync/condition_variable.hh"

namespace plumbline {

bool ConditionVariable::wait(Mutex& mutex, Deadline deadline) {
  WaitQueue::Waiter waiter;
  // In the queue before the mutex is free: a notification after that finds it.
  waiters_.enqueue(waiter);
  mutex.unlock();
  const bool in_time = waiters_.sleep(waiter, deadline);
  mutex.lock();
  return in_time;
}

}  // namespace plumbline
