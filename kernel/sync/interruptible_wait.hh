// Waiting that a signal may end.
#pragma once

#include "core/clock.hh"
#include "core/result.hh"
#include "sync/wait_queue.hh"
#ifndef PLUMBLINE_HOSTED
#include "sched/thread_state.hh"
#endif

namespace plumbline {

// True when the running thread has been asked to stop waiting (a signal for its program is
// pending). Always false for kernel threads and in hosted builds.
#ifdef PLUMBLINE_HOSTED
bool interruption_pending();
#else
inline bool interruption_pending() {
  return (current()->application.work.load(std::memory_order_acquire) & kWorkSignal) != 0;
}
#endif

// Waits like WaitQueue::wait_until. kRestart: a signal came first; kETIMEDOUT: the deadline passed.
template <typename Predicate>
Status wait_interruptibly(WaitQueue& queue, Predicate predicate,
                          Deadline deadline = Deadline::never()) {
  bool interrupted = false;
  const bool done = queue.wait_until(
      [&] {
        if (predicate()) {
          interrupted = false;
          return true;
        }
        return interrupted = interruption_pending();
      },
      deadline);
  if (interrupted) return Errno::kRestart;
  if (!done) return Errno::kETIMEDOUT;
  return {};
}

}  // namespace plumbline
