// One thread's sleep that another thread ends: what wait queues of a special kind are made of.
#pragma once

#include "core/clock.hh"

#ifdef PLUMBLINE_HOSTED
#include "sync/hosted/sleeper.hh"
#else
#include "arch/x86_64/application.hh"
#include "core/per_cpu.hh"
#include "sched/scheduler.hh"
#include "sync/spinlock.hh"

namespace plumbline {

// Belongs to the thread that made it. The owner prepares, shows itself to those who may wake it,
// looks at its condition, and sleeps, or cancels. Others wake it as long as it is shown to them.
class Sleeper {
 public:
  Sleeper() : thread_(current()) {}

  // From here on a wake is remembered. A full fence.
  void prepare() { scheduler::prepare_to_block(); }
  void cancel() { scheduler::cancel_block(); }
  // False when the deadline passed. Wakes without a cause are possible.
  bool sleep(Deadline deadline) { return scheduler::block(deadline); }
  // In one step, for an owner that is shown to its wakers in a list under `lock`, which it holds
  // (lock_unmasked): releases the lock and sleeps. False, the lock still held: a signal asks the
  // thread not to wait. Wakes without a cause are possible.
  bool sleep_releasing(Spinlock& lock) { return scheduler::block_and_release(lock, kWorkSignal); }
  void wake() { scheduler::wake(*thread_); }
  // The same for callers that hold a spinlock.
  void wake_masked() { scheduler::wake_masked(*thread_); }

 private:
  Thread* const thread_;
};

}  // namespace plumbline

#endif
